"""Oil paint: paints a study stroke by stroke, with bristle marks and the relief of the paint.

A study is float32 (H, W, 3), sRGB in [0, 1]. A flow is float32 (H, W), the angle of the strokes in
radians. Widths are shares of the work's long side.
"""

from typing import NamedTuple

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image
from patina.tasks.evaluation.hard_works.fields import noise, raking

ANGLES = 32  # number of stroke angles in a half turn
VARIANTS = 3
HALVED_PX = 34  # wider strokes are painted at half size, then enlarged


class Brush(NamedTuple):
    """The form of the strokes."""

    widths: tuple[float, ...] = (0.04, 0.02, 0.01)  # from broad to fine, in long sides
    aspect: float = 3.6  # length of a stroke divided by its width
    load: float = 0.7  # amount of paint, 0 (dry) to 1
    jitter: float = 0.025  # variation of the colour
    relief: float = 0.06  # strength of the relief


FINE = Brush((0.03, 0.013, 0.006), 4, 0.85, 0.010, 0.025)
FREE = Brush((0.05, 0.024, 0.012, 0.007), 3.4, 0.7, 0.028, 0.06)
BOLD = Brush((0.06, 0.032, 0.02), 3.2, 0.6, 0.05, 0.15)


class Stamp(NamedTuple):
    """One stroke."""

    cover: Image  # opacity (h, w, 1)
    ridges: Image  # height of the bristle marks (h, w, 1)
    top: int  # row of its corner, relative to the middle of the stroke
    left: int  # column of its corner


