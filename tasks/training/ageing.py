"""Effects of time and light on the colours of a work; each effect has several random models.

All functions take and return float32 (h, w, 3), sRGB in [0, 1]; results are not clipped.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np

from patina.tasks.training import library

Image = np.ndarray
Rng = np.random.Generator


def field(shape: tuple[int, ...], rng: Rng, low: float, high: float) -> Any:
    """A random strength in [low, high]: float32, one number or a map (h, w, 1).

    In half of the draws it is a map, whose values vary smoothly by 10 to 40%. shape: of the image.
    """
    value = np.float32(rng.uniform(low, high))
    if rng.random() < 0.5:
        return value
    cells = int(rng.integers(2, 5))
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    noise = cv2.resize(coarse, shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
    return np.clip(value * (1 + np.float32(rng.uniform(0.1, 0.4)) * noise), 0, 1.3)


def saturation_lost(image: Image, rng: Rng) -> Image:
    """Colours fade towards grey; the weights of the grey are random."""
    grey = (image @ rng.dirichlet([3, 3, 3]).astype(np.float32))[..., None]
    return grey + (image - grey) * (1 - field(image.shape, rng, 0.1, 0.8))


def contrast_lost(image: Image, rng: Rng) -> Image:
    """Blacks become lighter and whites darker."""
    lost = field(image.shape, rng, 0.05, 0.55)
    base = np.float32(rng.uniform(0.05, 1)) + rng.normal(0, 0.05, 3).astype(np.float32)
    return image * (1 - lost) + base * lost * 0.9


def pigments_bleached(image: Image, rng: Rng) -> Image:
    """Reds and yellows fade first: pigments that absorb blue and green bleach."""
    chroma = image.max(axis=2, keepdims=True) - image
    rate = np.array([rng.uniform(0, 0.3), rng.uniform(0.2, 0.6), rng.uniform(0.3, 1.0)], np.float32)
    return image + chroma * rate * field(image.shape, rng, 0.2, 1.0)


def gamma_lost(image: Image, rng: Rng) -> Image:
    """Middle tones become lighter or darker, as after a bad exposure or print."""
    return np.maximum(image, 0) ** np.float32(10 ** rng.uniform(-0.22, 0.22))


def faded(image: Image, rng: Rng) -> Image:
    """One to three models of fading, one after the other."""
    ways = rng.permutation(4)[: int(rng.integers(1, 4))]
    for way in sorted(ways):
        image = (pigments_bleached, saturation_lost, contrast_lost, gamma_lost)[way](image, rng)
    return image


def tinted(image: Image, rng: Rng) -> Image:
    """Varnish of any tint from straw to brown, of varying thickness, with a little haze."""
    thick = field(image.shape, rng, 0.15, 1.0)
    colour = np.array(
        [rng.uniform(0.82, 1), rng.uniform(0.62, 0.92), rng.uniform(0.2, 0.7)], np.float32
    )
    if rng.random() < 0.15:
        colour = colour[[1, 0, 2]] if rng.random() < 0.5 else colour[[2, 1, 0]]
    if rng.random() < 0.5:
        linear = np.maximum(image, 0) ** 2.2 * (1 - thick + thick * colour**1.6)
        linear = linear + np.float32(rng.uniform(0, 0.04)) * thick * colour
        return np.maximum(linear, 0) ** np.float32(1 / 2.2)
    dark = np.maximum(image, 0) ** np.float32(rng.uniform(1, 1.25))
    return dark * (1 - thick + thick * colour) + np.float32(rng.uniform(0, 0.07)) * thick


def hazed(image: Image, rng: Rng) -> Image:
    """Bloom or dirt: a pale or dark haze."""
    veil = field(image.shape, rng, 0.05, 0.5)
    pale = np.array([0.78, 0.78, 0.76], np.float32) * np.float32(rng.uniform(0.8, 1.1))
    dirt = np.array([0.28, 0.24, 0.18], np.float32) * np.float32(rng.uniform(0.5, 1.6))
    return image * (1 - veil) + (pale if rng.random() < 0.4 else dirt) * veil


def unevenly_lit(image: Image, rng: Rng) -> Image:
    """Light whose brightness decreases with the distance from a point, inside or outside."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / max(height, width)
    centre = rng.uniform(-0.2, 1.2, 2)
    away = np.hypot(rows - np.float32(centre[0]), columns - np.float32(centre[1]))
    fall = np.clip(1.1 - np.float32(rng.uniform(0.2, 0.8)) * away, 0.15, 1.3)
    tint = 1 + rng.normal(0, 0.03, 3).astype(np.float32)
    return np.maximum(image, 0) * fall[..., None] ** np.float32(0.8) * tint


def of_library(*names: str) -> Callable[[Image, Rng], Image]:
    """A function that applies one of the degradations `names`, see `library.degraded`."""
    return partial(_of_library, names)


def _of_library(names: tuple[str, ...], image: Image, rng: Rng) -> Image:
    return library.degraded(names, np.clip(image, 0, 1), rng)[0]


FADING = (faded, faded, of_library("fading"))
VARNISH = (tinted, tinted, of_library("yellow_varnish"))
VEIL = (hazed, of_library("grime"))
LIGHT = (unevenly_lit, of_library("uneven_light", "glare"))


def several(image: Image, rng: Rng) -> Image:
    """Two of FADING, VARNISH, VEIL and LIGHT, in this order."""
    groups = (FADING, VARNISH, VEIL, LIGHT)
    for number in sorted(rng.permutation(len(groups))[:2]):
        image = _one_of(groups[number], image, rng)
    return image


def one_of(ways: tuple[Callable[[Image, Rng], Image], ...]) -> Callable[[Image, Rng], Image]:
    """A function that applies one of `ways`, drawn at random."""
    return partial(_one_of, ways)


def _one_of(ways: tuple[Callable[[Image, Rng], Image], ...], image: Image, rng: Rng) -> Image:
    return ways[int(rng.integers(len(ways)))](image, rng)


def unchanged(image: Image, rng: Rng) -> Image:
    """The image itself."""
    return image
