"""Smooth random fields, and paint laid over planes: what degradations are made of."""

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.degradations.contract import Image


def fit(shape: tuple[int, ...], long_px: int) -> tuple[int, int]:
    """(height, width) of `shape`'s proportions with the long side `long_px`."""
    scale = long_px / max(shape[:2])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], *, waves: float) -> Image:
    """Noise in [-2, 2], deviation about 1, `waves` swells long; on 128 px, for `enlarge`."""
    sigma_px = 128 / (4 * waves)
    white = rng.standard_normal(fit(shape, 128), dtype=np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), sigma_px)
    # Averaging white noise under a Gaussian divides its deviation by 2 sqrt(pi) sigma
    return np.clip(soft * (2 * np.sqrt(np.pi) * sigma_px), -2, 2).astype(np.float32)


def over(planes: Sequence[Image], tone: Sequence[Image | float], cover: Image | float) -> None:
    """Paint `tone` over `planes`, in place, with the opacity `cover`; 0 changes nothing."""
    for plane, target in zip(planes, tone, strict=True):
        change = target - plane
        change *= cover
        plane += change


def split(image: Image) -> Sequence[Image]:
    """The planes of `image`, copied: numpy is slow where the last axis has three entries."""
    return cv2.split(image)


def enlarge(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` at the height and width of `shape`."""
    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
