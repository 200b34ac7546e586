"""Ragged shapes with a given area, for blots, holes and patches."""

import numpy as np

from patina.tasks.degradations.contract import Image
from patina.tasks.degradations.fields import fit
from patina.tasks.degradations.textures import GRID_PX

FAR = 3.0  # distance from a shape's middle, in radii, beyond which the shape is ignored


def ragged(
    rng: np.random.Generator,
    rough: Image,
    middles: Image,
    radii: Image,
    *,
    share: float,
    wander: float,
) -> Image:
    """Depth inside the nearest of several ragged shapes, in long sides; negative outside. GRID_PX.

    rough: noise with the standard deviation 1, as from `rough_noise`, which displaces the outlines.
    middles: (N, 2), x and y in shares of width and height.
    radii: (N,), in long sides. All shapes grow or shrink together until they cover the share
    `share` of the image.
    wander: displacement of the outlines, in radii. Without it the shapes are ellipses.
    """
    height, width = rough.shape
    stretch, turn = rng.lognormal(0, 0.18, len(radii)), rng.uniform(0, np.pi, len(radii))
    away, size = (
        np.full((height, width), FAR, np.float32),
        np.full((height, width), 0.1, np.float32),
    )
    bent = np.clip(1 + wander * rough, 0.3, None) * GRID_PX
    places = middles * (width, height)
    for (x, y), radius, long, angle in zip(places, radii, stretch, turn, strict=True):
        reach = FAR * GRID_PX * radius * max(long, 1 / long)
        rows, columns = (
            slice(max(0, int(at - reach)), max(0, min(side, int(at + reach) + 1)))
            for at, side in ((y, height), (x, width))
        )
        down = np.arange(height, dtype=np.float32)[rows, None] - np.float32(y)
        right = np.arange(width, dtype=np.float32)[columns] - np.float32(x)
        along = (right * np.cos(angle) + down * np.sin(angle)) / np.float32(radius * long)
        across = (down * np.cos(angle) - right * np.sin(angle)) * np.float32(long / radius)
        far = np.hypot(along.astype(np.float32), across.astype(np.float32)) / bent[rows, columns]
        nearer = far < away[rows, columns]
        away[rows, columns][nearer] = far[nearer]
        size[rows, columns][nearer] = radius
    kept = min(away.size - 1, int(share * away.size))
    bound = np.partition(away.ravel(), kept)[kept]
    return size * (bound - away)


def any_tone(rng: np.random.Generator, dark: float, pale: float) -> list[float]:
    """A random colour in [0.01, 0.99]: dark or pale with these probabilities, else any hue."""
    chance, place, tint = rng.random(), rng.random(), rng.uniform(-0.5, 0.5, 3)
    if chance < dark:
        tone = 0.03 + 0.12 * place + 0.08 * tint
    elif chance < dark + pale:
        tone = 0.74 + 0.22 * place + 0.12 * tint
    else:
        tone = 0.25 + 0.4 * place + 0.6 * tint
    return [float(part) for part in np.clip(tone, 0.01, 0.99)]


def aged_tone(rng: np.random.Generator, *ends: tuple[float, float]) -> list[float]:
    """A random colour between two. ends: the new and the old value of each channel."""
    aged = rng.random()
    return [new + aged * (old - new) for new, old in ends]


def around(
    rng: np.random.Generator, shape: tuple[int, ...], mains: int, followers: int
) -> tuple[Image, Image]:
    """Middles (N, 2) and radii (N,) of `mains` large shapes, and of `followers` small ones around
    them.

    Middles are in shares of width and height, radii in long sides.
    """
    height, width = fit(shape, GRID_PX)
    middles = rng.uniform(0.08, 0.92, (mains, 2))
    radii = 0.06 * rng.lognormal(0, 0.45, mains)
    which = rng.integers(mains, size=followers)
    angle = rng.uniform(0, 2 * np.pi, followers)
    out = radii[which] * (1.05 + rng.exponential(0.55, followers))
    aside = np.stack((np.cos(angle), np.sin(angle)), axis=1) * out[:, None]
    drops = middles[which] + aside * GRID_PX / (width, height)
    small = radii[which] * np.minimum(0.06 * rng.lognormal(0, 0.8, followers), 0.4)
    return np.concatenate((middles, drops)), np.concatenate((radii, small))
