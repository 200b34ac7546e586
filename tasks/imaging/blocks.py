"""The metadata of a file: what is carried over as it stands, and what of it is lost."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pyvips

from patina.tasks.imaging import jpeg, png
from patina.tasks.imaging.exif import Tags, resolution, tags_of
from patina.tasks.imaging.opening import Opened
from patina.tasks.imaging.xmp import is_readable

UNTOLD = 1.0  # pixels a millimetre, where libvips was told nothing


@dataclass
class Blocks:
    """Metadata of a file.

    tags: as a TIFF carries them. exif, xmp: as they stand in the file. head: of a JPEG, its bytes
    up to the first scan; chunks: of a PNG, those that are not pixels. profile: by which a viewer
    sees a PNG that has none, see `png.profile_of`. joined: XMP of all segments of a JPEG, if there
    are several. notes: what is lost in any result; elsewhere: what is lost in another kind.
    """

    tags: Tags = field(default_factory=Tags)
    exif: bytes = b""
    xmp: bytes = b""
    head: bytes = b""
    chunks: list[png.Chunk] = field(default_factory=list)
    profile: bytes = b""
    joined: bytes = b""
    notes: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def blocks_of(source: Path, opened: Opened) -> Blocks:
    """Of the file `source`, which was opened."""
    image = opened.image
    exif, xmp = (
        image.get(name) if image.get_typeof(name) else b"" for name in ("exif-data", "xmp-data")
    )
    blocks = Blocks(tags_of(source, image, opened.page), exif, xmp)
    if xmp and not is_readable(xmp):
        blocks.notes.append("left out: its XMP, which is malformed")
    if opened.kind == "JPEG":
        _of_jpeg(source, blocks)
    elif opened.kind == "PNG":
        _of_png(source, blocks)
    elif opened.kind in ("JPEG 2000", "BMP") and image.xres != UNTOLD:
        told = resolution(10 * image.xres, 10 * image.yres)
        blocks.tags = replace(blocks.tags, resolution=told)
    blocks.notes += [f"left out: {lost}" for lost in blocks.tags.left_out]
    return blocks


def _of_jpeg(source: Path, blocks: Blocks) -> None:
    blocks.head = jpeg.head_of(source)
    joined, lost = jpeg.xmp_of(blocks.head, blocks.xmp)
    blocks.joined = joined if joined != blocks.xmp else b""
    behind = jpeg.further_images(blocks.head, blocks.xmp)
    blocks.notes += [f"left out: {what}" for what in (lost, behind) if what]
    blocks.elsewhere += ["its comment"] if jpeg.has_comment(blocks.head) else []
    told = jpeg.resolution_of(blocks.head, blocks.exif)
    blocks.tags = replace(blocks.tags, resolution=told)


def _of_png(source: Path, blocks: Blocks) -> None:
    blocks.chunks = [*png.chunks(source)]
    blocks.profile, note = png.profile_of(blocks.chunks)
    blocks.notes += [note] if note else []
    blocks.notes += [f"left out: {what}" for what in png.lost(blocks.chunks)]
    told = png.resolution_of(blocks.chunks, blocks.exif)
    blocks.tags = replace(blocks.tags, resolution=told)


def without(image: pyvips.Image, *names: str) -> pyvips.Image:
    """The image without those blocks."""
    bare = image.copy()
    for name in names:
        if bare.get_typeof(name):
            bare.remove(name)
    return bare
