"""The samples of the judges: whole undamaged works, and random ones.

Each work comes once: only a few works have many details that look like damage, and chance would
leave some of them out.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from patina.tasks.training.curriculum import Painted, Rng, hard_works_painted
from patina.tasks.training.works import Work, reduced

Sample = TypeVar("Sample")
WHOLE_EVERY, WHOLE_PX = 3, 640  # one of so many samples is a whole work; its long side


def judged_works(
    works: Sequence[Work],
    count: int,
    seed: int,
    of_whole: Callable[[np.ndarray], Sample],
    of_random: Callable[[Rng], Sample],
) -> Iterator[Sample]:
    """The samples of `count` works; they depend only on the seed.

    of_whole: the sample of the undamaged work with these pixels, uint8 (H, W, 3), sRGB. First come
    `works`, then the hard works. of_random: the sample of a random work.
    """
    whole: Iterator[Work | Painted] = iter((*works, *hard_works_painted()))
    for number in range(count):
        work = next(whole, None) if number % WHOLE_EVERY == 0 else None
        if work is None:
            yield of_random(np.random.default_rng([seed, number]))
        else:
            yield of_whole(work.pixels)


def at_most(pixels: np.ndarray, long_px: float) -> np.ndarray:
    """A work, at most `long_px` long, float32 (h, w, 3), sRGB in [0, 1]. pixels: uint8."""
    return reduced(pixels, long_px / max(pixels.shape[:2])).astype(np.float32) / 255
