"""Hard works: undamaged ("sound") pictures that a restorer may easily treat as damaged.

Patina paints them: dark figures in snow, flat pale areas inside outlines, lace, rigging, twigs,
stars, weave, grain, hatching, patterns of age cracks, sheets of nearly one colour. Every change in
them is harm. See `contract`.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

import numpy as np

from patina.errors import InputError
from patina.tasks.evaluation.hard_works import (
    grounds,
    portraits,
    prints,
    sea,
    sheets,
    winter,
    woodcuts,
)
from patina.tasks.evaluation.hard_works.contract import HARD_WORKS, Image

__all__ = ["HARD_WORKS", "SIZES_PX", "SOUND", "hard_works", "paint"]

# The import registers their works
MODULES = (winter, sea, portraits, woodcuts, prints, grounds, sheets)
SOUND = "sound"  # undamaged works, in lists of degradations or kinds of damage
SIZES_PX = (600, 1200, 2400)


def hard_works(
    sizes: Sequence[int] = SIZES_PX, names: Sequence[str] = ()
) -> Iterator[tuple[str, Image]]:
    """Every hard work at every size, as ("name-size", uint8 (H, W, 3) sRGB); always the same
    pixels.

    sizes: long sides in pixels. names: names in HARD_WORKS; the default is all.
    Raises InputError if a name is unknown.
    """
    if unknown := set(names) - set(HARD_WORKS):
        known = ", ".join(HARD_WORKS)
        raise InputError(f"hard works: unknown: {', '.join(sorted(unknown))}; known: {known}")
    for name in names or HARD_WORKS:
        for size_px in sizes:
            yield f"{name}-{size_px}", paint(name, size_px)


def paint(name: str, size_px: int, seed: int = 0) -> Image:
    """The hard work `name`: uint8 (H, W, 3), sRGB, with the long side `size_px`."""
    rng = np.random.default_rng([seed, crc32(name.encode())])
    return HARD_WORKS[name](rng, size_px)
