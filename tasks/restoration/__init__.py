"""What is done to a scan, and what is reported of it."""
