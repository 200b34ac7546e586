"""BMP, which libvips' wheel cannot read: OpenCV decodes the pixels, after a check of the header.

Source: Microsoft, "Bitmap storage" (Windows GDI).
"""

import struct
from dataclasses import dataclass

import cv2
import numpy as np
import pyvips

PLAIN, FIELDS = 0, 3  # compression: none, or none with colour masks


@dataclass(frozen=True)
class Header:
    """Size in pixels, bits of a pixel, and resolution in pixels a metre (0: unknown)."""

    width: int
    height: int
    bits: int
    across: int = 0
    down: int = 0


def header_of(data: bytes) -> Header:
    """Parse the header of the file `data`.

    Raises ValueError if the pixels are compressed, or some are missing.
    """
    try:
        start, size = struct.unpack_from("<2I", data, 10)
        if size == 12:
            width, height, _, bits = struct.unpack_from("<4H", data, 18)
            way, across, down = PLAIN, 0, 0
        else:
            width, height, _, bits, way = struct.unpack_from("<2i2HI", data, 18)
            across, down = struct.unpack_from("<2i", data, 38)
    except struct.error as error:
        raise ValueError("its header is incomplete") from error
    height = abs(height)
    if way not in (PLAIN, FIELDS) or bits not in (1, 4, 8, 16, 24, 32):
        raise ValueError("compressed BMP is not supported; convert it to TIFF or PNG")
    if width < 1 or height < 1 or start + (width * bits + 31) // 32 * 4 * height > len(data):
        raise ValueError("its last pixels are missing")
    return Header(width, height, bits, max(across, 0), max(down, 0))


def decoded(data: bytes) -> pyvips.Image:
    """The image in 8-bit RGB. Raises ValueError if `data` cannot be decoded."""
    header = header_of(data)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        raise ValueError("its pixels cannot be decoded")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    if header.across and header.down:
        image = image.copy(xres=header.across / 1000, yres=header.down / 1000)
    return image