def painted(
    rng: np.random.Generator, study: Image, flow: Image, brush: Brush
) -> tuple[Image, Image]:
    """`study` painted in strokes along `flow`, and the light on the relief of the paint (H, W).

    Fine strokes are painted only where the coarser ones differ from the study.
    """
    long, shape = max(study.shape[:2]), study.shape[:2]
    paint = np.dstack([cv2.blur(study, (long // 30 + 1,) * 2), np.zeros(shape, np.float32)])
    for layer, width in enumerate(brush.widths):
        part = 2 if width * long > HALVED_PX else 1
        size = shape[1] // part, shape[0] // part
        paint, view = _sized(paint, size), _sized(study, size)
        ways = cv2.resize(flow, size, interpolation=cv2.INTER_NEAREST)
        paint = _layered(rng, paint, (view, ways), brush, max(width * long / part, 1.5), not layer)
    paint = _sized(paint, shape[::-1])
    relief = cv2.GaussianBlur(paint[..., 3], (0, 0), 0.7)
    light = brush.relief * np.clip(raking(relief) * 2.2, -2, 2)
    return np.ascontiguousarray(paint[..., :3]), light


def _layered(
    rng: np.random.Generator,
    paint: Image,
    study: tuple[Image, Image],
    brush: Brush,
    wide_px: float,
    everywhere: bool,
) -> Image:
    """`paint` (H, W, 4), whose fourth channel is a relief, with strokes of one width over it.

    study: the study and the flow. everywhere: paint everywhere, or only where `paint` differs.
    """
    view, ways = study
    shape = view.shape[:2]
    target = cv2.blur(view, (max(int(wide_px / 2.5), 1),) * 2)
    count = int((2.4 if everywhere else 1.4) * shape[0] * shape[1] / (wide_px**2 * brush.aspect))
    places = rng.random((count, 2)) * shape
    at = tuple(places.astype(np.intp).T)
    if not everywhere:
        miss = np.abs(paint[at][:, :3] - target[at]).max(axis=1)
        chosen = miss > 0.018 + rng.exponential(0.018, count)
        places, at = places[chosen], tuple(part[chosen] for part in at)
    colours = target[at] + brush.jitter * rng.standard_normal((len(places), 1), np.float32)
    colours += 0.4 * brush.jitter * rng.standard_normal((len(places), 3), np.float32)
    turns = ways[at] + rng.normal(0, 0.16, len(places))
    margin = int(wide_px * brush.aspect) + 4
    wide = cv2.copyMakeBorder(paint, *(margin,) * 4, cv2.BORDER_REFLECT)
    _lay(wide, places + margin, turns, colours, _stamps(rng, wide_px, brush), rng)
    return wide[margin:-margin, margin:-margin]


def _sized(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[1::-1] == size:
        return image
    smaller = image.shape[1] > size[0]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=way))


def _stamps(rng: np.random.Generator, wide_px: float, brush: Brush) -> list[list[Stamp]]:
    """VARIANTS strokes for each angle."""
    long_px = wide_px * brush.aspect
    half = int(np.ceil(np.hypot(long_px, wide_px) / 2)) + 2
    ahead = np.arange(-half, half + 1, dtype=np.float32)
    x, y = np.meshgrid(ahead, ahead)
    made: list[list[Stamp]] = [[] for _ in range(ANGLES)]
    for _ in range(VARIANTS):
        hairs = np.cumsum(rng.normal(0, 0.25, 64)) * 0.3 + rng.normal(0, 1, 64)
        bend = rng.normal(0, 0.25) * wide_px / (long_px / 2) ** 2
        for number in range(ANGLES):
            turn = np.pi * number / ANGLES
            along = x * np.cos(turn) + y * np.sin(turn)
            across = y * np.cos(turn) - x * np.sin(turn) - bend * along**2
            along, across = along / (long_px / 2), across / (wide_px / 2)
            hair = np.interp((across + 1) * 31.5, np.arange(64), hairs).astype(np.float32)
            dry = 1 - brush.load
            end = 1 - smooth(along, 0.75 - 0.5 * dry + 0.12 * hair, 0.3 + 0.5 * dry)
            body = 1 - smooth(np.abs(across), 0.8, 0.25)
            cover = body * end * smooth(along, -1.0 + 0.06 * hair, 0.1)
            cover *= np.clip(1 - dry * 0.5 * (hair < -0.6), 0, 1)
            rim = 0.6 * np.exp(-(((np.abs(across) - 0.85) / 0.12) ** 2))
            made[number].append(_trimmed(cover, 0.5 * hair + rim, half))
    return made


def _trimmed(cover: Image, ridges: Image, half: int) -> Stamp:
    """A stroke without empty rows and columns around it."""
    rows = np.flatnonzero(cover.max(axis=1) > 0.002)
    columns = np.flatnonzero(cover.max(axis=0) > 0.002)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cover, ridges = (np.ascontiguousarray(part[box][..., None]) for part in (cover, ridges))
    top, left = int(rows[0]) - half, int(columns[0]) - half
    return Stamp(cover.astype(np.float32), ridges.astype(np.float32), top, left)


def smooth(field: Image, low: Image | float, width: float) -> Image:
    """0 below `low`, 1 above `low` + `width`, a smooth step between."""
    t = np.clip((field - low) / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _lay(
    paint: Image,
    places: Image,
    turns: Image,
    colours: Image,
    stamps: list[list[Stamp]],
    rng: np.random.Generator,
) -> None:
    """Paint strokes on `paint` (H, W, 4) in place; its fourth channel is the height of the
    paint.
    """
    numbers = np.round(turns / np.pi * ANGLES).astype(int) % ANGLES
    variants = rng.integers(0, VARIANTS, len(places))
    for (row, column), number, variant, colour in zip(
        places.astype(int), numbers, variants, colours, strict=True
    ):
        cover, ridges, top, left = stamps[number][variant]
        height, width, _ = cover.shape
        region = paint[row + top : row + top + height, column + left : column + left + width]
        stroke = np.empty_like(region)
        np.multiply(ridges, np.float32(0.022), out=stroke[..., :3])
        stroke[..., :3] += colour
        stroke[..., 3:] = ridges
        stroke -= region
        stroke *= cover
        region += stroke


def along_edges(rng: np.random.Generator, study: Image, way: Image | float = 0.0) -> Image:
    """A flow that follows the edges of `study`; far from edges its angle is about `way`
    (radians).
    """
    shape = study.shape[:2]
    small = cv2.resize(
        study, (max(shape[1] // 4, 8), max(shape[0] // 4, 8)), interpolation=cv2.INTER_AREA
    )
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    wander = 0.35 * noise(rng, small.shape[:2], max(shape) / 30)
    wander = wander + (way if isinstance(way, float) else cv2.resize(way, small.shape[1::-1]))
    along: Image = 40 * (gy**2 - gx**2) + 0.3 * np.cos(2 * wander)
    askew: Image = -80 * gx * gy + 0.3 * np.sin(2 * wander)
    along, askew = (np.asarray(cv2.GaussianBlur(part, (0, 0), 2.5)) for part in (along, askew))
    angle: Image = 0.5 * np.arctan2(askew, along)
    return np.asarray(cv2.resize(angle, shape[::-1], interpolation=cv2.INTER_NEAREST), np.float32)
