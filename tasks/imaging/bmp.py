"""BMP, which libvips' wheel cannot read: pixels by OpenCV, once the header was looked at.

Source: Microsoft, "Bitmap storage" (Windows GDI).
"""

import struct
from dataclasses import dataclass

import cv2
import numpy as np
import pyvips

PLAIN, FIELDS = 0, 3  # of the ways to store pixels: as they are, with masks of colours


@dataclass(frozen=True)
class Header:
    """Size in pixels, bits of a pixel, and pixels a metre, 0 if not told."""

    width: int
    height: int
    bits: int
    across: int = 0
    down: int = 0


def header_of(data: bytes) -> Header:
    """What the header says. Raises ValueError when pixels are compressed, or some are missing."""
    try:
        start, size = struct.unpack_from("<2I", data, 10)
        if size == 12:
            width, height, _, bits = struct.unpack_from("<4H", data, 18)
            way, across, down = PLAIN, 0, 0
        else:
            width, height, _, bits, way = struct.unpack_from("<2i2HI", data, 18)
            across, down = struct.unpack_from("<2i", data, 38)
    except struct.error as error:
        raise ValueError("its header is cut off") from error
    height = abs(height)
    if way not in (PLAIN, FIELDS) or bits not in (1, 4, 8, 16, 24, 32):
        raise ValueError("BMP compressed within is not restored; convert it to TIFF or PNG")
    if width < 1 or height < 1 or start + (width * bits + 31) // 32 * 4 * height > len(data):
        raise ValueError("its pixels are cut off")
    return Header(width, height, bits, max(across, 0), max(down, 0))


def decoded(data: bytes) -> pyvips.Image:
    """The image in RGB of 8 bit. Raises ValueError when it is none."""
    header = header_of(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        raise ValueError("its pixels cannot be decoded")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    if header.across and header.down:
        image = image.copy(xres=header.across / 1000, yres=header.down / 1000)
    return image
