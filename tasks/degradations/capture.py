"""Faults of the capture: sensor, film, printing press and file format."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import enlarge, fit, over, soften, split
from patina.tasks.degradations.textures import spread

SHOT_NOISE, READ_NOISE = (
    0.02,
    0.0001,
)  # a and b of the variance a y + b at severity 1, for light y in [0, 1]
GRAINS = 1024  # number of points along the long side on which film grain is drawn
SCREEN_ANGLES = np.array((15, 75, 0, 45))  # of cyan, magenta, yellow and black, in degrees
PAPER, INK = (0.97, 0.95, 0.90), 0.07
BLACK_SHARE = 0.6


@degradation()
def blur(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Blur `image` with an isotropic Gaussian, sigma at most 0.45 % of the long side.

    Source: Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image
    Super-Resolution" (BSRGAN), ICCV 2021: its isotropic blur kernels.
    """
    return soften(image, 0.0045 * severity * max(image.shape[:2])), None


@degradation()
def sensor_noise(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add the noise of a sensor at high gain to `image`: shot noise and read noise.

    Shot noise grows with the light. The noise is added in linear light, approximated by the square
    of the sRGB value, so that shadows have most of it. Colour noise is coarse, because a sensor
    measures red and blue at every other pixel and interpolates. With a higher gain the camera
    smooths more, which leaves coloured blotches. The noise has the size of photosites, so its scale
    is in pixels and not relative to the work.
    Source: Foi et al., "Practical Poissonian-Gaussian Noise Modeling and Fitting for Single-Image
    Raw-Data", IEEE TIP 17 (2008): variance a y + b; the smoothing is ours.
    """
    height, width = image.shape[:2]
    coarse = (height + 1) // 2, (width + 1) // 2
    bright = rng.standard_normal((height, width), dtype=np.float32)
    tints = [rng.standard_normal(coarse, dtype=np.float32) for _ in range(2)]
    coarser = fit(image.shape, max(coarse) // 3 + 1)
    blotches = [rng.standard_normal(coarser, dtype=np.float32) for _ in range(2)]
    bright = _smoothed(bright, 0.25 + 0.3 * severity)
    planes = split(image)
    for plane, tint, blotch in zip(planes[::2], tints, blotches, strict=True):
        tint += 0.7 * severity * enlarge(_smoothed(blotch, 0.8), coarse)
        tint /= 1 + 0.3 * severity
        _expose(plane, 0.8 * bright + 0.6 * enlarge(tint, image.shape), severity)
    _expose(planes[1], bright, severity)
    return cv2.merge(planes), None


def _smoothed(noise: Image, sigma_px: float) -> Image:
    """`noise` (white, standard deviation 1) after a Gaussian blur, scaled back to it."""
    taps = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma_px)) + 1, sigma_px, cv2.CV_32F)
    return cv2.sepFilter2D(noise, -1, taps, taps) / np.float32(np.sum(taps * taps))


def _expose(plane: Image, noise: Image, severity: float) -> None:
    """Add Poissonian-Gaussian noise to `plane`, in place; `noise` has the standard deviation 1."""
    plane *= plane
    deviation = SHOT_NOISE * plane
    deviation += READ_NOISE
    np.sqrt(deviation, out=deviation)
    deviation *= noise
    deviation *= severity
    plane += deviation
    np.maximum(plane, 0, out=plane)
    np.sqrt(plane, out=plane)


@degradation()
def gaussian_noise(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add white Gaussian noise to `image`, independent in each channel, sigma at most 50/255.

    Source: Zhang et al., "Beyond a Gaussian Denoiser" (DnCNN), IEEE TIP 26 (2017): y = x + v.
    """
    sigma_255 = 50 * severity
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.float32(sigma_255 / 255)
    noise += image
    return noise, None


@degradation()
def film_grain(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add film grain to `image`, strongest in the mid-tones.

    If grains cover a share u of the film, the variance seen through a small aperture is
    proportional to u (1 - u): there is no grain in black and white. Colour film has one layer of
    grains for each dye, black-and-white film has one for all; old slides are between these. Grain
    is larger on small film formats.
    Source: Newson et al., "A Stochastic Film Grain Model for Resolution-Independent Rendering",
    Computer Graphics Forum 36 (2017); clumps and colours are ours.
    """
    grain: Image = rng.standard_normal(fit(image.shape, GRAINS), dtype=np.float32)
    size = rng.uniform(0.8, 1.3)
    colour = rng.uniform(0.1, 0.65)
    clumped = cv2.addWeighted(_smoothed(grain, size), 1, _smoothed(grain, 3 * size), 0.3, 0)
    grain = spread(clumped, image.shape)
    grain *= 0.13 * severity
    planes = split(image)
    for number, plane in enumerate(planes, start=1):
        # A shifted copy is as good as an independent field, and faster than drawing one
        away = number * grain.shape[0] // 4, number * grain.shape[1] // 4
        layer = np.roll(grain, away, axis=(0, 1))
        layer = cv2.addWeighted(grain, 1 - colour, layer, colour, 0, dst=layer)
        layer *= np.sqrt(plane * (1 - plane))
        plane += layer
    return cv2.merge(planes), None


@degradation()
def halftone(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Print `image` with dots of cyan, magenta, yellow and black on four rotated screens.

    The screens together form rosettes. Severity blends from an almost invisible screen to distinct
    dots. The period is 0.3 to 0.6 % of the long side, at least 3 pixels.
    Source: Yule, "Principles of Color Reproduction", Wiley 1967: angles, and black for the grey
    that three inks share; inks multiply as Demichel's equations have it.
    """
    period_px = max(3, rng.uniform(0.003, 0.006) * max(image.shape[:2]))
    turns = np.radians(rng.uniform(-4, 4) + SCREEN_ANGLES)
    phases = rng.uniform(0, 2 * np.pi, (4, 2))
    sharpness = period_px / 3.5  # the edge of a dot is about a pixel wide
    levels = _levels(sharpness)

    def paper_between(share: Image, ink: int) -> Image:
        spots = _spots(image.shape, period_px, turns[ink], phases[ink])
        level = cv2.LUT(cv2.convertScaleAbs(share, alpha=255), levels)
        cv2.addWeighted(level, sharpness, spots, -sharpness, 0.5, dst=spots)
        return np.clip(spots, 0, 1, out=spots)

    planes = split(image)
    brightest = cv2.max(cv2.max(planes[0], planes[1]), planes[2])
    grey = 1 - BLACK_SHARE * (1 - brightest)
    black = paper_between(grey, 3)
    for ink, (plane, tone) in enumerate(zip(planes, PAPER, strict=True)):
        paper = paper_between(cv2.divide(plane, grey), ink)
        paper *= black
        paper *= tone - INK
        paper += INK
        over([plane], [paper], severity)
    return cv2.merge(planes), None


def _spots(shape: tuple[int, ...], period_px: float, turn: float, phase: Image) -> Image:
    """A screen rotated by `turn` radians: waves in [-1, 1], with one ink dot at each crest."""
    height, width = shape[:2]
    wave = 2 * np.pi / period_px
    rows, columns = wave * np.arange(height)[:, None], wave * np.arange(width)
    down = rows * np.sin(turn) + phase[0], rows * np.cos(turn) + phase[1]
    right = columns * np.cos(turn), -columns * np.sin(turn)
    # cos(a + b) = cos a cos b - sin a sin b: outer products instead of two cosines a pixel
    left = np.hstack([part for angle in down for part in (np.cos(angle), np.sin(angle))]) / 2
    across = np.stack([part for angle in right for part in (np.cos(angle), -np.sin(angle))])
    # Not `@`: its threads cost more than the product
    return np.einsum("rk,kc->rc", left.astype(np.float32), across.astype(np.float32))


def _levels(sharpness: float) -> Image:
    """For each 8-bit tone, the height of the wave at which the paper shows that mean tone."""
    wave = np.cos(np.linspace(0, 2 * np.pi, 64, endpoint=False))
    spots = (wave[:, None] + wave).ravel() / 2
    level = np.linspace(-1, 1, 129) * (1 + 0.5 / sharpness)
    shown = np.clip(0.5 + sharpness * (level[:, None] - spots), 0, 1).mean(axis=1)
    return np.interp(np.linspace(0, 1, 256), shown, level).astype(np.float32)


@degradation()
def jpeg(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Compress `image` as JPEG and decode it.

    The quality is 95 just above severity 0, and 20 at severity 1.

    Source: ITU-T T.81 as libjpeg does it (quality 1-100, chroma at half resolution).
    """
    quality = round(95 - 75 * severity)
    pixels = cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"jpeg: no JPEG has the shape {image.shape}; at most 65500 px a side")
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.float32) / 255, None


@degradation()
def double_jpeg(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Save `image` as a JPEG, crop it and save it again at another quality, down to 14.

    The crop shifts the grid of 8 x 8 blocks, so that the first one's edges lie within the second's.
    Source: Bianchi & Piva, "Detection of Nonaligned Double JPEG Compression Based on Integer
    Periodicity Maps", IEEE TIFS 7 (2012).
    """
    down, right = rng.integers(1, 8, 2).tolist()
    qualities = [round(92 - 78 * severity**0.8), round(96 - 40 * severity)]
    if rng.random() < 0.5:
        qualities.reverse()
    pixels = cv2.cvtColor(np.rint(image * 255).astype(np.uint8), cv2.COLOR_RGB2BGR)
    framed = cv2.copyMakeBorder(pixels, down, 0, right, 0, cv2.BORDER_REPLICATE)
    cropped = np.ascontiguousarray(jpeg_of(framed, qualities[0])[down:, right:])
    saved = cv2.cvtColor(jpeg_of(cropped, qualities[1]), cv2.COLOR_BGR2RGB)
    return saved.astype(np.float32) / 255, None


def jpeg_of(
    pixels: Image, quality: int, *, sampling: int = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
) -> Image:
    """`pixels`, uint8 BGR, as a JPEG file gives them back.

    Raises ValueError for a shape that no JPEG has.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, encoded = cv2.imencode(".jpg", pixels, options)
    if not done:
        raise ValueError(f"no JPEG has the shape {pixels.shape}; at most 65500 px a side")
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_BGR))
