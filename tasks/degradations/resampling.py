"""Blurs with several steps: a print and then a lens, a scan with too few pixels."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import fit, soften
from patina.tasks.degradations.optics import disc

KERNELS = cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4


@degradation()
def double_blur(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Photograph a print of `image`: a Gaussian blur, a resampling, then a lens out of focus.

    Together they are at most about 0.45 % of the long side; their shares are random.
    Source: Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure
    Synthetic Data", ICCV Workshops 2021: degradations of second order; the shares are ours.
    """
    share, size, kernel = rng.uniform(0.25, 0.75), rng.uniform(0.75, 1), KERNELS[rng.integers(3)]
    sigma_px = 0.0045 * severity * max(image.shape[:2])
    printed = soften(image, max(sigma_px * share**0.5, 1e-3))
    printed = _through(printed, 1 - (1 - size) * severity, kernel)
    # The standard deviation of a disc is half its radius
    light = disc(printed * np.abs(printed), 2 * sigma_px * (1 - share) ** 0.5)
    return np.sqrt(np.maximum(light, 0, out=light), out=light), None


@degradation()
def soft_scan(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Scan `image` with too few pixels and enlarge it: detail is lost, edges are stepped or ring.

    The image is reduced by averaging, and enlarged with a linear, cubic or Lanczos filter.
    Source: Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image
    Super-Resolution" (BSRGAN), ICCV 2021: down- and up-sampling; the factors are ours.
    """
    fewer, kernel = rng.uniform(0.9, 1.4), KERNELS[rng.integers(3)]
    share = 1 / (1 + 0.0075 * fewer * severity * max(image.shape[:2]))
    return _through(image, share, kernel), None


def _through(image: Image, share: float, kernel: int) -> Image:
    """`image` reduced to the share `share` of its sides and enlarged again with `kernel`."""
    height, width = image.shape[:2]
    rows, columns = fit(image.shape, max(1, round(share * max(height, width))))
    if (rows, columns) == (height, width):
        return image.copy()
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=kernel))
