"""Smooth random fields, and paint laid over planes: what degradations are made of."""

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Image

BAND_PX = 32768


def fit(shape: tuple[int, ...], long_px: int) -> tuple[int, int]:
    """(height, width) of `shape`'s proportions with the long side `long_px`."""
    scale = long_px / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], *, waves: float) -> Image:
    """Noise in [-2, 2], deviation about 1, `waves` swells long; on 128 px, for `enlarge`."""
    sigma_px = 128 / (4 * waves)
    soft = cv2.GaussianBlur(white_noise(rng, fit(shape, 128)), (0, 0), sigma_px)
    # Averaging white noise under a Gaussian divides its deviation by 2 sqrt(pi) sigma
    return np.clip(soft * (2 * np.sqrt(np.pi) * sigma_px), -2, 2).astype(np.float32)


def white_noise(rng: np.random.Generator, size: tuple[int, ...]) -> Image:
    """Noise of deviation 1, uniform: once averaged it is normal, and it is drawn much faster."""
    noise: Image = rng.random(size, dtype=np.float32)
    noise -= 0.5
    noise *= 12**0.5
    return noise


def over(planes: Sequence[Image], tone: Iterable[Image | float], cover: Image | float) -> None:
    """Paint `tone` over `planes`, in place, with the opacity `cover`; 0 changes nothing."""
    for plane, target in zip(planes, tone, strict=True):
        for part, new, share in bands(plane, target, cover):
            if share.max() > 0:
                change = new - part
                change *= share
                part += change


def bands(plane: Image, *others: Image | float) -> Iterator[Sequence[Image]]:
    """`plane` and what goes with it, a few rows at a time, which the processor's cache holds."""
    rows = max(1, BAND_PX // plane.shape[1])
    layers = [plane]
    for other in others:
        layer = np.asarray(other)
        layers.append(layer if layer.ndim else np.broadcast_to(np.float32(layer), plane.shape))
    for top in range(0, len(plane), rows):
        yield [layer[top : top + rows] for layer in layers]


def split(image: Image) -> Sequence[Image]:
    """The planes of `image`, copied: numpy is slow where the last axis has three entries."""
    height, width = image.shape[:2]
    # Given where to write, cv2 makes no copies in between
    return cv2.split(image, list(np.empty((3, height, width), np.float32)))


def enlarge(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` at the height and width of `shape`."""
    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def soften(image: Image, sigma_px: float) -> Image:
    """`image` under an isotropic Gaussian; a wide one by way of fewer pixels."""
    height, width = image.shape[:2]
    shrink = max(1, int(sigma_px / 2))
    if shrink == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma_px)
    # What is this soft fits into fewer pixels, whose own width is a variance of 1/12
    small_px = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(image, small_px, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), ((sigma_px / shrink) ** 2 - 1 / 12) ** 0.5)
    return enlarge(soft, image.shape)
