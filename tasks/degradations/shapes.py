"""Ragged shapes of a given area, of which blots, holes and patches are made."""

import numpy as np

from patina.tasks.degradations.contract import Image
from patina.tasks.degradations.fields import fit
from patina.tasks.degradations.textures import GRID_PX

FAR = 3.0  # radii away from a shape's middle, from where on it is not reckoned


def ragged(
    rng: np.random.Generator,
    rough: Image,
    middles: Image,
    radii: Image,
    *,
    share: float,
    wander: float,
) -> Image:
    """How deep each place lies in one of the shapes, in long sides; below 0 outside. On GRID_PX.

    rough: noise of deviation 1, as `rough_noise` gives it, which bends the outlines by `wander`
    radii. middles: (N, 2), x and y in shares of width and height. radii: (N,), of the shapes before
    all grow or shrink alike until they cover `share` of the image. Shapes are ellipses at first.
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
    """A colour: dark with the chance `dark`, pale with the chance `pale`, else of any hue."""
    chance, place, tint = rng.random(), rng.random(), rng.uniform(-0.5, 0.5, 3)
    if chance < dark:
        tone = 0.03 + 0.12 * place + 0.08 * tint
    elif chance < dark + pale:
        tone = 0.74 + 0.22 * place + 0.12 * tint
    else:
        tone = 0.25 + 0.4 * place + 0.6 * tint
    return [float(part) for part in np.clip(tone, 0.01, 0.99)]


def around(
    rng: np.random.Generator, shape: tuple[int, ...], mains: int, followers: int
) -> tuple[Image, Image]:
    """Middles and radii of `mains` shapes and of the smaller ones that lie about them."""
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
