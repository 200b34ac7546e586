"""The memory that a scan needs, computed from its header before anything is decoded.

The formulas are upper bounds of measurements, see benchmarks/attacks.py.
"""

import struct
from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging import tiff
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import field_of

BOUND = 2_500_000_000  # maximum memory of a process in bytes
BASE = 600_000_000  # bytes for networks and libraries, without any scan
NUMBERS = {"uchar": "u1", "ushort": "u2", "short": "i2", "float": "f4"}
SEQUENTIAL_ROWS = 400  # rows that libvips keeps while it reads an image from the top
ROWS, TILE_HEIGHT = 278, 323


def refuse_beyond(bound: int, needed: int, name: str, size: tuple[int, int]) -> None:
    """Raise ImageError if `needed` bytes are more than `bound`. size: width and height in
    pixels.
    """
    if needed > bound:
        raise ImageError(
            f"{name}: {size[0]} × {size[1]} pixels of this format need "
            f"{needed / 1e9:,.1f} GB of memory; the limit is {bound / 1e9:,.1f} GB; "
            "cut the image into parts, or reduce it"
        )


def to_decode(source: Path, kind: str, image: pyvips.Image, page: int) -> int:
    """Bytes, in addition to BASE, for decoding `image`, the opened image of the file `source`."""
    sample = np.dtype(NUMBERS.get(image.format, "f8")).itemsize
    row = image.width * image.bands * sample
    whole = row * image.height
    wide = row * min(SEQUENTIAL_ROWS, image.height)
    if kind == "TIFF":
        return wide + 2 * row * _rows_at_once(source, image.height, page)
    if kind == "PNG":
        return wide + (whole if image.get_typeof("interlaced") else 0)
    if kind == "JPEG":  # progressive: two bytes for each coefficient
        several = field_of(image, "jpeg-multiscan", 0)
        return wide + (2 * whole if several else 0)
    return wide + {"WebP": 3, "GIF": 3, "AVIF": 4}.get(kind, 1) * whole


def _rows_at_once(source: Path, height: int, page: int) -> int:
    """Height of the strips or tiles of a TIFF; each is decoded as a whole."""
    wanted = frozenset({ROWS, TILE_HEIGHT})
    try:
        tags = tiff.tags_of_page(source, page, wanted)
    except (struct.error, IndexError):
        return height
    if TILE_HEIGHT in tags:
        return min(tiff.number_of(tags, TILE_HEIGHT), height)
    return min(tiff.number_of(tags, ROWS, height), height)


def to_decode_at_once(width: int, height: int, components: int, bits: int) -> int:
    """Bytes, in addition to BASE, for OpenJPEG: four bytes a sample, and two arrays of pixels."""
    return width * height * components * (4 + 2 * (1 if bits <= 8 else 2) + 1)
