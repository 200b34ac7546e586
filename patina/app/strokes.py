"""What a person draws on the page: strokes of the three brushes, and lines."""

import zlib
from typing import NamedTuple

import numpy as np

from patina.tasks.restoration.windows import Window, cut

FILL, LEAVE, STAIN = 1, 2, 3  # values in a stroke
MOST_LINE_PX = 20  # widest line


class Stroke(NamedTuple):
    """Strokes of the brushes over a window of the work."""

    window: Window
    drawn: np.ndarray  # uint8 (h, w): FILL, LEAVE, STAIN, or 0 without a stroke

    def has(self, mark: int) -> bool:
        """Whether there are pixels with this mark."""
        return bool((self.drawn == mark).any())

    def within(self, window: Window, size: tuple[int, int]) -> np.ndarray:
        """The stroke in a window of the work, uint8 (h, w) of `size`."""
        return cut(self.drawn, self.window, window, size, smooth=False)

    def digest(self) -> int:
        """A number that differs for other pixels."""
        return zlib.crc32(self.drawn.tobytes(), zlib.crc32(repr(self.window).encode()))


class Line(NamedTuple):
    """A straight line with round ends. Places are (x, y) in pixels of the work."""

    start: tuple[float, float]
    end: tuple[float, float]
    width_px: int  # pixels of the work
    mark: int  # FILL or LEAVE

    def has(self, mark: int) -> bool:
        """Whether there are pixels with this mark."""
        return mark == self.mark

    def within(self, window: Window, size: tuple[int, int]) -> np.ndarray:
        """The line in a window of the work, uint8 (h, w) of `size`. It is at least a pixel wide.

        Neighbouring windows fit together to the pixel, because each pixel is decided by the
        distance of its centre.
        """
        drawn = np.zeros(size, np.uint8)
        px = window.width / size[1]  # pixels of the work to one of the output
        half = max(self.width_px, px) / 2
        ends = self._ends()
        near = _between(ends, window.top - half, window.top + window.height + half)
        if near is None:
            return drawn
        low, high = near.min(axis=0) - half, near.max(axis=0) + half
        columns = _pixels(low[0] - window.left, high[0] - window.left, px, size[1])
        rows = _pixels(low[1] - window.top, high[1] - window.top, px, size[0])
        x = window.left + (np.arange(columns.start, columns.stop) + 0.5) * px
        y = window.top + (np.arange(rows.start, rows.stop) + 0.5) * px
        drawn[rows, columns][_distance(ends, x, y[:, None]) <= half] = self.mark
        return drawn

    def _ends(self) -> np.ndarray:
        """Both ends, (2, 2). A line of even width is centred between two pixels."""
        return np.array([self.start, self.end]) + (0.5 if self.width_px % 2 == 0 else 0)

    def digest(self) -> int:
        """A number that differs for another line."""
        return zlib.crc32(repr(self).encode())


def _between(ends: np.ndarray, top: float, bottom: float) -> np.ndarray | None:
    """The ends of the part of a line in these rows, (2, 2); None if no part is there."""
    (_, first), (_, last) = ends
    if first == last:
        return ends if top <= first <= bottom else None
    shares = np.sort((np.array([top, bottom]) - first) / (last - first)).clip(0, 1)
    if shares[0] == shares[1]:
        return None
    return np.asarray(ends[0] + shares[:, None] * (ends[1] - ends[0]))


def _pixels(low: float, high: float, px: float, side: int) -> slice:
    """The pixels of the output from `low` to `high`, which are in pixels of the work."""
    start = min(max(int(np.floor(low / px)), 0), side)
    return slice(start, min(max(int(np.ceil(high / px)), start), side))


def _distance(ends: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The distance of places from the line between two ends."""
    along = ends[1] - ends[0]
    dx, dy = x - ends[0, 0], y - ends[0, 1]
    share = (dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-9)
    share = share.clip(0, 1)
    return np.asarray(np.hypot(dx - share * along[0], dy - share * along[1]))
