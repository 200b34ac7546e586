"""Reduces a work row by row, and enlarges small maps strip by strip."""

from collections.abc import Iterator

import cv2
import numpy as np

from patina.tasks.io.parallel import in_turn
from patina.tasks.restoration.tiling import Rows

STRIP_PIXELS = 1 << 21  # maximum number of pixels in a strip
STRIP_ROWS = 256  # maximum number of rows in a strip
SMALL_PX = 2048  # maximum long side of a reduced work


def strips_of(height: int, width: int) -> Iterator[tuple[int, int]]:
    """(top, bottom) of the strips of a work of this size, from the top."""
    rows = max(1, min(STRIP_ROWS, STRIP_PIXELS // max(width, 1)))
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


class ReducedWork:
    """A work reduced to at most SMALL_PX on its long side; each pixel is the mean of an area.

    Its rows are added in order. A work that is small enough is not reduced.
    """

    def __init__(self, height: int, width: int) -> None:
        scale = min(1, SMALL_PX / max(height, width))
        self.size = max(1, round(height * scale)), max(1, round(width * scale))
        self.row_of = np.arange(height) * self.size[0] // height
        self.total = np.zeros((*self.size, 3), np.float32)

    def narrow(self, rows: np.ndarray) -> np.ndarray:
        """Reduce the width of rows, float32 (h, W, 3) -> (h, w, 3)."""
        return cv2.resize(rows, (self.size[1], len(rows)), interpolation=cv2.INTER_AREA)

    def add(self, top: int, narrow: np.ndarray) -> None:
        """Add narrow rows, which begin at row `top`."""
        positions, first = np.unique(self.row_of[top : top + len(narrow)], return_index=True)
        self.total[positions] += np.add.reduceat(narrow, first, axis=0)

    def image(self) -> np.ndarray:
        """The reduced work, float32 (h, w, 3)."""
        return self.total / np.bincount(self.row_of)[:, None, None].astype(np.float32)


def reduced_view(rows: Rows, height: int, width: int) -> np.ndarray:
    """The reduced work, float32 (h, w, 3), see `ReducedWork`. rows: gives its rows."""
    small = ReducedWork(height, width)
    strips = list(strips_of(height, width))
    narrowed = in_turn(lambda strip: small.narrow(rows(*strip)), strips)
    for (top, _), narrow in zip(strips, narrowed, strict=True):
        small.add(top, narrow)
    return small.image()


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`image` (h, w, C) resized to (height, width): area means if it shrinks, otherwise linear."""
    interpolation = cv2.INTER_AREA if size[0] < len(image) else cv2.INTER_LINEAR
    return cv2.resize(image, size[::-1], interpolation=interpolation).reshape(*size, -1)


def enlarged(small: np.ndarray, size: tuple[int, int], top: int, bottom: int) -> np.ndarray:
    """Rows `top` to `bottom` of `small` (h, w, C) enlarged to `size`, linearly."""
    height, width = size
    positions = (np.arange(top, bottom) + 0.5) * len(small) / height - 0.5
    positions = np.clip(positions, 0, len(small) - 1)
    above = np.floor(positions).astype(int)
    below = np.minimum(above + 1, len(small) - 1)
    scale = (positions - above).astype(np.float32)[:, None, None]
    rows = small[above] * (1 - scale) + small[below] * scale
    resized_rows = cv2.resize(rows, (width, bottom - top), interpolation=cv2.INTER_LINEAR)
    return resized_rows.reshape(bottom - top, width, -1)
