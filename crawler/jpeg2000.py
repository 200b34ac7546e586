"""The size of a JPEG 2000 image, from its headers alone."""

import struct
from typing import BinaryIO

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"  # the markers SOC and SIZ
NOTHING = (0, 0, 0)
MOST_BOXES = 1000  # before the image; files have a handful


def shape_of_jpeg_2000(file: BinaryIO) -> tuple[int, int, int]:
    """Width, height (pixels) and channels, as the decoder will meet them; zeros if it is no image.

    Read from the SIZ segment of the first codestream (ISO 15444-1, A.5.1), which is found box by
    box: bytes that only look like one may stand in any box before it.
    """
    file.seek(0)
    if file.read(12) == SIGNATURE:
        if not at_codestream(file):
            return NOTHING
    else:
        file.seek(0)
    head = file.read(42)  # SOC, SIZ, length, capabilities, the corners, tiles, number of channels
    if len(head) < 42 or not head.startswith(CODESTREAM):
        return NOTHING
    right, bottom, left, top = struct.unpack(">4I", head[8:24])
    channels = int.from_bytes(head[40:42])
    return (right - left, bottom - top, channels) if right > left and bottom > top else NOTHING


def at_codestream(file: BinaryIO) -> bool:
    """Move on, from the end of a box, to the content of the first that holds a codestream."""
    for _ in range(MOST_BOXES):
        head = file.read(8)
        if len(head) < 8:
            return False
        length, kind = struct.unpack(">I4s", head)
        read = 8
        if length == 1:  # the length follows, in 64 bit
            wide = file.read(8)
            length, read = int.from_bytes(wide), 16
        if kind == b"jp2c":
            return True
        if length < read:  # 0: the box lasts to the end of the file
            return False
        file.seek(length - read, 1)
    return False
