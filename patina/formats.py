"""The image files that are looked for. It imports nothing, so that every room may import it."""

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".tif", ".tiff", ".webp", ".jp2"),
)
