"""Growth on a damp work: foxing of paper, and mould."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import fit, over, split
from patina.tasks.degradations.textures import GRID_PX, ramp, rough_noise, spread, stain_with

SPOTS, SPOT_SIZES = 420, 6
COLONIES = 120


@degradation(local=True)
def foxing(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add foxing to the paper of `image`: a soft yellow halo around a darker, irregular centre.

    Severity sets the number of spots and their darkness.
    Source: ours; the look after Choi, "Foxing on Paper: a Literature Review", Journal of the
    American Institute for Conservation 46 (2007): bullseyes and snowflakes, few and many, in
    clusters.
    """
    spots = _spots(rng, image.shape, severity)
    ripe = severity**0.5
    planes = split(image)
    mask = np.zeros(image.shape[:2], np.float32)
    for density, tint in zip(spots, ((0.86, 0.71, 0.47), (0.70, 0.49, 0.31)), strict=True):
        cover = ripe * np.clip(spread(density, image.shape), 0, 1)
        stain_with(planes, tint, cover)
        np.maximum(mask, cover, out=mask)
    # Iron salts and hyphae also scatter: on dark ink the spot is lighter than the ink
    over(planes, (0.40, 0.26, 0.14), 0.25 * mask)
    return cv2.merge(planes), mask


def _spots(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> list[Image]:
    """Densities of the halos and of the centres, from 0 on; GRID_PX on the long side."""
    ragged = rough_noise(rng, shape, waves=64, fade=0.8)
    height, width = ragged.shape
    places = _clusters(rng, SPOTS, 14, 0.05) * (width, height)
    strength = np.clip(severity * SPOTS - np.arange(SPOTS), 0, 1) * rng.uniform(0.5, 1.3, SPOTS)
    radii = 0.0022 * rng.lognormal(0, 0.85, SPOTS) * GRID_PX
    hearts = rng.random(SPOTS)
    columns, rows = places.astype(int).T
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    halo, heart = np.zeros((2, height, width), np.float32)
    rank = np.argsort(np.argsort(radii)) * SPOT_SIZES // SPOTS
    for size in range(SPOT_SIZES):
        chosen = inside & (rank == size)
        radius = float(np.median(radii[rank == size]))
        for layer, sigma, weight in ((halo, radius, 0.9), (heart, 0.4 * radius, hearts)):
            points = np.zeros_like(layer)
            np.add.at(points, (rows[chosen], columns[chosen]), (strength * weight)[chosen])
            sigma = max(0.6, sigma)
            layer += 2 * np.pi * sigma**2 * cv2.GaussianBlur(points, (0, 0), sigma)
    # Paper fibres make the outline irregular and break up the centre
    halo *= np.clip(1 + 0.3 * ragged, 0, 2)
    heart *= np.clip(1 + 0.6 * ragged, 0, 2)
    return [np.clip(1.2 * halo - 0.12, 0, None), np.clip(1.8 * heart - 0.25, 0, None)]


def _clusters(rng: np.random.Generator, count: int, clusters: int, spread_share: float) -> Image:
    """Points (count, 2) in shares of width and height: three quarters in clusters, others
    anywhere.
    """
    cluster = rng.integers(clusters, size=count)
    points = rng.uniform(0, 1, (clusters, 2))[cluster]
    points += (
        rng.normal(0, 1, (count, 2))
        * (spread_share * rng.uniform(0.3, 1.7, clusters))[cluster, None]
    )
    stray = rng.random(count) < 0.25
    return np.where(stray[:, None], rng.uniform(0, 1, (count, 2)), points)


@degradation(local=True)
def mould(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add mould colonies to `image`: a pale fringe of threads, and dark spores inside.

    Source: ours; the look after Florian, "Fungal Facts: Solving Fungal Problems in Heritage
    Collections" (2002): round colonies that merge, their conidia dark, their edge fluffy.
    """
    ripeness = _colonies(rng, image.shape, severity)
    rough = rough_noise(rng, image.shape, waves=32, fade=0.8)
    fine = rough_noise(rng, image.shape, waves=128, fade=0.7)
    # The zero lines of noise branch like hyphae
    threads = np.exp(-np.abs(rough) / 0.2)
    fringe = ramp(ripeness + 0.1 * rough, -0.35, 0.6) * (0.5 + 0.35 * threads + 0.15 * fine)
    spores = ramp(ripeness + 0.25 * fine + 0.15 * rough, 0.2, 1)
    spores *= 0.8 + 0.2 * rough
    planes = split(image)
    mask = np.zeros(image.shape[:2], np.float32)
    dark = np.array((0.13, 0.14, 0.12)) + rng.random() * np.array((0.08, 0.10, 0.05))
    for cover, tone in ((0.6 * fringe, (0.50, 0.52, 0.44)), (0.95 * spores, dark.tolist())):
        cover = severity**0.5 * np.clip(spread(cover, image.shape), 0, 1)
        over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask


def _colonies(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """Ripeness of the nearest colony: 0 at its edge, 1 in its middle; GRID_PX on the long side."""
    height, width = fit(shape, GRID_PX)
    places = _clusters(rng, COLONIES, 7, 0.05) * (width, height)
    radii = 0.018 * rng.lognormal(0, 0.75, COLONIES) * GRID_PX
    # Colonies start at different severities, and grow more slowly later
    age = np.clip((severity - rng.uniform(-0.1, 0.7, COLONIES)) / 0.4, 0, 1)
    radii *= np.sqrt(age)
    ripeness = np.full((height, width), -1, np.float32)
    for (x, y), radius in zip(places.tolist(), radii.tolist(), strict=True):
        reach = 1.6 * radius
        top, bottom = (min(max(round(side), 0), height) for side in (y - reach, y + reach))
        left, right = (min(max(round(side), 0), width) for side in (x - reach, x + reach))
        rows, columns = np.arange(top, bottom) - y, np.arange(left, right) - x
        window = ripeness[top:bottom, left:right]
        distance = np.hypot(rows[:, None], columns) / max(radius, 1e-6)
        np.maximum(window, 1 - distance, out=window)
    return ripeness
