"""The image files that are looked for. It imports nothing, so that every room may import it."""

EXTENSIONS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".jp2")
