"""What the light and the lens do to the picture of a work, before it is recorded.

Light adds up, so lamps and blurs work in linear light; the square of an sRGB value stands for it.
"""

import cv2
import numpy as np

from tasks.degradations.contract import Damaged, Image, degradation
from tasks.degradations.fields import enlarge, fit, over, smooth_noise, split, white_noise
from tasks.degradations.textures import spread

TUNGSTEN, DAYLIGHT = np.array(((1.0, 0.84, 0.58), (0.84, 0.95, 1.15)), np.float32)
THICKNESS = 0.04  # of paint, in grey levels of the picture that it is read from
DISC_POINTS, PATH_POINTS = 600, 160
BLOCK_PX = 11  # cv2 filters directly, skipping zeros, up to this size; beyond it transforms


@degradation(colour=True)
def uneven_light(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Light `image` with one lamp from the side, through a lens that darkens the corners.

    The lamp fades with the square of its distance and with its slant, and is warmer than the light
    of the room, which fills the far side. The camera is set for the better lit part: next
    to the lamp the picture is overexposed.
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
        # 0.5 would encode the light as it is: at full severity the lamp is harsher
        plane *= enlarge(light ** np.float32(0.7 * severity), image.shape)
    return cv2.merge(planes), None


def _places(shape: tuple[int, ...]) -> tuple[Image, Image]:
    """Row and column of each pixel about the centre in long sides, on 128 px, for `enlarge`."""
    height, width = fit(shape, 128)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return (rows - (height - 1) / 2) / 128, (columns - (width - 1) / 2) / 128


@degradation(local=True)
def glare(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Mirror a lamp or a window in the varnish of `image`, broken up by the brushwork.

    Where the surface leans, it mirrors another place: the patch is bent by the waves of the canvas
    and frayed by the strokes, and ridges of paint glint far around it. Relief is read from the
    picture, whose strokes are its ridges, and drawn where that is smooth.
    Source: ours; the lobe of Ward, "Measuring and Modeling Anisotropic Reflection", SIGGRAPH 1992:
    a Gaussian of the slope that would mirror the lamp.
    """
    height, width = image.shape[:2]
    long_px = max(height, width)
    down, right = _slopes(image, rng)
    down += np.arange(height, dtype=np.float32)[:, None] / long_px - height / long_px / 2
    right += np.arange(width, dtype=np.float32) / long_px - width / long_px / 2
    cover = _mirrored(rng, down, right, image.shape)
    np.maximum(cover, 0.4 * _mirrored(rng, down, right, image.shape), out=cover)
    # What is too faint to be seen is cut off: the rest of the work is untouched
    cover -= 0.03
    np.maximum(cover, 0, out=cover)
    gloss = 1 + 0.12 * smooth_noise(rng, image.shape, waves=5)
    cover *= enlarge(-1.9 * severity**1.3 * gloss, image.shape)
    cover = np.subtract(1, cv2.exp(cover, cover), out=cover)
    planes = split(image)
    over(planes, rng.uniform((0.97, 0.96, 0.9), (1.0, 0.99, 1.0)).tolist(), cover)
    return cv2.merge(planes), cover


def _slopes(image: Image, rng: np.random.Generator) -> tuple[Image, Image]:
    """How far the surface's relief shifts a mirrored point, down and right, in long sides."""
    long_px = max(image.shape[:2])
    grain = white_noise(rng, fit(image.shape, 512))
    strokes = spread(0.03 * cv2.GaussianBlur(grain, (0, 0), sigmaX=3, sigmaY=1), image.shape)
    impasto = rng.uniform(0.3, 1)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    relief: Image = cv2.GaussianBlur(grey, (0, 0), max(0.3, 0.0008 * long_px))
    around = 2 * round(0.006 * long_px) + 1
    relief -= cv2.blur(relief, (around, around))
    # An outline is no cliff: paint is only so thick
    relief *= 1 / THICKNESS
    np.tanh(relief, out=relief)
    relief *= THICKNESS
    relief += strokes
    shifts = []
    for along in ((0, 1), (1, 0)):
        slope: Image = cv2.Sobel(relief, cv2.CV_32F, along[0], along[1], scale=long_px / 8)
        slope *= 0.05 * impasto
        np.tanh(slope, out=slope)
        slope *= 0.12
        wave = smooth_noise(rng, image.shape, waves=4) * 0.02
        slope += enlarge(wave, image.shape)
        shifts.append(slope)
    return shifts[0], shifts[1]


def _mirrored(rng: np.random.Generator, down: Image, right: Image, shape: tuple[int, ...]) -> Image:
    """How brightly each pixel mirrors a lamp drawn from `rng`, 0 to about 1."""
    long_px = max(shape[:2])
    row, column = rng.uniform(-0.4, 0.4, 2) * shape[:2] / long_px
    angle = rng.uniform(0, np.pi)
    half_length, half_width = rng.uniform((0.01, 0.005), (0.08, 0.02))
    softness = rng.uniform(0.03, 0.07)
    cosine, sine = np.cos(angle), np.sin(angle)
    offset = cosine * column + sine * row, cosine * row - sine * column
    along: Image = cv2.addWeighted(right, cosine, down, sine, -offset[0])
    across = cv2.addWeighted(down, cosine, right, -sine, -offset[1])
    for plane, half in ((along, half_length), (across, half_width)):
        np.abs(plane, out=plane)
        plane -= half
        np.maximum(plane, 0, out=plane)
        plane *= plane
    along += across
    along *= -0.5 / softness**2
    # Further down, numbers too small to be normal take long to reckon with
    np.maximum(along, -60, out=along)
    core = cv2.exp(along)
    along /= 9
    return cv2.addWeighted(core, 1, cv2.exp(along, along), 0.12, 0)


@degradation()
def defocus(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Put `image` out of focus as a lens does: points become discs, at most 0.5 % in radius.

    The work is not quite parallel to the sensor and the field of the lens is curved, so that some
    parts are sharper than others.
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
    near = _disc(light, 0.45 * radius_px)
    soft = _disc(light, radius_px)
    soft -= near
    soft *= enlarge(np.clip(far, 0, 1), image.shape)[..., None]
    soft += near
    return np.sqrt(np.maximum(soft, 0, out=soft), out=soft), None


def _disc(light: Image, radius_px: float) -> Image:
    """`light` spread over discs, a little dimmer at their rims."""
    # A sunflower's seeds fill a disc evenly
    seeds = np.arange(DISC_POINTS) + 0.5
    turn = seeds * np.pi * (3 - 5**0.5)
    shrink = max(1, int(radius_px / 2))
    if shrink > 1:
        # A pixel of the smaller picture has a width of its own, a variance of 1/12
        radius_px = ((radius_px / shrink) ** 2 - 4 / 12) ** 0.5
    place = radius_px * np.sqrt(seeds / DISC_POINTS)
    weight = 1 - 0.5 * (seeds / DISC_POINTS) ** 4
    kernel = _kernel(np.stack((np.sin(turn), np.cos(turn)), -1) * place[:, None], weight)
    if shrink == 1:
        return _convolve(light, kernel)
    height, width = light.shape[:2]
    small_px = (max(1, width // shrink), max(1, height // shrink))
    small = cv2.resize(light, small_px, interpolation=cv2.INTER_AREA)
    return enlarge(_convolve(small, kernel), light.shape)


@degradation()
def motion_blur(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Shake the camera while `image` is taken: a short path, at most 1 % of the long side.

    A hand drifts, slows down and turns a little.
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
    shaken = _convolve(image * image, _kernel(path, np.ones(PATH_POINTS)))
    return np.sqrt(np.maximum(shaken, 0, out=shaken), out=shaken), None


def _kernel(points_px: Image, weight: Image) -> Image:
    """A kernel of odd sides with `weight` at `points_px` (N, 2), each between its four pixels."""
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
    """`light` under `kernel`, block by block: most of a path's are empty."""
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
