"""How far the work on one scan is, so that a large one does not look like a program that hangs."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import numpy as np

from patina.tasks.restoration.tiling import Network, Rows, count_tiles, tiled_rows

# Each step of the work on a scan, and its usual share of the time
STEPS = {"reading": 0.05, "detail": 0.55, "damage": 0.1, "filling": 0.1, "writing": 0.2}
TILED = ("detail", "filling")


class Step(NamedTuple):
    """How far a step is.

    name: of STEPS. done, total: of its tiles, or its rows. pixels: of the scan; 0 until it
    was read.
    """

    name: str
    done: int = 0
    total: int = 1
    pixels: int = 0

    @property
    def share(self) -> float:
        """Of all the work on the scan, that is done: 0 to 1."""
        names = list(STEPS)
        before = sum(STEPS[name] for name in names[: names.index(self.name)])
        return before + STEPS[self.name] * self.done / self.total

    def __str__(self) -> str:
        """Such as "detail 12.5 of 25.0 MP, tile 31 of 62"."""
        if not self.pixels:
            return self.name
        megapixels = self.pixels / 1e6
        digits = 0 if megapixels >= 100 else 1
        far = f"{self.done / self.total * megapixels:.{digits}f} of {megapixels:.{digits}f} MP"
        tile = f", tile {self.done} of {self.total}" if self.name in TILED else ""
        return f"{self.name} {far}{tile}"


Hear = Callable[[Step], None]


def unheard(step: Step) -> None:
    """Nobody wants to know."""


def told_tiles(
    step: Step, network: Network, rows: Rows, size: tuple[int, int], *, hear: Hear, **tiles: int
) -> Iterator[np.ndarray]:
    """`tiled_rows` of a work of that size; after each tile `hear` is told how far the step is."""
    total = count_tiles(*size, **tiles)
    done = count()

    def telling(tile: np.ndarray) -> np.ndarray:
        hear(step._replace(done=next(done), total=total, pixels=size[0] * size[1]))
        return network(tile)

    yield from tiled_rows(telling, rows, *size, **tiles)
    hear(step._replace(done=total, total=total, pixels=size[0] * size[1]))
