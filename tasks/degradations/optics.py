"""Light and lens: what changes the picture of a work before it is recorded.

Light is additive, so lamps and blurs are computed in linear light, approximated by the square of
the sRGB value.
"""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import (
    bands,
    enlarge,
    fit,
    over,
    smooth_noise,
    split,
    white_noise,
)
from patina.tasks.degradations.textures import spread, weave

TUNGSTEN, DAYLIGHT = np.array(((1.0, 0.84, 0.58), (0.84, 0.95, 1.15)), np.float32)
DISC_POINTS, PATH_POINTS = 600, 160
BLOCK_PX = 11  # up to this size cv2 filters directly, which is faster for sparse kernels


@degradation()
def uneven_light(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Light `image` with one lamp from the side, through a lens that darkens the corners.

    The light of the lamp decreases with the square of the distance and with the angle. It is warmer
    than the light of the room, which reaches the other side, too. The exposure suits the brighter
    part; next to the lamp the picture is overexposed.
    Source: ours; radiometry as in Reiss, "The cos^4 Law of Illumination", JOSA 35 (1945).
    """
    rows, columns = _places(image.shape)
    angle = rng.uniform(-0.15, 1.15) * np.pi  # seldom from below
    reach, height = rng.uniform(0.5, 0.75), rng.uniform(0.3, 0.5)
    up, aside = rows + reach * np.sin(angle), columns - reach * np.cos(angle)
    lamp = height * (up * up + aside * aside + height * height) ** -1.5
    focal_length = rng.uniform(0.9, 1.5)
    lamp /= np.quantile(lamp, 0.75)
    lamp *= 1 + 0.03 * smooth_noise(rng, image.shape, waves=3)
    vignette = (1 + (rows * rows + columns * columns) / focal_length**2) ** -2
    balance = rng.uniform(0.4, 1)
    planes = split(image)
    for plane, warm, cool in zip(planes, TUNGSTEN, DAYLIGHT, strict=True):
        light = vignette * (warm * lamp + 0.12 * cool)
        light /= np.quantile(light, 0.75) ** balance
        # The exponent 0.5 would be the physical one; 0.7 makes the lamp harsher
        plane *= enlarge(light ** np.float32(0.7 * severity), image.shape)
    return cv2.merge(planes), None


def _places(shape: tuple[int, ...]) -> tuple[Image, Image]:
    """Row and column relative to the centre, in long sides; 128 pixels on the long side."""
    height, width = fit(shape, 128)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return (rows - (height - 1) / 2) / 128, (columns - (width - 1) / 2) / 128


@degradation(local=True)
def glare(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add the reflection of lamps or a window in the varnish of `image`, broken up by its texture.

    A sloping surface reflects another direction. So the waves of the canvas bend the reflection,
    and around it single threads and brushstrokes glint if they slope towards the lamp. Brushstrokes
    are estimated from the picture, but have little weight, because the paint says little about the
    slope of the varnish. Severity is the brightness of the lamp.
    Source: ours; the lobe of Ward, "Measuring and Modeling Anisotropic Reflection", SIGGRAPH 1992:
    a Gaussian of the slope that would mirror the lamp.
    """
    leaning = _leaning(image, rng)
    lamps = [(strength, _away_from_lamp(rng, image.shape)) for strength in (1, 0.45)]
    veils = [0.3 * strength * np.exp(-0.08 * far * far) for strength, far in lamps]
    cover = enlarge(np.maximum(*veils), image.shape)
    for strength, far in lamps:
        for brightest, away, lean in bands(cover, enlarge(far, image.shape), leaning):
            # Slopes are limited: far from the reflection no facet reflects the lamp
            away = away + lean * np.minimum(0.6 + 0.4 * away, 1.4)
            away *= away
            np.minimum(away, 120, out=away)
            away *= -0.5
            lobe = np.exp(away, out=away)
            lobe *= strength
            np.maximum(brightest, lobe, out=brightest)
    # An invisible rest is set to 0, so that the mask ends
    cover -= 0.03
    np.maximum(cover, 0, out=cover)
    gloss = 1 + 0.12 * smooth_noise(rng, image.shape, waves=5)
    cover *= enlarge(-1.4 * severity**1.3 * gloss, image.shape)
    cover = np.subtract(1, cv2.exp(cover, cover), out=cover)
    planes = split(image)
    over(planes, rng.uniform((0.97, 0.96, 0.9), (1.0, 0.99, 1.0)).tolist(), cover)
    return cv2.merge(planes), cover


def _leaning(image: Image, rng: np.random.Generator) -> Image:
    """Slope of the varnish relative to the lamp at each pixel, in the units of
    `_away_from_lamp`.
    """
    bumps = cv2.GaussianBlur(white_noise(rng, fit(image.shape, 512)), (0, 0), sigmaX=1, sigmaY=0.7)
    leaning: Image = spread(rng.uniform(0.2, 0.55) * bumps, image.shape)
    leaning += weave(rng, image.shape, rng.uniform(0.05, 0.2))
    # Ridges of brushstrokes, estimated from the picture; limited at outlines
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    ridges = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1.2)
    leaning -= 0.2 * ridges / (1 + np.abs(ridges))
    return leaning


