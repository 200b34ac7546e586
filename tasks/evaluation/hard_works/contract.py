"""The registry of the hard works, and the check of their size.

A hard work is a pure function `(rng, size_px) -> image`: uint8 (H, W, 3), sRGB, with the long side
`size_px`. Only `rng` is random. At every size, details have the same place in the work, as in scans
of one painting at several resolutions. Works whose name ends in `_at_pixel_pitch` have threads,
lines or dots of a few pixels at every size, as in scans of different paintings.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[Any]  # cv2's type hints lose the dtype
Painter = Callable[[np.random.Generator, int], Image]

LEAST_PX = 64  # long side of the smallest work
HARD_WORKS: dict[str, Painter] = {}


def hard_work(painter: Painter) -> Painter:
    """Register `painter` in HARD_WORKS under its name.

    The registered function raises ValueError if the size is below LEAST_PX.
    """
    name = painter.__name__

    @functools.wraps(painter)
    def checked(rng: np.random.Generator, size_px: int) -> Image:
        if size_px < LEAST_PX:
            raise ValueError(f"{name}: size_px {size_px} is below {LEAST_PX}")
        return painter(rng, size_px)

    HARD_WORKS[name] = checked
    return checked
