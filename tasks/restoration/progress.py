"""Reports the progress of the work on one scan."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from patina.tasks.restoration.tiling import Network, Rows, tiled_rows

# The steps of the work on a scan, with their usual shares of the time
STEPS = {"reading": 0.05, "detail": 0.55, "damage": 0.1, "filling": 0.1, "writing": 0.2}
TILED = ("detail", "filling")


class Step(NamedTuple):
    """The progress of a step."""

    name: str  # one of STEPS
    done: int = 0  # number of finished tiles or rows
    total: int = 1  # number of all tiles or rows
    pixels: int = 0  # of the scan; 0 until it was read

    @property
    def share(self) -> float:
        """The share of all work on the scan that is done, 0 to 1."""
        names = list(STEPS)
        before = sum(STEPS[name] for name in names[: names.index(self.name)])
        return before + STEPS[self.name] * self.done / self.total

    def __str__(self) -> str:
        """In words, such as "detail 12.5 of 25.0 MP, tile 31 of 62"."""
        if not self.pixels:
            return self.name
        megapixels = self.pixels / 1e6
        digits = 0 if megapixels >= 100 else 1
        far = f"{self.done / self.total * megapixels:.{digits}f} of {megapixels:.{digits}f} MP"
        tile = f", tile {self.done} of {self.total}" if self.name in TILED else ""
        return f"{self.name} {far}{tile}"


ProgressCallback = Callable[[Step], None]


def no_progress(step: Step) -> None:
    """Ignore the progress."""


def tiled_rows_with_progress(
    step: Step,
    network: Network,
    rows: Rows,
    size: tuple[int, int],
    on_progress: ProgressCallback,
    **tiles: int,
) -> Iterator[np.ndarray]:
    """`tiled_rows` for a work of `size` (height, width) that reports its progress.

    on_progress: is called with the progress of `step` before each tile, and at the end.
    """
    pixels = size[0] * size[1]

    def on_tile(done: int, total: int) -> None:
        on_progress(step._replace(done=done, total=total, pixels=pixels))

    return tiled_rows(network, rows, *size, on_tile=on_tile, **tiles)
