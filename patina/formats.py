"""The suffixes of image files that Patina searches for."""

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".tif", ".tiff", ".webp", ".jp2"),
)
