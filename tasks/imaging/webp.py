"""The chunks of a WebP: writes metadata; EXIF is copied unchanged.

Source: RFC 9649.
"""

import struct
from collections.abc import Iterator

EXIF, XMP, ICC = b"EXIF", b"XMP ", b"ICCP"
PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
FLAGS = {ICC: 0x20, b"ALPH": 0x10, EXIF: 0x08, XMP: 0x04}
LARGEST = 1 << 30

Chunk = tuple[bytes, bytes]


def chunks(data: bytes) -> Iterator[Chunk]:
    """Name and content of each chunk, up to the first incomplete one."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            return
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def dressed(bare: bytes, size: tuple[int, int], blocks: dict[bytes, bytes]) -> bytes:
    """The WebP `bare` with the non-empty `blocks`.

    size: width and height in pixels. blocks: content by the names ICC, EXIF and XMP.
    """
    found = [each for each in chunks(bare) if each[0] in PIXELS]
    alpha = any(
        name == b"ALPH" or (name == b"VP8L" and len(content) > 4 and content[4] & 0x10)
        for name, content in found
    )
    flags = (FLAGS[b"ALPH"] if alpha else 0) | sum(FLAGS[n] for n, block in blocks.items() if block)
    extended = struct.pack("<B3x", flags) + b"".join(
        (side - 1).to_bytes(3, "little") for side in size
    )
    profile = [(ICC, blocks[ICC])] if blocks.get(ICC) else []
    others = [(name, blocks[name]) for name in (EXIF, XMP) if blocks.get(name)]
    body = b"WEBP" + b"".join(
        struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)
        for name, content in [(b"VP8X", extended), *profile, *found, *others]
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body
