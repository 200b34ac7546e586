"""Ageing of the layers on the paint: varnish, cleaning tests, dirt."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split

COARSE_PX = 512  # long side on which the edges of windows are drawn
CORNER = 0.006  # radius of the windows' corners, in long sides


@degradation()
def yellow_varnish(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cover `image` with aged dammar varnish: amber, darker, with less contrast.

    A yellow filter whose absorbance grows with age (Beer-Lambert law, in linear light) and a haze,
    because aged varnish also scatters. The coat is uneven. sRGB is 1.055 L^(1/2.4) - 0.055, so the
    linear product is computed on the encoded values.
    Source: Trumpy et al., "Experimental study on merits of virtual cleaning of paintings with aged
    varnish", Optics Express 23 (2015): filter and scattering; the coefficients are ours.
    """
    coat = 1 + 0.2 * smooth_noise(rng, image.shape, waves=4)
    planes = split(image)
    for plane, absorbance in zip(planes, (0.25, 0.65, 1.9), strict=True):
        passed = enlarge(np.exp(-severity * absorbance / 2.4 * coat), image.shape)
        for part, gain in bands(plane, passed):
            # The maximum of both is within 1/255 of the exact value near black, too
            toe = part * gain * gain
            part += 0.055
            part *= gain
            part -= 0.055
            np.maximum(part, toe, out=part)
    over(planes, (0.42, 0.31, 0.13), 0.15 * severity)
    return cv2.merge(planes), None


@degradation()
def cleaning_windows(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cover `image` with aged varnish, except in rectangular windows of cleaning tests.

    The windows have soft corners and were rubbed by hand: their sides are not straight, their
    cleanness is uneven, and a brown line of dissolved varnish surrounds them. Severity is the age
    of the varnish.
    Source: ours; cleaning tests as in Ruhemann, "The Cleaning of Paintings" (1968).
    """
    cleaned, tideline = _windows(rng, image.shape)
    planes = split(yellow_varnish(image, rng, severity=severity)[0])
    over(planes, split(image), enlarge(cleaned, image.shape))
    over(planes, (0.24, 0.16, 0.07), enlarge(0.4 * severity * tideline, image.shape))
    return cv2.merge(planes), None


def _windows(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Image, Image]:
    """Share of the coat that is removed, and that lies at the windows' edges: 0 to 1; COARSE_PX."""
    size = fit(shape, COARSE_PX)
    rows, columns = np.indices(size, np.float32) / COARSE_PX
    by_hand = [enlarge(smooth_noise(rng, shape, waves=n), size) for n in (6, 7, 20)]
    rows, columns = rows + 0.004 * by_hand[0], columns + 0.004 * by_hand[1]
    inside = np.full(size, -1, np.float32)
    cleaned = np.zeros(size, np.float32)
    for row, column, height, width, angle, clean in _tests(rng, shape).tolist():
        # Pixels far outside the window are skipped
        near = _around((row, column), np.hypot(height, width) + 0.02, size)
        down, right, cosine, sine = (
            rows[near] - row,
            columns[near] - column,
            np.cos(angle),
            np.sin(angle),
        )
        # Distance beyond the sides, minus the radius of the corners
        below = np.abs(cosine * down + sine * right) - (height - CORNER)
        beside = np.abs(cosine * right - sine * down) - (width - CORNER)
        depth = CORNER - np.hypot(np.maximum(below, 0), np.maximum(beside, 0))
        depth += 0.0015 * by_hand[2][near]
        np.maximum(inside[near], depth, out=inside[near])
        np.maximum(cleaned[near], clean * np.clip(depth / 0.004, 0, 1), out=cleaned[near])
    swabs = 1 + 0.06 * by_hand[2]
    edge = np.clip((inside + 0.0015) / 0.002, -8, 8)
    tideline = np.exp(-edge * edge) * np.clip(0.6 + by_hand[0], 0, 1)
    return np.clip(cleaned * swabs, 0, 1), tideline


def _around(place: tuple[float, float], reach: float, size: tuple[int, int]) -> tuple[slice, slice]:
    """Slices of the pixels that are within `reach` (in long sides) of `place`; size: of the
    image.
    """
    rows, columns = (
        slice(*(min(max(round((at + way) * max(size)), 0), side) for way in (-reach, reach)))
        for at, side in zip(place, size, strict=True)
    )
    return rows, columns


def _tests(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Windows as rows of centre (row, column), half height, half width, angle and cleanness.

    They are either a few at random places, or a row of small ones with increasingly strong
    solvents.
    """
    centre = rng.uniform(0.15, 0.85, (6, 2))
    half = 0.03 + 0.13 * rng.random((6, 2)) ** 1.5
    angle, clean = rng.normal(0, 0.03, 6), rng.uniform(0.75, 1, 6)
    count, place = int(rng.integers(2, 6)), rng.uniform((0.1, 0.08), (0.9, 0.25))
    if rng.random() < 0.4:
        centre = np.column_stack((np.full(6, place[0]), place[1] + 0.13 * np.arange(6)))
        half, clean, count = 0.012 + half[:, :1] * (0.15, 0.2), np.linspace(0.3, 1, 6), 6
    centre *= np.array(shape[:2]) / max(shape)
    return np.column_stack((centre, half, angle, clean))[:count]


@degradation()
def grime(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cover `image` with a layer of soot and dust: grey-brown, dull, thicker at the bottom.

    Dirt collects in blotches, and in the furrows of brushwork and between threads, where it is
    darkest.
    Source: ours; after Phenix & Burnstock, "The Removal of Surface Dirt on Paintings with Chelating
    Agents", The Conservator 16 (1992), on what surface dirt is.
    """
    blotches, clots = (smooth_noise(rng, image.shape, waves=waves) for waves in (3, 12))
    height = np.linspace(-0.5, 0.5, len(blotches), dtype=np.float32)[:, None]
    veil = enlarge(
        np.clip(0.52 + 0.24 * height + 0.07 * blotches + 0.04 * clots, 0.1, 1), image.shape
    )
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    hollows = cv2.GaussianBlur(grey, (0, 0), 0.0012 * max(image.shape) + 0.3) - grey
    soot = veil * (1 + np.clip(7 * hollows, -0.3, 0.5))
    planes = split(image)
    over(planes, (0.25, 0.22, 0.18), severity * soot)
    return cv2.merge(planes), None
