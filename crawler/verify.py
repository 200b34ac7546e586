"""Checks an image file by decoding it to its last row."""

import io
import math
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pyvips
from numpy.typing import NDArray

from patina.codestream import UnreadFormError, codestream_in, decoded, of_full_depth
from patina.formats import COLLECTED, SUFFIXES

Rows = NDArray[np.floating | np.integer]


class Kind(NamedTuple):
    """A file format."""

    name: str
    suffix: str
    starts: tuple[bytes, ...]  # the possible first bytes


class Finding(NamedTuple):
    """The result of a check."""

    suffix: str  # by the content
    width: int = 0  # pixels
    height: int = 0  # pixels
    fault: str = ""  # "" if the file is intact


STARTS = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "WebP": (b"RIFF",),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
}
KINDS = tuple(Kind(name, SUFFIXES[name][0], STARTS[name]) for name in COLLECTED)
SUPPORTED = ", ".join(COLLECTED)

# In the last tenth of 434 museum images, the values of the two incomplete downloads spread by 0 of
# 255, those of the other images by at least 44
FLAT_SPREAD_255 = 6
FLAT_SHARE = 0.1
STRIP_SAMPLES = 2**22  # samples that are decoded at a time
LEAST_PX = 64  # minimum side; smaller images are icons
MOST_PIXELS = 2_000_000_000  # larger images are attacks on the memory, not scans
MOST_BYTES = 2_500_000_000  # maximum memory for an image that is decoded as a whole
BYTES_A_SAMPLE = {"JPEG 2000": 8}  # memory for decoding; other formats: 4


def examine(path: Path) -> Finding:
    """Format, size and fault of the file `path`; the name does not matter."""
    with path.open("rb") as file:
        head = file.read(16)
    kind = kind_of(head)
    if kind is None:
        what = f"starts with {head[:12]!r}" if head else "the file is empty"
        return Finding(".bin", fault=f"not an image: {what}; supported: {SUPPORTED}")
    try:
        size = size_of(path)
        if fault := unusual(*size) if all(size) else "":
            return Finding(kind.suffix, *size, fault)
        if fault := beyond_memory(path, kind):
            return Finding(kind.suffix, *size, fault)
        image = opened(path, kind)
        low, high = extremes(image)
    except UnreadFormError as error:
        return Finding(kind.suffix, *size, f"{kind.name} of an unsupported form: {error}")
    except (pyvips.Error, ValueError) as error:
        lines = str(error).split("\n")
        said = (line.strip() for line in (*lines[1:], lines[0]))
        detail = next(filter(None, said), "it cannot be decoded")
        return Finding(kind.suffix, fault=f"truncated or damaged {kind.name}: {detail}")
    row = flat_from(low, high, full_scale(image, low, high))
    fault = ""
    if len(low) - row >= math.ceil(FLAT_SHARE * len(low)):
        fault = f"broken download: flat from row {row} to the bottom"
    return Finding(kind.suffix, image.width, image.height, fault)


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels from the header of the file; (0, 0) if unknown."""
    with path.open("rb") as file:
        kind = kind_of(file.read(16))
        if kind is None:
            return 0, 0
        if kind.name == "JPEG 2000":
            return shape_of_jpeg_2000(file)[:2]
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", revalidate=True)
    except pyvips.Error:
        return 0, 0
    return image.width, image.height


def shape_of_jpeg_2000(file: BinaryIO) -> tuple[int, int, int]:
    """Width and height in pixels, and channels, for the decoder; zeros if there is no image."""
    try:
        found = codestream_in(file)
    except ValueError:
        return 0, 0, 0
    return found.width, found.height, found.channels


def unusual(width: int, height: int) -> str:
    """The fault of an image size; "" if it has none."""
    size = f"{width}×{height} pixels"
    if width * height > MOST_PIXELS:
        return f"too large: {size}"
    if min(width, height) < LEAST_PX:
        return f"too small: {size}, less than {LEAST_PX} a side"
    return ""


def beyond_memory(path: Path, kind: Kind) -> str:
    """The fault of an image that needs too much memory; "" if it has none.

    JPEG 2000, WebP, interlaced PNG and progressive JPEG are decoded as a whole, others in strips.
    """
    if kind.name == "JPEG 2000":
        with path.open("rb") as file:
            width, height, bands = shape_of_jpeg_2000(file)
        if not width:
            return f"truncated or damaged {kind.name}: it contains no image"
    else:
        image = pyvips.Image.new_from_file(str(path), access="sequential", revalidate=True)
        if kind.name != "WebP" and not image.get_typeof("interlaced"):
            return ""
        width, height, bands = image.width, image.height, image.bands
    need = width * height * bands * BYTES_A_SAMPLE.get(kind.name, 4)
    if need <= MOST_BYTES:
        return ""
    return f"too large: {width}×{height} pixels need {need / 1e9:.1f} GB to be decoded"


def kind_of(head: bytes) -> Kind | None:
    """The format of a file that begins with the bytes `head`; None if it is not supported."""
    kind = next((kind for kind in KINDS if head.startswith(kind.starts)), None)
    if kind and kind.name == "WebP" and head[8:12] != b"WEBP":  # RIFF is also AVI and WAV
        return None
    return kind


def opened(path: Path, kind: Kind) -> pyvips.Image:
    """Open the image without decoding it; only JPEG 2000 is decoded at once."""
    if kind.name == "JPEG 2000":  # the wheel of libvips cannot read it
        data = path.read_bytes()
        bits = codestream_in(io.BytesIO(data)).first[0].bits
        return pyvips.Image.new_from_array(of_full_depth(decoded(data), bits))
    # By default, libvips accepts truncated files, and caches files by name
    return pyvips.Image.new_from_file(
        str(path), access="sequential", fail_on="error", revalidate=True
    )


def extremes(image: pyvips.Image) -> tuple[Rows, Rows]:
    """Minimum and maximum of each row and band, each (rows, bands)."""
    if image.format != "uchar":
        image = image.cast("float")  # exact up to 24 bit
    dtype = np.dtype(np.uint8 if image.format == "uchar" else np.float32)
    region = pyvips.Region.new(image)
    step = max(1, STRIP_SAMPLES // (image.width * image.bands))
    low, high = [], []
    for top in range(0, image.height, step):
        rows = min(step, image.height - top)
        strip = np.frombuffer(region.fetch(0, top, image.width, rows), dtype)
        strip = strip.reshape(rows, image.width, image.bands)
        low.append(strip.min(axis=1))
        high.append(strip.max(axis=1))
    return np.concatenate(low), np.concatenate(high)


def full_scale(image: pyvips.Image, low: Rows, high: Rows) -> float:
    """White minus black; for floating point, the range of the image."""
    known = {"uchar": 255.0, "ushort": 65535.0}
    return known.get(image.format, float(np.ptp([low.min(), high.max()])))


def flat_from(low: Rows, high: Rows, scale: float) -> int:
    """First row of the uniform area at the bottom; the image height if there is none."""
    lowest = np.minimum.accumulate(low[::-1].astype(np.float64))
    highest = np.maximum.accumulate(high[::-1].astype(np.float64))
    flat = np.max(highest - lowest, axis=1) <= FLAT_SPREAD_255 / 255 * scale
    return len(low) - int(np.argmin(np.append(flat, False)))
