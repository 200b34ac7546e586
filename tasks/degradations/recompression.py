"""JPEG files that were resized and compressed again."""

import cv2
import numpy as np

from patina.tasks.degradations.capture import jpeg_of
from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import fit

KERNELS = cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC
SAMPLINGS = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444


@degradation()
def rescaled_jpeg(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Compress `image` as JPEG at a slightly different size, resize it back and compress it again.

    The first compression's blocks no longer have 8 x 8 pixels and cross those of the second. Either
    of the two may be the stronger one, down to quality 12, with colours at full or at half
    resolution.
    Source: ours; after Wang et al., "Real-ESRGAN", ICCV Workshops 2021: compressed, resized and
    compressed again.
    """
    qualities = [round(94 - 82 * severity**0.9), round(96 - 46 * severity)]
    if rng.random() < 0.4:
        qualities.reverse()
    scale = 1 + rng.choice((-0.25, 0.2)) * rng.uniform(0.3, 1) * severity**0.5
    first, second = rng.choice(SAMPLINGS, 2).tolist()
    down, back = KERNELS[rng.integers(3)], KERNELS[rng.integers(1, 3)]
    pixels = cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    height, width = image.shape[:2]
    rows, columns = fit(image.shape, max(1, round(scale * max(height, width))))
    small = jpeg_of(_resized(pixels, columns, rows, down), qualities[0], sampling=first)
    again = jpeg_of(_resized(small, width, height, back), qualities[1], sampling=second)
    return cv2.cvtColor(again, cv2.COLOR_BGR2RGB).astype(np.float32) / 255, None


def _resized(pixels: Image, width: int, height: int, kernel: int) -> Image:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=kernel))
