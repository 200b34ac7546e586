"""Smooth random fields, and painting over colour planes: the tools of the degradations."""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Image

BAND_PX = 32768


def fit(shape: tuple[int, ...], long_px: int) -> tuple[int, int]:
    """(height, width) with the proportions of `shape` and the long side `long_px`, in pixels."""
    scale = long_px / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], *, waves: float) -> Image:
    """Smooth noise in [-2, 2], float32, with a standard deviation of about 1.

    Enlarge it with `enlarge`. It has 128 pixels on the long side and about `waves` waves along it.
    """
    sigma_px = 128 / (4 * waves)
    soft = cv2.GaussianBlur(white_noise(rng, fit(shape, 128)), (0, 0), sigma_px)
    # A Gaussian blur divides the standard deviation of white noise by 2 sqrt(pi) sigma
    return np.clip(soft * (2 * np.sqrt(np.pi) * sigma_px), -2, 2).astype(np.float32)


def white_noise(rng: np.random.Generator, size: tuple[int, ...]) -> Image:
    """Uniform white noise with the standard deviation 1, float32.

    After averaging it is nearly normal, and it is much faster to draw than normal noise.
    """
    noise: Image = rng.random(size, dtype=np.float32)
    noise -= 0.5
    noise *= 12**0.5
    return noise


def over(planes: Sequence[Image], tone: Iterable[Image | float], cover: Image | float) -> None:
    """Paint `tone` (one value or field for each plane) over `planes`, in place.

    cover: the opacity, 0 (no change) to 1.
    """
    for plane, target in zip(planes, tone, strict=True):
        for part, new, share in bands(plane, target, cover):
            if share.max() > 0:
                change = new - part
                change *= share
                part += change


def bands(plane: Image, *others: Image | float) -> Iterator[Sequence[Image]]:
    """`plane` and `others` in bands of a few rows, which fit into the processor's cache."""
    rows = max(1, BAND_PX // plane.shape[1])
    layers = [plane]
    for other in others:
        layer = np.asarray(other)
        layers.append(layer if layer.ndim else np.broadcast_to(np.float32(layer), plane.shape))
    for top in range(0, len(plane), rows):
        yield [layer[top : top + rows] for layer in layers]


def split(image: Image) -> Sequence[Image]:
    """Copies of the three planes of `image`: NumPy is slow on arrays whose last axis has three
    entries.
    """
    height, width = image.shape[:2]
    # With output arrays, cv2 makes no intermediate copies
    return cv2.split(image, list(np.empty((3, height, width), np.float32)))


def enlarge(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` resized to the height and width of `shape`, with cubic interpolation."""
    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def soften(image: Image, sigma_px: float) -> Image:
    """`image` after an isotropic Gaussian blur; a wide one is computed at a smaller size."""
    height, width = image.shape[:2]
    shrink = max(1, int(sigma_px / 2))
    if shrink == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma_px)
    # Averaging over a pixel of the small image is itself a blur with the variance 1/12
    small_px = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(image, small_px, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), ((sigma_px / shrink) ** 2 - 1 / 12) ** 0.5)
    return enlarge(soft, image.shape)