def _away_from_lamp(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Distance of each place from the reflection of a lamp or a window; 256 pixels.

    The unit is the width of the lobe into which the varnish scatters the reflection. 0: in the
    reflection.
    """
    height, width = fit(shape, 256)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / 256
    waves = [enlarge(smooth_noise(rng, shape, waves=n), (height, width)) for n in (3, 4, 14)]
    row, column = (rng.uniform(0.1, 0.9, 2) * (height, width) / 256).tolist()
    down, right = rows - row + 0.012 * waves[0], columns - column + 0.012 * waves[1]
    lean, slant = rng.normal(0, 0.3), rng.normal(0, 0.3)
    right, down = right + slant * down, down + lean * right
    half, softness = rng.uniform(0, (0.01, 0.05)), rng.uniform(0.06, 0.12)
    if rng.random() < 0.5:
        # A window with a bar between two panes
        half += np.array((0.05, 0.04))
        softness *= 0.35
        down = np.abs(down) - float(half[1]) / 2 - 0.01
        half = half * (1, 0.5)
    outside = (
        np.maximum(np.abs(side) - reach, 0)
        for side, reach in zip((right, down), half.tolist(), strict=True)
    )
    return np.hypot(*outside) / (softness * (1 + 0.1 * waves[2]))


@degradation()
def defocus(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Put `image` out of focus like a lens: points become discs with a radius of at most 0.5 %.

    The work is not exactly parallel to the sensor, and the focal surface of the lens is curved, so
    that some parts are sharper than others.
    Source: Potmesil & Chakravarty, "A Lens and Aperture Camera Model for Synthetic Image
    Generation", SIGGRAPH 1981: the circle of confusion.
    """
    rows, columns = _places(image.shape)
    angle, curve = rng.uniform(0, 2 * np.pi), rng.uniform(-2, 2)
    tilt = rng.uniform(0, 1.5)
    far = 0.6 + tilt * (rows * np.sin(angle) + columns * np.cos(angle))
    far += curve * (rows * rows + columns * columns)
    radius_px = 0.005 * severity * max(image.shape[:2])
    light = image * image
    near = disc(light, 0.45 * radius_px)
    soft = disc(light, radius_px)
    soft -= near
    soft *= enlarge(np.clip(far, 0, 1), image.shape)[..., None]
    soft += near
    return np.sqrt(np.maximum(soft, 0, out=soft), out=soft), None


def disc(light: Image, radius_px: float) -> Image:
    """`light` convolved with a disc of `radius_px` that is slightly dimmer at its rim.

    light: float32 (H, W, 3), linear. The result has the same shape.
    """
    # The spiral of sunflower seeds covers a disc evenly
    seeds = np.arange(DISC_POINTS) + 0.5
    turn = seeds * np.pi * (3 - 5**0.5)
    shrink = max(1, int(radius_px / 2))
    if shrink > 1:
        # Averaging over a pixel of the small image is itself a blur with the variance 1/12
        radius_px = ((radius_px / shrink) ** 2 - 4 / 12) ** 0.5
    place = radius_px * np.sqrt(seeds / DISC_POINTS)
    weight = 1 - 0.5 * (seeds / DISC_POINTS) ** 4
    kernel = kernel_of(np.stack((np.sin(turn), np.cos(turn)), -1) * place[:, None], weight)
    if shrink == 1:
        return _convolve(light, kernel)
    height, width = light.shape[:2]
    small_px = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(light, small_px, interpolation=cv2.INTER_AREA)
    return enlarge(_convolve(small, kernel), light.shape)


@degradation()
def motion_blur(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Move the camera while `image` is taken: a short path, at most 1 % of the long side.

    The path drifts, changes its speed, and turns a little, like that of a hand.
    Source: Boracchi & Foi, "Modeling the Performance of Image Restoration From Motion Blur", IEEE
    TIP 21 (2012): blur kernels along random trajectories; the path is ours.
    """
    along = np.linspace(-1, 1, PATH_POINTS)
    heading = rng.uniform(0, np.pi) + rng.normal(0, 0.35) * along + rng.normal(0, 0.3) * along**2
    pace = 1 + 0.6 * np.sin(np.pi * (along * rng.uniform(0.3, 1) + rng.uniform(-1, 1)))
    path = np.cumsum(np.stack((np.sin(heading), np.cos(heading)), -1) * pace[:, None], axis=0)
    path -= path.mean(axis=0)
    path /= np.linalg.norm(path[-1] - path[0])
    length = rng.uniform(0.006, 0.01)
    path *= length * severity * max(image.shape[:2])
    shaken = _convolve(image * image, kernel_of(path, np.ones(PATH_POINTS)))
    return np.sqrt(np.maximum(shaken, 0, out=shaken), out=shaken), None


def kernel_of(points_px: Image, weight: Image) -> Image:
    """A kernel of odd size with `weight` (N,) at `points_px` (N, 2): row, column from its centre.

    The weight of a point is distributed to the four nearest pixels. float32 (h, h), its sum is 1.
    """
    radius = int(np.abs(points_px).max()) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    corner = np.floor(points_px).astype(int)
    fraction = points_px - corner
    for row in (0, 1):
        for column in (0, 1):
            part = np.abs(1 - row - fraction[:, 0]) * np.abs(1 - column - fraction[:, 1])
            place = corner[:, 0] + row + radius, corner[:, 1] + column + radius
            np.add.at(kernel, place, weight * part)
    return (kernel / kernel.sum()).astype(np.float32)


def _convolve(light: Image, kernel: Image) -> Image:
    """`light` convolved with `kernel` in blocks; the empty blocks of a path are skipped."""
    height, width = light.shape[:2]
    radius = kernel.shape[0] // 2
    padded = cv2.copyMakeBorder(light, radius, radius, radius, radius, cv2.BORDER_REFLECT_101)
    total = np.zeros_like(light)
    for top in range(0, kernel.shape[0], BLOCK_PX):
        for left in range(0, kernel.shape[1], BLOCK_PX):
            block = kernel[top : top + BLOCK_PX, left : left + BLOCK_PX]
            if block.any():
                rows = slice(top, top + height + block.shape[0] - 1)
                columns = slice(left, left + width + block.shape[1] - 1)
                part = cv2.filter2D(padded[rows, columns], -1, block, anchor=(0, 0))
                total += part[:height, :width]
    return total
