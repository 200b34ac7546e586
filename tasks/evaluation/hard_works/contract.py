"""What every hard sound work promises, and the table of them.

A work is a pure function `(rng, size_px) -> image`: uint8 (H, W, 3), sRGB, its long side `size_px`
pixels. Nothing but `rng` is random. Detail keeps its place in the work as the size grows, as it
does in scans of one painting at several resolutions; works whose name ends in `_at_pixel_pitch`
have threads, lines or dots of a few pixels at any size, as scans of several paintings would.
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
    """Enrol `painter` under its name, and have it refuse sizes that show nothing.

    Raises ValueError when the size is below LEAST_PX.
    """
    name = painter.__name__

    @functools.wraps(painter)
    def checked(rng: np.random.Generator, size_px: int) -> Image:
        if size_px < LEAST_PX:
            raise ValueError(f"{name}: size_px {size_px} is below {LEAST_PX}")
        return painter(rng, size_px)

    HARD_WORKS[name] = checked
    return checked
