"""The format ("kind") of a file, decided by its first bytes and never by its name.

libvips would open any format that it knows under any name, such as an SVG as a scan. Patina opens
only the kinds in `patina.formats.SUFFIXES`, each with the loader of that kind.
Sources: the specifications of the formats; ISO/IEC 14496-12 for the brands of HEIF.
"""

import stat
from pathlib import Path

from patina.formats import SUFFIXES
from patina.tasks.imaging.faults import ImageError

HEAD = 4096  # number of bytes that are examined
CONVERT = "convert it to TIFF or PNG"
MAGIC = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0\x10\0\0\0CR", "CR2"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"IIU\0", "RW2"),
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"8BPS\0\1", "PSD"),
    (b"8BPS\0\2", "PSB"),
    (b"v/1\1", "OpenEXR"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"SIMPLE  =", "FITS"),
    (b"\x08\xf2\xa6\xb6", "VIPS"),
    (b"\xb6\xa6\xf2\x08", "VIPS"),
    (b"PK\3\4", "ZIP"),
)
BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "CR3"}
HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def kind_of(head: bytes) -> str:
    """The kind of a file that begins with `head`; "" if it is unknown."""
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    if head[4:8] == b"ftyp":
        return _brand(head)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024].lower()
    if text.startswith((b"<?xml", b"<!doctype", b"<svg", b"<html")):
        return "SVG" if b"<svg" in head.lower() else "XML or HTML"
    return ""


def _brand(head: bytes) -> str:
    """The kind of an ISO media file: by its major brand, or the first known compatible brand."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    specific = next((BRANDS[brand] for brand in brands if brand in BRANDS), "")
    return specific or ("HEIC" if HEIC & {*brands} else "")


def read_kind(source: Path) -> str:
    """The kind of the file `source`, one of `patina.formats.SUFFIXES`.

    Raises ImageError if it has another kind, is not a regular file, or cannot be read.
    """
    refuse_unless_a_file(source)
    try:
        with source.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    if not head:
        raise ImageError(f"{source.name}: the image cannot be read completely (the file is empty)")
    kind = kind_of(head)
    if kind in SUFFIXES:
        return kind
    if kind:
        under = source.suffix.lower().removeprefix(".")
        named = f" (despite the suffix .{under})" if under and under != kind.lower() else ""
        raise ImageError(f"{source.name}: {kind} is not supported{named}; {CONVERT}")
    raise ImageError(
        f"{source.name}: its first bytes are not those of a supported image format; {CONVERT}"
    )


def refuse_unless_a_file(source: Path) -> None:
    """Raise ImageError if `source` is not a regular file: reading a pipe could wait forever."""
    try:
        mode = source.stat().st_mode
    except OSError as error:
        what = "a link to a missing file" if source.is_symlink() else error.strerror
        raise ImageError(f"{source.name}: cannot be read ({what})") from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise ImageError(f"{source.name}: cannot be read (it is {what}, not a file)")
