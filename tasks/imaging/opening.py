"""Opens image files by their real format, and checks size and form before they are decoded."""

import io
import mmap
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyvips

from patina.codestream import codestream_in
from patina.tasks.imaging import bmp, jpeg, jpeg2000, memory, tiff
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import field_of
from patina.tasks.imaging.kinds import read_kind, refuse_unless_a_file
from patina.tasks.imaging.one_at_a_time import one_at_a_time

# No cache: a file may have been replaced by another one of the same name
pyvips.cache_set_max(0)
# Block the loaders that libvips marks as untrusted, except two that read Patina's own files
pyvips.block_untrusted_set(True)
for _ours in ("VipsForeignLoadVips", "VipsForeignLoadRaw"):
    pyvips.operation_block_set(_ours, False)

LOADERS: dict[str, Callable[..., pyvips.Image]] = {
    "TIFF": pyvips.Image.tiffload,
    "PNG": pyvips.Image.pngload,
    "JPEG": pyvips.Image.jpegload,
    "WebP": pyvips.Image.webpload,
    "GIF": pyvips.Image.gifload,
    "AVIF": pyvips.Image.heifload,
}
SPACES = {"srgb", "rgb", "rgb16", "b-w", "grey16", "cmyk"}
DEPTHS = {"uchar": 255, "ushort": 65535}
LAB = {"lab": "float", "labs": "short"}
MAX_MEGAPIXELS = 4000  # larger files are not scans, but attacks
YCBCR, JPEG_WITHIN = 6, 7  # values of a TIFF's PHOTOMETRIC and COMPRESSION
PHOTOMETRIC, COMPRESSION, BITS, COEFFICIENTS, SUBSAMPLING = 262, 259, 258, 529, 530
BT601 = (0.299, 0.587, 0.114)

Weigh = Callable[[int, int], int]  # (width, height) -> bytes of memory for the further work


@dataclass
class Opened:
    """An image that is not decoded yet."""

    image: pyvips.Image
    kind: str  # of the file, see `kinds`
    page: int = 0  # number of the page of a TIFF
    notes: list[str] = field(default_factory=list)  # differences from the file, in words


def open_image(source: Path, *, fail_on: str = "error", weigh: Weigh | None = None) -> Opened:
    """Open the file `source` by its real format. Only JPEG 2000 and BMP are decoded at once.

    fail_on: the severity of faults at which libvips fails. weigh: memory for the further work.
    Raises ImageError if its kind or form is not supported, if it is too large, or if it needs more
    than `memory.BOUND`; pyvips.Error or ValueError if its header cannot be read.
    """
    kind = read_kind(source)
    try:
        if kind == "JPEG 2000":
            opened = _jpeg_2000(source, weigh)
        elif kind == "BMP":
            opened = _bmp(source, weigh)
        else:
            page = _page(source) if kind == "TIFF" else 0
            options = {"page": page} if kind == "TIFF" else {}
            image = LOADERS[kind](str(source), fail_on=fail_on, access="sequential", **options)
            opened = Opened(image, kind, page)
            _refuse_size(source, image.width, image.height)
            needed = memory.to_decode(source, kind, image, page)
            _refuse_weight(source, (image.width, image.height), needed, weigh)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    if kind == "GIF" and field_of(opened.image, "n-pages", 1) > 1:
        raise ImageError(f"{source.name}: it has several frames; export one of them")
    if kind == "TIFF":
        opened = _colours_of_tiff(source, opened)
    refuse_form(source, opened.image)
    return opened


@one_at_a_time
def is_at_most(source: Path, pixels: int) -> bool:
    """Whether the image `source` has at most that number of pixels, from its header.

    False if the header cannot be read, or if the image is decoded as a whole, in memory.
    """
    with suppress(ImageError, pyvips.Error, OSError, ValueError):
        refuse_unless_a_file(source)
        kind = read_kind(source)
        if kind in LOADERS:
            options = {"page": _page(source)} if kind == "TIFF" else {}
            image = LOADERS[kind](str(source), access="sequential", **options)
            return bool(image.width * image.height <= pixels)
    return False


def refuse_form(source: Path, image: pyvips.Image) -> None:
    """Raise ImageError if sample type or colour space of `image` are not supported."""
    space, form = image.interpretation, image.format
    if form != LAB[space] if space in LAB else space not in SPACES or form not in DEPTHS:
        raise ImageError(
            f"{source.name}: {space} pixels of the type {form} are not supported; "
            "convert it to RGB of 8 or 16 bit"
        )
    colours = image.bands - (1 if image.hasalpha() else 0)
    if colours not in (1, 3) and not (colours == 4 and space == "cmyk"):
        raise ImageError(
            f"{source.name}: it has {colours} colour bands; convert it to grey, RGB or CMYK"
        )


