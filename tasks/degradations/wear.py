"""Wear of the surface: abrasion and scratches."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, over, split, white_noise
from patina.tasks.degradations.textures import GRID_PX, draw_line, ramp, rough_noise, spread, weave

SCRATCHES, CLUSTERS, POINTS = 90, 6, 24


@degradation(local=True)
def abrasion(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Rub the high points of `image` down to the ground, in soft patches and along its edges.

    The crossings of the threads and the ridges of the strokes are worn first, with streaks in the
    direction of a cloth. Between them the paint is only thinned.
    Source: ours.
    """
    level = spread(_wear(rng, image.shape) + 2.5 * severity**0.7 - 2.5, image.shape)
    grain = spread(_grain(rng, image.shape), image.shape)
    grain += weave(rng, image.shape, rng.uniform(0.2, 1))
    ground = np.array((0.50, 0.38, 0.27)) + rng.random() ** 0.5 * np.array((0.30, 0.36, 0.38))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    around = cv2.blur(grey, (1 + max(image.shape) // 80,) * 2)
    planes = split(image)
    cover = np.zeros_like(level)
    for worn, wear, rough, tone, mean, *parts in bands(cover, level, grain, grey, around, *planes):
        height = 0.55 * rough + 4 * (tone - mean)
        thinned = 0.5 * ramp(wear + 0.3 * height, -0.2, 2.2)
        bared = 0.85 * ramp(0.8 * wear + height, 0.3, 2.8)
        worn[:] = ramp(wear, 0, 0.8) * (thinned + bared - thinned * bared)
        # Remains of paint colour the ground, except on the crossings of the threads
        soiled = 0.85 + 0.15 * ramp(height, -1, 1.5)
        over(
            parts,
            [
                (0.8 * channel + 0.2 * part) * soiled
                for channel, part in zip(ground.tolist(), parts, strict=True)
            ],
            worn,
        )
    return cv2.merge(planes), cover


def _wear(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Degree of wear at each place, deviation about 1, more along the edges; GRID_PX."""
    wear = rough_noise(rng, shape, waves=4, fade=0.5)
    height, width = wear.shape
    rows, columns = np.ogrid[:height, :width]
    edge = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    edge = edge.astype(np.float32) / GRID_PX
    return wear + (0.8 + 0.6 * wear) * np.exp(-edge / 0.015, dtype=np.float32)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Grain with a deviation of about 1, with the streaks of a cloth in it; GRID_PX."""
    rough = rough_noise(rng, shape, waves=64, fade=1)
    height, width = rough.shape
    streaks = white_noise(rng, (GRID_PX, GRID_PX))
    streaks = cv2.blur(cv2.GaussianBlur(streaks, (0, 0), 0.8), (41, 1))
    turn = cv2.getRotationMatrix2D((GRID_PX / 2, GRID_PX / 2), rng.uniform(0, 180), 1)
    streaks = cv2.warpAffine(streaks, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return 0.8 * rough + 4 * streaks


@degradation(local=True)
def scratches(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cut thin scratches into `image`: light where the ground shows, dark where dirt fills them.

    Severity sets their number and depth.
    Source: ours.
    """
    height, width = image.shape[:2]
    paths_px, radii_px = _scratch_paths(rng, max(height, width))
    paths_px += np.array((width, height)) / 2
    depth = rng.uniform(0.4, 1, SCRATCHES) * (0.7 + 0.3 * severity)
    depth *= np.clip(severity * SCRATCHES - np.arange(SCRATCHES), 0, 1)
    skips = np.clip(rng.normal(0.8, 0.35, (SCRATCHES, POINTS)), 0, 1)
    dirty = rng.random(SCRATCHES) < 0.3
    planes = split(image)
    mask = np.zeros((height, width), np.float32)
    for chosen, tone in ((~dirty, (0.90, 0.87, 0.79)), (dirty, (0.11, 0.08, 0.06))):
        layer = np.zeros((height, width), np.uint8)
        for path, radius, opacity in zip(
            paths_px[chosen], radii_px[chosen], (depth[:, None] * skips)[chosen], strict=True
        ):
            draw_line(layer, path, radius, opacity)
        cover = layer.astype(np.float32) / 255
        over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask


def _scratch_paths(rng: np.random.Generator, long_px: int) -> tuple[Image, Image]:
    """Points (SCRATCHES, POINTS, 2) relative to the centre, and half widths, in pixels.

    Scratches come in clusters with a common place and direction.
    """
    cluster = rng.integers(CLUSTERS, size=SCRATCHES)
    centre = rng.uniform(-0.5, 0.5, (CLUSTERS, 2))[cluster] + rng.normal(0, 0.15, (SCRATCHES, 2))
    angle = rng.uniform(0, np.pi, CLUSTERS)[cluster] + rng.normal(0, 0.15, SCRATCHES)
    length = 0.02 * 30 ** (rng.random(SCRATCHES) ** 1.5)
    bend = rng.normal(0, 0.25, SCRATCHES)
    along = np.linspace(-0.5, 0.5, POINTS)
    wobble = np.cumsum(rng.normal(0, 0.02, (SCRATCHES, POINTS)), axis=1)
    heading = angle[:, None] + bend[:, None] * along + wobble
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1) * length[:, None, None] / POINTS
    paths = np.cumsum(steps, axis=1)
    paths += (centre - paths.mean(axis=1))[:, None]
    taper = np.sqrt(1 - (2 * along) ** 2)
    radius = rng.uniform(0.0003, 0.0012, SCRATCHES)[:, None] * (0.2 + 0.8 * taper)
    return paths * long_px, radius * long_px
