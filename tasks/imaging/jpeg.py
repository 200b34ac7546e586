"""The segments of a JPEG: reads its metadata, repairs harmless errors, writes metadata.

Source: ITU-T T.81, Annex B; JFIF 1.02; Adobe's XMP Specification Part 3, 1.1.3; CIPA DC-007.
"""

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

from patina.tasks.imaging.exif import CENTIMETRE, INCH, of_block, resolution
from patina.tasks.imaging.tiff import Entries
from patina.tasks.imaging.xmp import GAIN_MAP, extension_of, joined

END, SCAN, COMMENT = 0xD9, 0xDA, 0xFE
ALONE = frozenset({0x01, *range(0xD0, 0xDA)})  # markers without a length
APPLICATION = range(0xE0, 0xF0)
EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_HEAD = b"http://ns.adobe.com/xmp/extension/\0"
MANY_HEAD, ICC_HEAD = b"MPF\0", b"ICC_PROFILE\0"
JFIF, ADOBE, PHOTOSHOP = 0xE0, 0xEE, 0xED
MOST = 1 << 24  # maximum size of extended XMP in bytes

Segment = tuple[int, bytes]  # marker, content


def segments(data: bytes) -> Iterator[Segment]:
    """Marker and content of each segment before the first scan; stray bytes are skipped."""
    for marker, start, end in _places(data):
        if marker == SCAN:
            return
        yield marker, data[start:end]


def head_of(source: Path) -> bytes:
    """The bytes of a file up to its first scan, and at most 4 * MOST of them."""
    with source.open("rb") as file:
        data = file.read(4 * MOST)
    ends = [end for marker, _, end in _places(data) if marker == SCAN]
    return data[: ends[0]] if ends else data


def _places(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of the content of each segment, up to the first scan."""
    at = 2
    while 0 <= (at := data.find(b"\xff", at)) < len(data) - 1:
        marker = data[at + 1]
        at += 1 if marker == 0xFF else 2
        if marker in (0, 0xFF) or marker in ALONE:
            if marker == END:
                return
            continue
        if len(data) < at + 2:
            return
        [length] = struct.unpack_from(">H", data, at)
        if length < 2:
            continue
        yield marker, at + 2, at + length
        if marker == SCAN:
            return
        at += length


def in_order(data: bytes) -> bytes:
    """The same JPEG without stray bytes, and with its end marker.

    If a decoder still reports an error, pixels are missing.
    """
    parts = [b"\xff\xd8"]
    rest, sequential = len(data), True
    for marker, start, end in _places(data):
        content = data[start:end]
        if marker == SCAN:
            # A sequential JPEG must have these fields, which only progressive ones use
            if sequential and len(content) > 3:
                content = content[:-3] + b"\0\x3f\0"
            rest = end
        sequential &= not 0xC2 <= marker <= 0xCF or marker in (0xC4, 0xC8, 0xCC)
        if (marker not in APPLICATION and marker != COMMENT) or marker == ADOBE:
            parts.append(_segment(marker, content))
    scans = data[rest:]
    end = scans.rfind(b"\xff\xd9")
    scans = (scans[:end] if end >= 0 else scans).rstrip(b"\xff")
    return b"".join([*parts, scans, b"\xff\xd9"])


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">2BH", 0xFF, marker, len(content) + 2) + content


def xmp_of(data: bytes, xmp: bytes) -> tuple[bytes, str]:
    """The packet `xmp` with its extension segments; and what of them is lost, in words."""
    name = extension_of(xmp) if xmp else ""
    if not name:
        return xmp, ""
    parts: dict[int, bytes] = {}
    for marker, content in segments(data):
        if marker == 0xE1 and content.startswith(EXTENSION_HEAD + name.encode()):
            start = len(EXTENSION_HEAD) + 32
            parts[int.from_bytes(content[start + 4 : start + 8], "big")] = content[start + 8 :]
    whole = b"".join(parts[at] for at in sorted(parts))
    # The hash identifies the content; it does not protect it
    right = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper() == name.upper()
    both = joined(xmp, whole) if right and len(whole) <= MOST else xmp
    return both, "" if both != xmp else "the XMP in extension segments"


def has_comment(data: bytes) -> bool:
    """Whether it has a comment, for which other formats have no place."""
    return any(marker == COMMENT for marker, _ in segments(data))


def further_images(data: bytes, xmp: bytes) -> str:
    """Further images in the same file, in words; "" if there are none."""
    found = segments(data)
    many = any(marker == 0xE2 and content.startswith(MANY_HEAD) for marker, content in found)
    return ("the gain map" if GAIN_MAP in xmp else "further images in the file") if many else ""


def resolution_of(data: bytes, exif: bytes) -> Entries:
    """The resolution tags, from JFIF or else EXIF; empty if neither has a resolution."""
    for marker, content in segments(data):
        if marker == JFIF and content[:5] == b"JFIF\0" and len(content) >= 12:
            unit, across, down = struct.unpack_from(">B2H", content, 7)
            if unit in (1, 2) and across and down:
                return resolution(across, down, INCH if unit == 1 else CENTIMETRE)
    return of_block(exif).resolution or {}


def dressed(bare: bytes, source: bytes, xmp: bytes) -> bytes:
    """The JPEG `bare` (without metadata) with the metadata of `source` and the packet `xmp`."""
    kept = []
    for marker, content in segments(source):
        if content.startswith(XMP_HEAD) or (marker == 0xE2 and content.startswith(MANY_HEAD)):
            continue
        if (marker in APPLICATION and marker != ADOBE) or marker == COMMENT:
            kept.append(_segment(marker, content))
    if len(xmp) + len(XMP_HEAD) <= 65_533:
        at = sum(part[1] == JFIF or part[4:10] == EXIF_HEAD for part in kept[:2])
        kept.insert(at, _segment(0xE1, XMP_HEAD + xmp))
    coding = [
        (marker, content)
        for marker, content in segments(bare)
        if marker not in APPLICATION or marker == ADOBE
    ]
    scan = next(start for marker, start, _ in _places(bare) if marker == SCAN)
    parts = [b"\xff\xd8", *kept, *(_segment(*each) for each in coding)]
    return b"".join([*parts, bare[scan - 4 :]])
