"""Restores scans: decision, inpainting, tiling, inference, files, sidecars, reports, undo."""
