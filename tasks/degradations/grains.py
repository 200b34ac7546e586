"""More models of noise, beside `capture`: noise after a camera's processing, and grey grain.

Noise has the size of photosites: its scale is in pixels and not relative to the work.
"""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, fit, split

NOISE = 26 / 255  # standard deviation at severity 1


@degradation()
def correlated_noise(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add the noise of a processed photograph to `image`: correlated neighbours, colour blotches.

    A camera interpolates two of three colours at every pixel, applies the white balance and
    smooths. The resulting noise is coarse, correlated between the channels, and has colour blotches
    and faint stripes of rows. Shadows have more noise, or all tones have the same.
    Source: ours; after Brooks et al., "Unprocessing Images for Learned Raw Denoising", CVPR 2019.
    """
    height, width = image.shape[:2]
    alike, coarse, sigma_px = rng.uniform(0.3, 0.85), rng.uniform(0.2, 0.8), rng.uniform(0.45, 1.3)
    common = _correlated(rng, (height, width), sigma_px)
    common += rng.uniform(0, 0.15) * rng.standard_normal((height, 1), dtype=np.float32)
    few = fit(image.shape, max(2, round(max(height, width) / rng.uniform(5, 14))))
    shadows, gain = rng.uniform(0, 1), rng.uniform(0.75, 1.1) * NOISE * severity
    planes = split(image)
    for plane, balance in zip(planes, (1.2, 0.8, 1.35), strict=True):
        own = _correlated(rng, ((height + 1) // 2, (width + 1) // 2), 0.6)
        blotch = _correlated(rng, few, 0.8)
        noise = np.float32(alike) * common
        noise += np.float32(balance * (1 - alike)) * enlarge(own, image.shape)
        noise += np.float32(0.5 * balance * coarse) * enlarge(blotch, image.shape)
        for part, change in bands(plane, noise):
            change *= np.float32(gain) * (1 + shadows * (0.45 - part))
            part += change
    return cv2.merge(planes), None


@degradation()
def luminance_grain(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add grey grain to `image`, equal in all channels: fine or coarse, uniform or in the
    mid-tones.

    This grain comes from black-and-white film, from photographic paper, or from a denoiser that
    corrects only colour.
    Source: ours; the mid-tones as in `film_grain`.
    """
    height, width = image.shape[:2]
    sigma_px, middle = rng.uniform(0.3, 1.2), rng.uniform(0, 1)
    grain = _correlated(rng, (height, width), sigma_px)
    skew = rng.uniform(-0.25, 0.25)
    gain = rng.uniform(0.85, 1.2) * NOISE * severity
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for speck, tone in bands(grain, grey):
        speck += skew * (speck * speck - 1)
        speck *= np.float32(gain) * (1 - middle * (1 - 4 * tone * (1 - tone)))
    planes = split(image)
    for plane in planes:
        plane += grain
    return cv2.merge(planes), None


def _correlated(rng: np.random.Generator, size: tuple[int, int], sigma_px: float) -> Image:
    """Noise with the standard deviation 1, correlated over about `sigma_px` pixels."""
    noise = rng.standard_normal(size, dtype=np.float32)
    taps = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma_px)) + 1, sigma_px, cv2.CV_32F)
    return cv2.sepFilter2D(noise, -1, taps, taps) / np.float32(np.sum(taps * taps))
