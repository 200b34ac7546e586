"""Draws degradations of the library at random, for training samples."""

from collections.abc import Sequence

import numpy as np

from patina.tasks.degradations import DEGRADATIONS

LEAST_SEVERITY = 0.15  # a lower severity is hardly visible
# A pixel counts as undamaged below the first cover, and as fully damaged from the second on
FAINT, FULL = 0.03, 0.2


def degraded(
    names: Sequence[str],
    image: np.ndarray,
    rng: np.random.Generator,
    least_severity: float = LEAST_SEVERITY,
) -> tuple[np.ndarray, np.ndarray | None]:
    """`image` with one of the degradations `names`, and how much it covers each pixel.

    image: float32 (h, w, 3), sRGB in [0, 1]. The severity is drawn from `least_severity` to 1. The
    cover is float32 (h, w) in [0, 1]; None if the degradation is not local.
    """
    name = names[int(rng.integers(len(names)))]
    return DEGRADATIONS[name](image, rng, severity=float(rng.uniform(least_severity, 1)))


def mask_of(cover: np.ndarray) -> np.ndarray:
    """The mask of damage, float32 (h, w) in [0, 1], from how much the damage covers each pixel."""
    return np.clip((cover - FAINT) / (FULL - FAINT), 0, 1)
