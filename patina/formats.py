"""The image formats that Patina reads, and the suffixes of their files; each list is only here."""

# The first suffix of a format is the one that Patina gives to a file
SUFFIXES = {
    "TIFF": (".tif", ".tiff"),
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jif", ".jfif"),
    "WebP": (".webp",),
    "JPEG 2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "AVIF": (".avif",),
}
COLLECTED = ("JPEG", "PNG", "TIFF", "WebP", "JPEG 2000")  # formats of works for a collection
# Suffixes of images that Patina does not read: they are set aside with the reason
UNREAD_SUFFIXES = (
    *(".exr", ".heic", ".heif", ".jxl", ".psb", ".psd"),
    *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"),
)


def suffixes_of(formats: tuple[str, ...]) -> tuple[str, ...]:
    """All suffixes of these formats."""
    return tuple(suffix for name in formats for suffix in SUFFIXES[name])


COLLECTED_SUFFIXES = suffixes_of(COLLECTED)
