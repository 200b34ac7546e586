"""Random fields, light on a relief, and the last step of every work: the scan.

Fields and reliefs are float32 (H, W); images float32 (H, W, 3), sRGB in [0, 1].
"""

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image

Shape = tuple[int, int]


def shape_of(size_px: int, aspect: float) -> Shape:
    """(height, width) with the long side `size_px`; aspect: width divided by height."""
    if aspect >= 1:
        return max(1, round(size_px / aspect)), size_px
    return size_px, max(1, round(size_px * aspect))


def noise(rng: np.random.Generator, shape: Shape, down_px: float, across_px: float = 0) -> Image:
    """Noise with the standard deviation 1 and features of this size.

    across_px: down_px if it is 0.
    """
    steps = max(down_px, 1), max(across_px or down_px, 1)
    grid = tuple(int(np.ceil(length / step)) + 3 for length, step in zip(shape, steps, strict=True))
    field: Image = rng.standard_normal(grid, np.float32)
    tall, wide = (
        max(round(n * step), length) for n, step, length in zip(grid, steps, shape, strict=True)
    )
    field = cv2.resize(field, (wide, tall), interpolation=cv2.INTER_CUBIC)
    top, left = (tall - shape[0]) // 2, (wide - shape[1]) // 2
    field = field[top : top + shape[0], left : left + shape[1]]
    return np.asarray(field / max(float(field[::3, ::3].std()), 1e-6), np.float32)


def fractal(rng: np.random.Generator, shape: Shape, coarse_px: float, octaves: int = 4) -> Image:
    """Noise of several scales, `coarse_px` and its halves, with a standard deviation of about 1."""
    weights = 0.6 ** np.arange(octaves)
    field = np.zeros(shape, np.float32)
    for octave, weight in enumerate(weights / np.linalg.norm(weights)):
        field += np.float32(weight) * noise(rng, shape, coarse_px / 2**octave)
    return field


def grid_of(shape: Shape) -> tuple[Image, Image]:
    """Rows and columns, float32, (H, 1) and (1, W), in units of the long side."""
    long = np.float32(max(shape))
    rows, columns = (np.arange(length, dtype=np.float32) / long for length in shape)
    return rows[:, None], columns[None]


def raking(relief: Image, azimuth: float = 2.4) -> Image:
    """Brightness of the slopes of `relief` (pixels) in light from `azimuth` (radians)."""
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    down = cv2.filter2D(relief, -1, kernel.T, borderType=cv2.BORDER_REFLECT)
    across = cv2.filter2D(relief, -1, kernel, borderType=cv2.BORDER_REFLECT)
    light = np.float32(np.sin(azimuth)) * down + np.float32(np.cos(azimuth)) * across
    return np.asarray(light, np.float32)


def smoothstep(field: Image, low: float, high: float) -> Image:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def tinted(*stops: tuple[float, str], at: Image) -> Image:
    """Colours (H, W, 3) of the values `at` in a colour ramp of (place, "rrggbb") stops."""
    places = [place for place, _ in stops]
    channels = np.array([rgb(colour) for _, colour in stops], np.float32)
    table = np.linspace(places[0], places[-1], 1024)
    ramp = np.stack([np.interp(table, places, channel) for channel in channels.T], axis=-1)
    index = (at - places[0]) * (1023 / (places[-1] - places[0]))
    return ramp.astype(np.float32)[np.clip(index, 0, 1023).astype(np.int32)]


def paint_of(colour: str) -> Image:
    """The colour "rrggbb" as float32 (3,), for calculations with images."""
    return np.array(rgb(colour), np.float32)


def rgb(colour: str) -> tuple[float, float, float]:
    """The colour "rrggbb" as three numbers in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red, green, blue


def blended(below: Image, above: Image | str, cover: Image) -> Image:
    """`above`, an image or a colour, over `below` with the opacity `cover` (H, W)."""
    top = paint_of(above) if isinstance(above, str) else above
    return np.asarray(below + cover[..., None] * (top - below), np.float32)


def scanned(image: Image) -> Image:
    """The work as a good scanner records it: uint8, slightly softened."""
    soft = cv2.GaussianBlur(image, (0, 0), 0.45)
    np.clip(soft, 0, 1, out=soft)
    return np.asarray((soft * 255 + 0.5).astype(np.uint8))
