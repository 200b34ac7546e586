"""The input of the network `stains`: a textured view, a mask, and a first estimate of the gain."""

import cv2
import numpy as np

from patina.models import STAINS
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.restoration.inpainting import classical_fill
from patina.tasks.restoration.textured import textured

MARKED_FROM = 0.25  # marked share of a cell from which on the classical fill replaces it
ESTIMATE_SIGMA = 2.5  # of the blur of the first estimate, in cells


def stain_input(view: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """The input of `stains`, float32 (h // 4, w // 4, STAINS.channels).

    view: float32 (h, w, 3), sRGB in [0, 1]. marks: float32 (h, w), marked share of each pixel.
    """
    given = textured(view)
    mask = cv2.resize(marks, given.shape[1::-1], interpolation=cv2.INTER_AREA)[..., None]
    return with_estimate(given, mask, first_fill(given[..., :3], mask))


def first_fill(colours: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`colours` float32 (h, w, 3) with the mask (h, w, 1) filled from its surroundings."""
    inside = (mask[..., 0] > MARKED_FROM).astype(np.uint8)
    return to_float(classical_fill(to_uint8(colours), inside))


def with_estimate(given: np.ndarray, mask: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """The input of `stains` from a textured view, a mask and the filled colours.

    The first estimate of the gain is what would lighten the colours to the filled ones, smoothed.
    """
    ratio = (filled + np.float32(STAINS.floor)) / (given[..., :3] + np.float32(STAINS.floor))
    estimate = cv2.GaussianBlur(np.log(ratio), (0, 0), ESTIMATE_SIGMA)
    estimate = np.clip(0.5 + estimate / STAINS.estimate_scale, 0, 1)
    return np.dstack([given, mask, estimate]).astype(np.float32)
