"""More models of fine lines, beside `scratches`: hairs on a work, and worn film."""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import over, split
from patina.tasks.degradations.shapes import any_tone
from patina.tasks.degradations.textures import draw_line

HAIRS, HAIR_POINTS, TONES = 60, 40, 4
RUNS, RUN_POINTS = 34, 90


@degradation(local=True)
def hairlines(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add hairs, bristles and fibres to `image`: curved, dark, pale or coloured.

    Some are long and nearly straight, some curl into loops. Most are translucent, and each is
    thickest and darkest in its middle. Severity is the number of hairs.
    Source: ours.
    """
    height, width = image.shape[:2]
    long_px = max(height, width)
    paths, radii, ink = _hairs(rng, image.shape)
    ink *= np.clip(severity * HAIRS - np.arange(HAIRS), 0, 1)[:, None] * (0.6 + 0.4 * severity)
    tones = [any_tone(rng, dark=0.5, pale=0.35) for _ in range(TONES)]
    chosen = rng.integers(TONES, size=HAIRS)
    soft_px = 0.0003 * long_px * rng.uniform(0.2, 2, TONES)
    layers = _layers(image.shape, (paths, radii, ink), chosen, TONES)
    soft = (
        cv2.GaussianBlur(layer, (0, 0), sigma + 0.15)
        for layer, sigma in zip(layers, soft_px, strict=True)
    )
    return _covered(image, soft, tones)


def _hairs(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Image, Image, Image]:
    """For every hair: path (HAIRS, HAIR_POINTS, 2) and half widths in pixels, and opacities."""
    height, width = shape[:2]
    share = np.linspace(-0.5, 0.5, HAIR_POINTS)
    lengths = np.minimum(0.11 * rng.lognormal(0, 0.75, HAIRS), 0.9)
    curl = rng.normal(0, 1, (HAIRS, 3)) * (1.6, 2.2, 3.5)
    heading = rng.uniform(0, 2 * np.pi, (HAIRS, 1)) + curl[:, :1] * share
    heading += curl[:, 1:2] * share**2 + curl[:, 2:] * share**3
    heading += np.cumsum(rng.normal(0, 0.03, (HAIRS, HAIR_POINTS)), axis=1)
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1)
    paths = np.cumsum(steps * (lengths / HAIR_POINTS)[:, None, None], axis=1)
    paths -= paths.mean(axis=1, keepdims=True)
    paths = paths * max(height, width) + rng.uniform(0, 1, (HAIRS, 1, 2)) * (width, height) - 0.5
    taper = (1 - (1.95 * share) ** 2) ** 0.2
    radii = rng.uniform(0.0004, 0.0013, (HAIRS, 1)) * max(height, width) * taper
    ink = rng.uniform(0.45, 1, (HAIRS, 1)) * (0.75 + 0.25 * np.cos(9 * share + curl[:, :1]))
    return paths, radii, ink * taper


@degradation(local=True)
def film_scratches(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add the scratches of a worn projector or scanner: long, nearly straight, interrupted lines.

    They follow the direction of the film's transport, mostly vertical, alone or in groups.
    Scratches in the film base are dark or white, those in the emulsion are coloured. Severity is
    the number of scratches.
    Source: ours; lines after Kokaram, "Motion Picture Restoration", Springer 1998.
    """
    height, width = image.shape[:2]
    aside = rng.random() < 0.25
    paths, radii, ink = _runs(rng, (width, height) if aside else (height, width))
    paths = paths[..., ::-1] if aside else paths
    ink *= np.clip(severity * RUNS - np.arange(RUNS), 0, 1)[:, None] * (0.6 + 0.4 * severity)
    dye = rng.uniform((0.1, 0.55, 0.2), (0.9, 0.95, 0.9))
    tones = (0.93, 0.92, 0.88), (0.07, 0.06, 0.06), tuple(dye.tolist())
    chosen = rng.choice(3, RUNS, p=rng.dirichlet((3, 2, 0.7)))
    layers = _layers(image.shape, (paths, radii, ink), chosen, len(tones))
    return _covered(image, layers, tones)


def _runs(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Image, Image, Image]:
    """For every vertical line: path (RUNS, RUN_POINTS, 2) and half widths in pixels, and
    opacities.
    """
    height, width = shape
    long_px = max(shape)
    bundle = rng.integers(7, size=RUNS)
    place = rng.uniform(0, 1, 7)[bundle] * width + rng.normal(0, 0.02, RUNS) * long_px
    place = np.where(rng.random(RUNS) < 0.4, rng.uniform(0, 1, RUNS) * width, place)
    start, length = rng.uniform(-0.5, 0.8, RUNS), rng.uniform(0.2, 1.5, RUNS)
    along = start[:, None] + length[:, None] * np.linspace(0, 1, RUN_POINTS)
    sway = np.cumsum(rng.normal(0, 0.0003, (RUNS, RUN_POINTS)), axis=1) * long_px
    slant = rng.normal(0, 0.008, (RUNS, 1)) * height * along
    paths = np.stack((place[:, None] + sway + slant, along * height), axis=-1)
    radii = np.repeat(rng.uniform(0.0003, 0.0009, (RUNS, 1)) * long_px, RUN_POINTS, axis=1)
    # A clipped random walk has stretches of 0 and of 1, which interrupts the lines
    touch = np.cumsum(rng.normal(0, 0.35, (RUNS, RUN_POINTS)), axis=1)
    touch -= touch.mean(axis=1, keepdims=True) - rng.uniform(0, 1.2, (RUNS, 1))
    ink = rng.uniform(0.35, 1, (RUNS, 1)) * np.clip(touch, 0, 1)
    return paths, radii, ink


def _layers(
    shape: tuple[int, ...], lines: tuple[Image, Image, Image], chosen: Image, tones: int
) -> Iterator[np.ndarray]:
    """The lines of each tone, one tone after the other: opacities, uint8 (h, w).

    lines: paths, half widths and opacities, as from `_hairs`. chosen: number of the tone of each.
    """
    for tone in range(tones):
        layer = np.zeros(shape[:2], np.uint8)
        for number in np.flatnonzero(chosen == tone):
            draw_line(layer, *(each[number] for each in lines))
        yield layer


def _covered(
    image: Image, layers: Iterable[np.ndarray], tones: Sequence[Sequence[float]]
) -> Damaged:
    """`image` with each of `layers` in its tone, and the mask of all."""
    planes = split(image)
    mask = np.zeros(image.shape[:2], np.float32)
    for layer, tone in zip(layers, tones, strict=True):
        cover = layer * np.float32(1 / 255)
        over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask
