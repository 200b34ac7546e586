"""Effects of a capture on a crop; each kind of damage has several random models.

A network that is trained on one formula does not generalise to other damage of the same kind. So
each draw uses another model, with parameters from invisible to strong. All functions take and
return float32 (h, w, 3), sRGB in [0, 1]; the results are not clipped.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from patina.tasks.degradations import capture as degradations
from patina.tasks.degradations.optics import kernel_of
from patina.tasks.training import library

Image = np.ndarray
Rng = np.random.Generator
Model = Callable[[Image, Rng], Image]

NOISE_255 = (1.0, 55.0)  # limits of the standard deviation of noise, 8-bit steps
NOISE_POWER = 1.6  # weak noise is the most frequent in scans
BLUR_PX = (0.45, 2.8)  # limits of the standard deviation of a Gaussian blur
MOTION_PX, PATH_POINTS = (1.3, 11.0), 48  # limits of the length of a path, and its points
MARGIN_PX = 12  # margin around a patch, removed later, because filters change the edges of an image


def white_noise(image: Image, rng: Rng) -> Image:
    """Gaussian noise of one strength; in a fifth of the draws the same in all channels."""
    sigma = _noise_strength(rng)
    channels = 1 if rng.random() < 0.2 else 3
    return image + _normal(rng, (*image.shape[:2], channels)) * np.float32(sigma)


def sensor_noise(image: Image, rng: Rng) -> Image:
    """Shot noise: the variance grows with the light, in linear light, separately for each channel.

    Source: Foi et al., "Practical Poissonian-Gaussian noise modeling" (2008).
    """
    linear = np.maximum(image, 0) ** 2.2
    read, shot = rng.uniform(0.001, 0.03), 10 ** rng.uniform(-4.3, -1.7)
    gains = rng.uniform(0.6, 1.8, 3).astype(np.float32)
    spread = np.sqrt(shot * gains * linear + read**2).astype(np.float32)
    noisy = linear + _normal(rng, image.shape) * spread
    return np.maximum(noisy, 0) ** np.float32(1 / 2.2)


def blotchy_noise(image: Image, rng: Rng) -> Image:
    """Noise correlated by demosaicing or scaling: blurred, then rescaled to its strength."""
    sigma = 0.7 * _noise_strength(rng)
    noise = _normal(rng, image.shape)
    radius = rng.uniform(0.35, 1.1)
    noise = cv2.GaussianBlur(noise, (0, 0), radius)
    return image + noise / max(float(noise.std()), 1e-6) * np.float32(sigma)


def grain(image: Image, rng: Rng) -> Image:
    """Film grain: in brightness only, strongest in the middle tones, of a random size."""
    noise = cv2.GaussianBlur(_normal(rng, image.shape[:2]), (0, 0), rng.uniform(0.3, 1.0))
    noise = np.asarray(noise / max(float(noise.std()), 1e-6))
    light = image.mean(axis=2)
    middle = 0.35 + 0.65 * 4 * np.clip(light, 0, 1) * (1 - np.clip(light, 0, 1))
    return image + (noise * middle * np.float32(rng.uniform(3, 32) / 255))[..., None]


def film_grain(image: Image, rng: Rng) -> Image:
    """Film grain of the library: larger, clumped, and in part coloured."""
    return degradations.film_grain(np.clip(image, 0, 1), rng, severity=rng.uniform(0.2, 1.0))[0]


def gaussian_blur(image: Image, rng: Rng) -> Image:
    """Gaussian blur of a random strength, BLUR_PX."""
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(*BLUR_PX))


def defocus(image: Image, rng: Rng) -> Image:
    """Blur by a disc with a radius of 0.7 to 3.6 px, as of a lens out of focus."""
    radius = rng.uniform(0.7, 3.6)
    reach = int(np.ceil(radius)) + 1
    away = np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])
    return _filtered(image, np.clip(radius + 0.5 - away, 0, 1))


def motion_blur(image: Image, rng: Rng) -> Image:
    """Blur along a path of 1.3 to 11 px, as of a hand: often bent, and not at an even speed."""
    along = np.linspace(-1, 1, PATH_POINTS)
    heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.3) * along
    pace = 1 + rng.uniform(0, 0.6) * np.sin(np.pi * along + rng.uniform(-np.pi, np.pi))
    path = np.cumsum(np.stack([np.sin(heading), np.cos(heading)], axis=1) * pace[:, None], axis=0)
    path -= path.mean(axis=0)  # the blurred image is not displaced
    path *= np.exp(rng.uniform(*np.log(MOTION_PX))) / np.linalg.norm(path[-1] - path[0])
    return _filtered(image, kernel_of(path, np.ones(PATH_POINTS)))


def soft_scan(image: Image, rng: Rng) -> Image:
    """Reduced to 0.35 to 0.85 of the size and enlarged again, as an enlarged scan."""
    height, width = image.shape[:2]
    share = rng.uniform(0.35, 0.85)
    size = max(8, round(width * share)), max(8, round(height * share))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    return cv2.resize(small, (width, height), interpolation=way)


def compressed(image: Image, rng: Rng, low: int, high: int) -> Image:
    """JPEG on a random block grid; in a quarter of the draws twice.

    The quality is at least `low`, and less than `high`.
    """
    return _compressed(image, rng, (low, high), rng.integers(8, size=2))


def compressed_on_grid(image: Image, rng: Rng) -> Image:
    """As `compressed`, with the block grid of the last compression at the start of the patch.

    The patch starts MARGIN_PX inside the crop. `patina.tasks.restoration.capture_gates` aligns the
    input of the network with the grid of a scan in the same way.
    """
    return _compressed(image, rng, (8, 75), np.array((-MARGIN_PX % 8, -MARGIN_PX % 8)))


def _compressed(image: Image, rng: Rng, quality: tuple[int, int], grid: np.ndarray) -> Image:
    if rng.random() < 0.25:
        image = _jpeg(image, int(rng.integers(*quality)), rng, rng.integers(8, size=2))
    return _jpeg(image, int(rng.integers(*quality)), rng, grid)


LIBRARY_NOISES = ("sensor_noise", "film_grain", "correlated_noise", "luminance_grain")
NOISES: tuple[Model, ...] = (
    white_noise,
    white_noise,
    sensor_noise,
    blotchy_noise,
    grain,
    film_grain,
)
BLURS: tuple[Model, ...] = (
    gaussian_blur,
    defocus,
    motion_blur,
    soft_scan,
)


def noisy(image: Image, rng: Rng) -> Image:
    """One of NOISES, drawn at random."""
    return _drawn(NOISES, rng)(image, rng)


def blurred(image: Image, rng: Rng, models: tuple[Model, ...] = BLURS) -> Image:
    """One of `models`, drawn at random; in a sixth of the draws a Gaussian blur is added.

    A lens blurs light, and software often the sRGB values: half of the draws each. Half of the
    results have some noise, up to 2.5 8-bit steps, mostly less than 1.
    """
    exponent = int(rng.integers(1, 3))  # 2: approximately linear light
    soft = _drawn(models, rng)(image**exponent, rng)
    if rng.random() < 1 / 6:
        soft = cv2.GaussianBlur(soft, (0, 0), rng.uniform(0.4, 1.0))
    soft = np.maximum(soft, 0) ** np.float32(1 / exponent)
    if rng.random() < 0.5:
        soft = soft + _normal(rng, soft.shape) * np.float32(2.5 * rng.random() ** 2 / 255)
    return soft


def noisy_compressed(image: Image, rng: Rng, low: int = 80, high: int = 97) -> Image:
    """The output of `noisy`, `compressed`; the default is a high quality, like many scans."""
    return compressed(np.clip(noisy(image, rng), 0, 1), rng, low, high)


noisy_recompressed = partial(noisy_compressed, low=25, high=98)  # like many photographs


def library_noise(image: Image, rng: Rng) -> Image:
    """One of LIBRARY_NOISES, see `library.degraded`."""
    return library.degraded(LIBRARY_NOISES, image, rng)[0]


def undamaged(image: Image, rng: Rng) -> Image:
    """An undamaged crop; a third of the draws are compressed as JPEG of high quality."""
    return compressed(image, rng, 88, 99) if rng.random() < 1 / 3 else image


def _filtered(image: Image, kernel: np.ndarray) -> Image:
    kernel = (kernel / kernel.sum()).astype(np.float32)
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101)


def _noise_strength(rng: Rng) -> float:
    """A standard deviation between the limits NOISE_255, half of the draws below 19 8-bit steps."""
    low, high = NOISE_255
    return float(low + (high - low) * rng.random() ** NOISE_POWER) / 255


def _normal(rng: Rng, shape: tuple[int, ...]) -> Image:
    return rng.standard_normal(shape, dtype=np.float32)


def _drawn(models: tuple[Model, ...], rng: Rng) -> Callable:
    return models[int(rng.integers(len(models)))]


def _jpeg(image: Image, quality: int, rng: Rng, grid: np.ndarray) -> Image:
    """`image` after JPEG coding; grid: rows and columns of its first block before the image."""
    top, left = (int(each) for each in grid)
    padded = cv2.copyMakeBorder(image, top, 8, left, 8, cv2.BORDER_REFLECT_101)
    pixels = np.rint(np.clip(padded, 0, 1) * 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if rng.random() < 0.35:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], options)
    height, width = image.shape[:2]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB))
    return decoded[top : top + height, left : left + width].astype(np.float32) / 255
