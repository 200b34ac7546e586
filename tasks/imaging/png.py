"""The chunks of a PNG: all that are not pixels are copied unchanged.

libvips rewrites some of them and drops others, such as gAMA, cHRM and cICP, which define the
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
LARGEST = 1 << 26  # maximum size of all copied chunks in bytes
COLOUR = frozenset({b"gAMA", b"cHRM", b"cICP", b"sRGB", b"iCCP"})
CICP_SRGB, CICP_P3 = (1, 13), (12, 13)  # primaries, transfer

Chunk = tuple[bytes, bytes]  # name, content


def chunks(source: Path) -> Iterator[Chunk]:
    """Name and content of each chunk that is not pixels, in their order, up to LARGEST in all.

    It stops at the end of the file, or where the file is malformed.
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
    """Write the PNG `bare` with all chunks of `source` and the packet `xmp` to `target`.

    bare: a PNG without metadata, as libvips writes it.
    """
    kept = [_chunk(*each) for each in source if not _replaced(*each)]
    kept.append(_chunk(b"iTXt", XMP_KEYWORD + bytes(4) + xmp))
    with bare.open("rb") as file, target.open("wb") as out:
        out.write(file.read(len(SIGNATURE)))
        while len(head := file.read(8)) == 8:
            size, name = struct.unpack(">I4s", head)
            if name in PIXELS:
                if name != b"IHDR" and kept:  # colour chunks come before palette and pixels
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
    """An ICC profile for the colours that the chunks define, and a note if they are not supported.

    From cICP, else from gAMA and cHRM, unless there is iCCP or sRGB. Empty if they mean sRGB.
    """
    there = {name: content for name, content in reversed(found) if name in COLOUR}
    if len(cicp := there.get(b"cICP", b"")) == 4:
        if tuple(cicp[:2]) == CICP_P3 and not cicp[2]:
            return matrix_profile(DISPLAY_P3, None), ""
        if tuple(cicp[:2]) != CICP_SRGB or cicp[2]:
            return b"", "the colour space in cICP is not supported; the pixels were treated as sRGB"
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
        return b"", "its gAMA or cHRM is invalid; the pixels were treated as sRGB"
    return matrix_profile(primaries, None if abs(gamma - SRGB_GAMMA) < 0.005 else 1 / gamma), ""


def resolution_of(found: list[Chunk], exif: bytes) -> Entries:
    """The resolution tags, from pHYs or else EXIF; empty if neither has a resolution."""
    for name, content in found:
        if name == b"pHYs" and len(content) == 9:
            across, down, unit = struct.unpack(">2IB", content)
            if unit == 1 and across and down:
                return resolution(across / 100, down / 100, CENTIMETRE)
    return of_block(exif).resolution or {}


def lost(found: list[Chunk]) -> list[str]:
    """What the result of a PNG lacks, in words."""
    return ["further frames"] if any(name in FRAMES for name, _ in found) else []