def _refuse_size(source: Path, width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise ImageError(
            f"{source.name}: its header says {width} × {height} pixels; "
            f"at most {MAX_MEGAPIXELS} megapixels are supported"
        )


def _refuse_weight(source: Path, size: tuple[int, int], needed: int, weigh: Weigh | None) -> None:
    """Raise ImageError if decoding, or the work after it, needs more than `memory.BOUND`."""
    most = max(needed, weigh(*size) if weigh else 0)
    memory.refuse_beyond(memory.BOUND, memory.BASE + most, source.name, size)


def _jpeg_2000(source: Path, weigh: Weigh | None) -> Opened:
    data = _whole(source)
    found = codestream_in(io.BytesIO(data))
    _refuse_size(source, found.width, found.height)
    width, height, bits = found.width, found.height, found.first[0].bits
    needed = 2 * len(data) + memory.to_decode_at_once(width, height, found.channels, bits)
    _refuse_weight(source, (width, height), needed, weigh)
    return Opened(jpeg2000.decoded(data), "JPEG 2000")


def _bmp(source: Path, weigh: Weigh | None) -> Opened:
    data = _whole(source)
    header = bmp.header_of(data)
    _refuse_size(source, header.width, header.height)
    needed = len(data) + 2 * 3 * header.width * header.height
    _refuse_weight(source, (header.width, header.height), needed, weigh)
    notes = ["palette colours were converted to RGB"] if header.bits <= 8 else []
    notes += ["16-bit pixels were converted to 24 bit"] if header.bits == 16 else []
    notes += ["not copied: the fourth byte of each pixel"] if header.bits == 32 else []
    return Opened(bmp.decoded(data), "BMP", 0, notes)


def _whole(source: Path) -> bytes:
    """All bytes of a file that is decoded from memory."""
    size = source.stat().st_size
    memory.refuse_beyond(memory.BOUND - memory.BASE, 2 * size, source.name, (size, 1))
    return source.read_bytes()


def _page(source: Path) -> int:
    """Number of the first page of a TIFF that is not a thumbnail. Raises ImageError without one."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return tiff.whole_page(data, tiff.layout_of(data[:4]))
        except struct.error:
            return 0
        except ValueError as error:
            raise ImageError(f"{source.name}: {error}") from error


def _colours_of_tiff(source: Path, opened: Opened) -> Opened:
    """Convert YCbCr that libvips would treat as RGB, and add a note if there are several pages."""
    wanted = frozenset({PHOTOMETRIC, COMPRESSION, BITS, COEFFICIENTS, SUBSAMPLING})
    tags = tiff.tags_of_page(source, opened.page, wanted)
    if (pages := field_of(opened.image, "n-pages", 1)) > 1:
        opened.notes.append(f"only page {opened.page + 1} of {pages} was restored")
    within = tiff.number_of(tags, COMPRESSION, 1)
    halved = tags.get(SUBSAMPLING, (3, 2, b"\2\0\2\0"))[2] != b"\1\0\1\0"
    if tiff.number_of(tags, PHOTOMETRIC) != YCBCR or within in (6, JPEG_WITHIN) or halved:
        return opened
    if opened.image.format != "uchar" or opened.image.bands != 3:
        raise ImageError(
            f"{source.name}: YCbCr pixels of this form are not supported; convert it to RGB"
        )
    kind, count, value = tags.get(COEFFICIENTS, (5, 0, b""))
    pairs = np.frombuffer(value, "<u4").reshape(-1, 2) if (kind, count) == (5, 3) else None
    luma = tuple(pairs[:, 0] / np.maximum(pairs[:, 1], 1)) if pairs is not None else BT601
    image = _rgb_of_ycbcr(opened.image, luma)
    return Opened(
        image, opened.kind, opened.page, [*opened.notes, "YCbCr colours were converted to RGB"]
    )


def _rgb_of_ycbcr(image: pyvips.Image, luma: tuple[float, ...]) -> pyvips.Image:
    """RGB of full-range YCbCr pixels. Source: TIFF 6.0, section 21."""
    red, green, blue = luma if luma[1] else BT601
    matrix = [
        [1, 0, 2 - 2 * red],
        [1, -(2 - 2 * blue) * blue / green, -(2 - 2 * red) * red / green],
        [1, 2 - 2 * blue, 0],
    ]
    centred = image.linear([1, 1, 1], [0, -128, -128])
    rgb = centred.recomb(pyvips.Image.new_from_array(matrix)).rint().cast("uchar")
    return rgb.copy(interpretation="srgb")


def in_order(source: Path) -> pyvips.Image:
    """A JPEG with errors for libvips, read after its segments have been repaired.

    Raises pyvips.Error, possibly while it is decoded, if pixels are missing.
    """
    data = jpeg.in_order(source.read_bytes())
    image = pyvips.Image.jpegload_buffer(data, fail_on="warning")
    head = pyvips.Image.jpegload(str(source))
    image = image.copy(xres=head.xres, yres=head.yres)
    for name in ("exif-data", "icc-profile-data", "xmp-data", "iptc-data", "orientation"):
        if head.get_typeof(name):
            image.set_type(head.get_typeof(name), name, head.get(name))
    return image
