"""What is done to scans, and what is reported of it: decision, inpainting, tiling, inference."""
