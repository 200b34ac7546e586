"""The sample museum: its web server, and the painter of its works."""
