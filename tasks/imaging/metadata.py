"""The metadata of a file: what is copied to the result, and what is not."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from patina.tasks.imaging import jpeg, png
from patina.tasks.imaging.exif import Tags, resolution, tags_of
from patina.tasks.imaging.fields import field_of
from patina.tasks.imaging.opening import Opened
from patina.tasks.imaging.xmp import is_readable

UNKNOWN = 1.0  # pixels a millimetre: libvips' value if the file has no resolution


@dataclass
class Metadata:
    """Metadata of a file, see `metadata_of`.

    Empty where the file has none.
    """

    tags: Tags = field(default_factory=Tags)  # in the form of TIFF tags
    exif: bytes = b""  # as in the file
    xmp: bytes = b""  # as in the file; of a JPEG, the first segment
    head: bytes = b""  # of a JPEG: its bytes up to the first scan
    chunks: list[png.Chunk] = field(default_factory=list)  # of a PNG: all that are not pixels
    profile: bytes = b""  # of a PNG without an ICC profile: see `png.profile_of`
    joined: bytes = b""  # XMP of all segments of a JPEG, if there are several
    notes: list[str] = field(default_factory=list)  # what no result has, in words
    elsewhere: list[str] = field(default_factory=list)  # what results of other formats lack


def metadata_of(source: Path, opened: Opened) -> Metadata:
    """The metadata of the file `source`, whose image is `opened`."""
    image = opened.image
    exif, xmp = (field_of(image, name) for name in ("exif-data", "xmp-data"))
    metadata = Metadata(tags_of(source, image, opened.page), exif, xmp)
    if xmp and not is_readable(xmp):
        metadata.notes.append("not copied: XMP, because it is malformed")
    if opened.kind == "JPEG":
        _of_jpeg(source, metadata)
    elif opened.kind == "PNG":
        _of_png(source, metadata)
    elif opened.kind in ("JPEG 2000", "BMP") and image.xres != UNKNOWN:
        found = resolution(10 * image.xres, 10 * image.yres)
        metadata.tags = replace(metadata.tags, resolution=found)
    metadata.notes += [f"not copied: {lost}" for lost in metadata.tags.left_out]
    return metadata


def _of_jpeg(source: Path, metadata: Metadata) -> None:
    metadata.head = jpeg.head_of(source)
    joined, lost = jpeg.xmp_of(metadata.head, metadata.xmp)
    metadata.joined = joined if joined != metadata.xmp else b""
    others = jpeg.further_images(metadata.head, metadata.xmp)
    metadata.notes += [f"not copied: {what}" for what in (lost, others) if what]
    metadata.elsewhere += ["the JPEG comment"] if jpeg.has_comment(metadata.head) else []
    found = jpeg.resolution_of(metadata.head, metadata.exif)
    metadata.tags = replace(metadata.tags, resolution=found)


def _of_png(source: Path, metadata: Metadata) -> None:
    metadata.chunks = [*png.chunks(source)]
    metadata.profile, note = png.profile_of(metadata.chunks)
    metadata.notes += [note] if note else []
    metadata.notes += [f"not copied: {what}" for what in png.lost(metadata.chunks)]
    found = png.resolution_of(metadata.chunks, metadata.exif)
    metadata.tags = replace(metadata.tags, resolution=found)
