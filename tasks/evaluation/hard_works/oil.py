"""Makes oil paintings: a study, strokes, sharp details, a support, and light on the relief."""

from collections.abc import Callable

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.brush import Brush, along_edges, painted
from patina.tasks.evaluation.hard_works.contract import Image
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    blended,
    fractal,
    grid_of,
    noise,
    scanned,
    smoothstep,
    tinted,
)
from patina.tasks.evaluation.hard_works.pen import Pen, drawn

THREADS = 330  # number of threads along the long side of a fine canvas


def oil(
    rng: np.random.Generator,
    study: Image,
    way: Image | float,
    brush: Brush,
    draw: Callable[[Pen], None] | None = None,
    support: Image | None = None,
) -> Image:
    """A study, float32 (H, W, 3), as an oil painting: strokes along `way`, and the details of
    `draw`.

    support: brightness that the relief of the support adds to each place, (H, W); the default is a
    priming.
    """
    flow = along_edges(rng, study, way)
    paint, light = painted(rng, study, flow, brush)
    if draw is not None:
        sharp = drawn(paint, draw)
        body = 0.022 * noise(rng, study.shape[:2], max(study.shape) / 500, max(study.shape) / 150)
        body += 0.02 * noise(rng, study.shape[:2], max(study.shape) / 120)
        body *= (sharp != paint).any(axis=2)
        paint, light = sharp * (1 + body)[..., None], light + 0.3 * body
    if support is None:
        support = 0.008 * noise(rng, study.shape[:2], 1.6)
    return lit(paint, light + support)


def lit(paint: Image, light: Image) -> Image:
    """The scan of `paint` in raking light. light: brightness to add."""
    return scanned(paint * (1 + light)[..., None] + 0.02 * light[..., None])


def sky(
    rng: np.random.Generator, shape: Shape, horizon: float, *stops: tuple[float, str], clouds: float
) -> Image:
    """A sky from the zenith (0) to `horizon` (1). clouds: contrast of the clouds."""
    rows, _ = grid_of(shape)
    long = max(shape)
    place = np.broadcast_to(rows / np.float32(horizon), shape)
    drift = noise(rng, shape, long / 12, long / 4) + 0.6 * fractal(rng, shape, long / 12, 3)
    air = tinted(*stops, at=np.clip(place + 0.04 * drift, 0, 1))
    return air * (1 + clouds * np.clip(drift, -2, 2))[..., None]


def ground(
    rng: np.random.Generator, image: Image, skyline: Image, colours: tuple[str, str], rough: float
) -> Image:
    """`image` with land below `skyline` (W,), in units of the long side; it darkens downwards."""
    shape = image.shape[:2]
    rows, _ = grid_of(shape)
    depth = rows - skyline[None].astype(np.float32)
    cover = smoothstep(depth, 0, 2.5 / max(shape))
    shade = np.clip(depth / 0.25 + rough * fractal(rng, shape, max(shape) / 14, 4), 0, 1)
    return blended(image, tinted((0, colours[0]), (1, colours[1]), at=shade), cover)


def ridge(rng: np.random.Generator, width: int, base: float, height: float, peaks: float) -> Image:
    """A skyline (W,) in units of the long side. It rises `height` above the row `base`."""
    line = np.zeros(width)
    place = np.linspace(0, 1, width)
    for octave in range(5):
        count = max(int(peaks * 2**octave), 1)
        knots = rng.uniform(-1, 1, count + 3)
        line += np.interp(place * count, np.arange(count + 3), knots) * 0.5**octave
    if peaks < 6:  # rolling, not jagged
        line = cv2.GaussianBlur(line[None], (0, 0), width / (14 * peaks))[0]
    return np.asarray(base - height * (0.5 + 0.5 * line), np.float32)


def glow(shape: Shape, x: float, y: float, radius: float) -> Image:
    """A field that is 1 at a point and decreases around it over `radius`, in units of the long
    side.
    """
    rows, columns = grid_of(shape)
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / np.float32(radius**2))


def ball(shape: Shape, x: float, y: float, wide: float, tall: float) -> tuple[Image, Image]:
    """Opacity (H, W) of an ellipsoid, and its brightness in light from the upper left, 0 to 1."""
    rows, columns = grid_of(shape)
    across, down = (columns - np.float32(x)) / wide, (rows - np.float32(y)) / tall
    square = across**2 + down**2
    front = np.sqrt(np.maximum(1 - square, 0))
    light = np.clip(0.25 - 0.5 * across - 0.45 * down + 0.55 * front, 0, 1)
    edge = 1.5 / (max(shape) * min(wide, tall))
    return 1 - smoothstep(square, 1 - edge, 1 + edge), light
