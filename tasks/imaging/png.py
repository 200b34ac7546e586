"""The chunks of a PNG: all that do not belong to its pixels are carried over as they stand.

libvips rewrites some of them and drops others: gAMA, cHRM and cICP, by which a viewer sees the
colours. Source: PNG Specification, third edition; ITU-T H.273 for the numbers in cICP.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from patina.tasks.imaging.exif import CENTIMETRE, of_block, resolution
from patina.tasks.imaging.profiles import DISPLAY_P3, SRGB_GAMMA, SRGB_PRIMARIES, matrix_profile
from patina.tasks.imaging.tiff import Entries

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"bKGD", b"hIST"})
FRAMES = frozenset({b"acTL", b"fcTL", b"fdAT"})
XMP_KEYWORD = b"XML:com.adobe.xmp\0"
LARGEST = 1 << 26  # bytes of all chunks that are carried
COLOUR = frozenset({b"gAMA", b"cHRM", b"cICP", b"sRGB", b"iCCP"})
CICP_SRGB, CICP_P3 = (1, 13), (12, 13)  # primaries, transfer

Chunk = tuple[bytes, bytes]  # name, content


def chunks(source: Path) -> Iterator[Chunk]:
    """Name and content of each chunk but those of pixels, in their order, LARGEST in all.

    It ends where the file does, or is malformed.
    """
    left = LARGEST
    with source.open("rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            size, name = struct.unpack(">I4s", head)
            if name == b"IEND":
                return
            if name in PIXELS or (left := left - size) < 0:
                file.seek(size + 4, 1)
                continue
            content = file.read(size)
            if len(content) != size or len(file.read(4)) != 4:
                return
            yield name, content


def _chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def dressed(bare: Path, source: list[Chunk], xmp: bytes, target: Path) -> None:
    """Write to `target` the PNG `bare` with all chunks of `source`, and the packet `xmp`.

    bare: without metadata, as libvips writes it.
    """
    kept = [_chunk(*each) for each in source if not _replaced(*each)]
    kept.append(_chunk(b"iTXt", XMP_KEYWORD + bytes(4) + xmp))
    with bare.open("rb") as file, target.open("wb") as out:
        out.write(file.read(len(SIGNATURE)))
        while len(head := file.read(8)) == 8:
            size, name = struct.unpack(">I4s", head)
            if name in PIXELS:
                if name != b"IHDR" and kept:  # colours stand before a palette and the pixels
                    out.writelines(kept)
                    kept = []
                out.write(head)
                _copy(file, out, size + 4)
            else:
                file.seek(size + 4, 1)


def _copy(file: BinaryIO, out: BinaryIO, left: int) -> None:
    while left and (block := file.read(min(left, 1 << 20))):
        left -= len(block)
        out.write(block)


def _replaced(name: bytes, content: bytes) -> bool:
    return name in FRAMES or (name == b"iTXt" and content.startswith(XMP_KEYWORD))


def profile_of(found: list[Chunk]) -> tuple[bytes, str]:
    """The ICC profile by which a viewer would see its colours, and what of them is not seen.

    Of cICP, else of gAMA and cHRM, where no iCCP or sRGB says otherwise; empty where they are sRGB.
    """
    there = {name: content for name, content in reversed(found) if name in COLOUR}
    if len(cicp := there.get(b"cICP", b"")) == 4:
        if tuple(cicp[:2]) == CICP_P3 and not cicp[2]:
            return matrix_profile(DISPLAY_P3, None), ""
        if tuple(cicp[:2]) != CICP_SRGB or cicp[2]:
            return b"", "its colours, as cICP describes them, were taken for sRGB"
        return b"", ""
    if b"iCCP" in there or b"sRGB" in there:
        return b"", ""
    gamma, primaries = SRGB_GAMMA, SRGB_PRIMARIES
    if len(chunk := there.get(b"gAMA", b"")) == 4:
        gamma = int.from_bytes(chunk, "big") / 100_000
    if len(chunk := there.get(b"cHRM", b"")) == 32:
        primaries = tuple(number / 100_000 for number in struct.unpack(">8I", chunk))
    alike = all(abs(a - b) < 0.002 for a, b in zip(primaries, SRGB_PRIMARIES, strict=True))
    if alike and abs(gamma - SRGB_GAMMA) < 0.005:
        return b"", ""
    if not 0.1 < gamma < 5 or not all(0 <= number <= 1 for number in primaries):
        return b"", "its gAMA or cHRM cannot be, so that its colours were taken for sRGB"
    return matrix_profile(primaries, None if abs(gamma - SRGB_GAMMA) < 0.005 else 1 / gamma), ""


def resolution_of(found: list[Chunk], exif: bytes) -> Entries:
    """The tags of its resolution: what pHYs says in metres, else EXIF; none if neither does."""
    for name, content in found:
        if name == b"pHYs" and len(content) == 9:
            across, down, unit = struct.unpack(">2IB", content)
            if unit == 1 and across and down:
                return resolution(across / 100, down / 100, CENTIMETRE)
    return of_block(exif).resolution or {}


def lost(found: list[Chunk]) -> list[str]:
    """What a PNG has that its result has not, in words."""
    return ["further frames"] if any(name in FRAMES for name, _ in found) else []
