"""Dust on a work, or on the glass above it, while it is photographed."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import over, split
from patina.tasks.degradations.textures import draw_line

SPECKS, HAIRS, HAIR_POINTS = 700, 80, 24


@degradation(local=True)
def dust(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add specks, lint and hairs to `image`, or to the glass above it: light or dark, soft.

    Dust on the work is in focus and has a small shadow; dust on the glass is out of focus. Severity
    is the amount of dust.
    Source: ours.
    """
    height, width = image.shape[:2]
    long_px = max(height, width)
    near, far, dark = np.zeros((3, height, width), np.uint8)
    layers = (near, far, dark)
    _specks(rng, layers, severity)
    _hairs(rng, layers, severity)
    planes = split(image)
    mask = np.zeros((height, width), np.float32)
    fall = np.array(((1, 0, 0.0012 * long_px), (0, 1, 0.0016 * long_px)), np.float32)
    shadow = cv2.warpAffine(near, fall, (width, height))
    for layer, tone, weight, sigma in (
        (shadow, (0.05, 0.04, 0.04), 0.5, 0.0012),
        (far, (0.80, 0.79, 0.76), 1, 0.0014),
        (dark, (0.13, 0.11, 0.10), 0.85, 0.0006),
        (near, (0.88, 0.87, 0.84), 0.85, 0.0004),
    ):
        soft = cv2.GaussianBlur(layer, (0, 0), sigma * long_px + 0.1)
        cover = soft * np.float32(weight / 255)
        over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask


def _specks(rng: np.random.Generator, layers: tuple[Image, ...], severity: float) -> None:
    """Draw grains of dust into the 8-bit `layers`, each grain into one of them."""
    height, width = layers[0].shape
    long_px = max(height, width)
    places = rng.uniform(0, 1, (SPECKS, 2)) * (width, height) - 0.5
    radii = 0.0009 * long_px * rng.lognormal(0, 0.55, SPECKS)
    # A grain is a crooked polygon
    angles = np.linspace(0, 2 * np.pi, 7, endpoint=False) + rng.normal(0, 0.3, (SPECKS, 7))
    reach = radii[:, None] * rng.uniform(0.4, 1.5, (SPECKS, 7))
    shapes = np.stack((np.cos(angles), np.sin(angles)), axis=-1) * reach[..., None]
    shapes = np.round((shapes + places[:, None]) * 16).astype(np.int32)
    ink = rng.uniform(0.35, 1, SPECKS) * np.clip(severity * SPECKS - np.arange(SPECKS), 0, 1)
    ink *= np.minimum(1, 4 * radii**2)
    chosen = rng.choice(len(layers), SPECKS, p=(0.45, 0.25, 0.3))
    for shape, level, layer in zip(shapes, np.rint(255 * ink).tolist(), chosen, strict=True):
        if level:
            cv2.fillPoly(layers[layer], [shape], level, cv2.LINE_AA, shift=4)


def _hairs(rng: np.random.Generator, layers: tuple[Image, ...], severity: float) -> None:
    """Draw curled fibres and a few long hairs into the 8-bit `layers`, each into one of them."""
    height, width = layers[0].shape
    long_px = max(height, width)
    middles = rng.uniform(0, 1, (HAIRS, 1, 2)) * (width, height) - 0.5
    lengths = 0.025 * long_px * rng.lognormal(0, 0.8, HAIRS)
    share = np.linspace(-0.5, 0.5, HAIR_POINTS)
    heading = rng.uniform(0, 2 * np.pi, (HAIRS, 1)) + rng.normal(0, 2, (HAIRS, 1)) * share
    heading += np.cumsum(rng.normal(0, 0.22, (HAIRS, HAIR_POINTS)), axis=1)
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1)
    paths = np.cumsum(steps * (lengths / HAIR_POINTS)[:, None, None], axis=1)
    paths += middles - paths.mean(axis=1, keepdims=True)
    radii = rng.uniform(0.0004, 0.001, HAIRS)[:, None] * long_px * np.ones(HAIR_POINTS)
    ink = rng.uniform(0.7, 1, HAIRS) * np.clip(severity * HAIRS - np.arange(HAIRS), 0, 1)
    chosen = rng.choice(len(layers), HAIRS, p=(0.5, 0.2, 0.3))
    for path, radius, level, layer in zip(paths, radii, ink, chosen, strict=True):
        # A flat fibre is twisted, so that its brightness varies along it
        draw_line(layers[layer], path, radius, level * (0.7 + 0.3 * np.cos(9 * share)))
