"""Recognises works of nearly one colour: bare paper, boards, covers, and sheets with a drawing.

Their original colour cannot be known from a scan, and a few lines on them may be the drawing.
Monochrome works, such as photographs, are recognised, too: a print need not have a black.
"""

from collections.abc import Mapping

import numpy as np

from patina.tasks.imaging.images import view_of
from patina.tasks.imaging.lab import lab_of_srgb

VIEW_PX = 128  # side of the view in which colours are compared
SIMILAR_COLOUR = 0.08  # largest distance of similar colours, in [0, 1]
# A work is plain from this share of similar pixels on, for each least median L* (CIELAB): of 591
# sound paintings none is, at L* of 25 and more they have at most 0.83. Faded nocturnes have up to
# 0.94 at L* 25 to 45, so that the share must be larger where a faded work is to be told apart
PLAIN_SHARES = {70.0: 0.55, 50.0: 0.8, 25.0: 0.85, 0.0: 0.97}
PLAIN_OR_FADED_SHARES = {70.0: 0.55, 50.0: 0.8, 0.0: 0.97}
# Largest deviation of a* and b* (CIELAB) from the colour of pixels with a similar L*, in a nearly
# neutral photograph: 0.1, or 1.07 with JPEG of quality 75. Two of 42 strongly faded paintings have
# less, which are nearly grey by nature
MONOCHROME, STEPS = 1.1, 24  # STEPS: groups of pixels by L*
BARE_SHARE = 0.97  # share of similar pixels of a work that shows nothing


def is_plain(view: np.ndarray, shares: Mapping[float, float] = PLAIN_SHARES) -> bool:
    """Whether a work is of nearly one colour.

    view: float32 (h, w, 3), sRGB in [0, 1]. shares: PLAIN_SHARES or PLAIN_OR_FADED_SHARES.
    """
    small = view_of(view, VIEW_PX)
    lightness = float(np.median(lab_of_srgb(small)[..., 0]))
    least_share = next(share for least, share in shares.items() if lightness >= least)
    return single_colour_share(small) > least_share


def is_monochrome(view: np.ndarray) -> bool:
    """Whether a work, float32 (h, w, 3), sRGB in [0, 1], is nearly grey, or evenly tinted."""
    lab = lab_of_srgb(view_of(view, VIEW_PX)).reshape(-1, 3)
    groups = np.array_split(lab[np.argsort(lab[:, 0])], STEPS)
    return sum(map(_spread, groups)) / STEPS < MONOCHROME**2


def _spread(lab: np.ndarray) -> float:
    """The variance of a* and b* that L* does not explain. lab: (n, 3), sorted by L*."""
    lightness = lab[:, :1] - lab[:, 0].mean()
    colours = lab[:, 1:] - lab[:, 1:].mean(axis=0)
    slope = (lightness * colours).sum(axis=0) / (np.square(lightness).sum() + 1e-6)
    return float((colours - slope * lightness).var(axis=0).sum())


def is_bare(tiles: list[np.ndarray]) -> bool:
    """Whether `tiles` of a work, float32 (1, h, w, 3), are of one colour: nothing can be sharp."""
    pixels = [view_of(tile[0], VIEW_PX // 4) for tile in tiles]
    return single_colour_share(np.concatenate(pixels)) > BARE_SHARE


def single_colour_share(view: np.ndarray) -> float:
    """The share of `view` (h, w, 3) near its median colour."""
    distance = np.abs(view - np.median(view, axis=(0, 1))).max(axis=2)
    return float((distance < SIMILAR_COLOUR).mean())
