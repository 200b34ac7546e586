"""Random accidental damage: any colour, opacity, edge and size, on a part of a work.

A network that is trained only on the degradations of the library learns their formulas, but real
damage follows no formula. So half of the training samples of `segmentation` have damage from this
file. Source of the idea: Tobin et al., "Domain Randomization for Transferring Deep Neural Networks"
(2017), https://arxiv.org/abs/1703.06907.

Images are float32 (h, w, 3), sRGB in [0, 1]. `line`, `spots`, `area` and `cracks` return a cover,
float32 (h, w) in [0, 1]: how much of each pixel is damaged. Their arguments are shape: (h, w);
unit_px: about a thousandth of the long side of the work, in pixels.
"""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np

Image = np.ndarray
Rng = np.random.Generator


def line(shape: tuple[int, int], rng: Rng, unit_px: float) -> Image:
    """A scratch, hair, crease or tear: from straight to curled, even or with gaps."""
    height, width = shape
    length = unit_px * 10 ** rng.uniform(1.4, 2.7)
    points = 48
    curl = rng.choice([0.0, 0.05, 0.35]) * rng.uniform(0, 1)
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, curl, points))
    path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), axis=0) * length / points
    path += rng.normal(0, rng.choice([0, 0.4, 1.5]) * unit_px, path.shape)
    path += rng.uniform(0, 1, 2) * (width, height) - path.mean(axis=0)
    thick = max(1, round(unit_px * 10 ** rng.uniform(-0.3, 0.65)))
    cover = np.zeros(shape, np.uint8)
    kept = np.ones(points, bool)
    if rng.random() < 0.4:
        kept = cv2.blur(rng.random((points, 1)).astype(np.float32), (1, 5)).ravel() > 0.45
    for first, second, drawn in zip(path[:-1], path[1:], kept, strict=False):
        if drawn:
            begin, end = np.int32(first * 8), np.int32(second * 8)
            cv2.polylines(cover, [np.stack([begin, end])], False, 255, thick, cv2.LINE_AA, 3)
    return _softened(cover.astype(np.float32) / 255, rng, unit_px * 0.6)


def spots(shape: tuple[int, int], rng: Rng, unit_px: float) -> Image:
    """Dust, specks, fly spots or foxing: few or many, of similar size."""
    height, width = shape
    cover = np.zeros(shape, np.uint8)
    radius = unit_px * 10 ** rng.uniform(-0.1, 0.95)
    for _ in range(int(3 + 60 * rng.random() ** 2 / max(1, radius / unit_px / 2))):
        centre = int(rng.uniform(0, width) * 8), int(rng.uniform(0, height) * 8)
        sides = np.maximum(radius * rng.uniform(0.4, 1.5, 2), 0.6) * 8
        axes = int(sides[0]), int(sides[1])
        cv2.ellipse(cover, centre, axes, rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA, 3)
    return _softened(cover.astype(np.float32) / 255, rng, radius * 0.5)


def area(shape: tuple[int, int], rng: Rng, unit_px: float) -> Image:
    """A loss, blot, hole or stain with a ragged edge, or a straight-edged piece of tape."""
    height, width = shape
    centre = rng.uniform(0, 1, 2) * (width, height)
    size = unit_px * 10 ** rng.uniform(0.9, 1.9)
    if rng.random() < 0.3:
        turn = rng.uniform(0, 180)
        box = (tuple(centre), tuple(size * rng.uniform(0.5, 3, 2)), turn)
        cover = np.zeros(shape, np.uint8)
        cv2.fillPoly(cover, [(cv2.boxPoints(box) * 8).astype(np.int32)], 255, cv2.LINE_AA, 3)
        return _softened(cover.astype(np.float32) / 255, rng, unit_px)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    across = (columns - centre[0]) * np.cos(angle) + (rows - centre[1]) * np.sin(angle)
    along = (rows - centre[1]) * np.cos(angle) - (columns - centre[0]) * np.sin(angle)
    away = np.hypot(across / size, along / (size * rng.uniform(0.4, 1.6)))
    noise = smooth(shape, rng, size * rng.uniform(0.1, 0.6))
    noise += 0.4 * smooth(shape, rng, max(1.0, size * 0.06))
    edge = 10 ** rng.uniform(0.3, 1.6)
    return np.clip((1 - away + rng.uniform(0.05, 0.5) * noise) * edge, 0, 1).astype(np.float32)


def cracks(shape: tuple[int, int], rng: Rng, unit_px: float) -> Image:
    """A pattern of age cracks: the edges of random cells, with varying width and depth."""
    height, width = shape
    cell = unit_px * 10 ** rng.uniform(0.9, 1.6)
    count = int(np.clip(height * width / cell**2, 6, 900))
    seeds = rng.uniform(0, 1, (count, 2)) * (width * rng.uniform(0.6, 1.6), height)
    plane = cv2.Subdiv2D((0, 0, int(width * 1.6) + 2, height + 1))
    plane.insert([tuple(map(float, seed)) for seed in seeds if 0 < seed[1] < height])
    facets, _ = plane.getVoronoiFacetList([])
    cover = np.zeros(shape, np.uint8)
    shift = np.dstack([smooth(shape, rng, cell * 0.4) for _ in range(2)]) * cell * 0.18
    for facet in facets:
        path = _bent(np.asarray(facet), shift)
        thick = 1 if unit_px < 1.6 or rng.random() < 0.6 else 2
        cv2.polylines(cover, [path], True, int(rng.integers(90, 256)), thick, cv2.LINE_AA, 3)
    fade = np.clip(0.6 + 0.6 * smooth(shape, rng, cell * 3), 0, 1)
    return _softened(cover.astype(np.float32) / 255 * fade, rng, unit_px * 0.4)


def _bent(facet: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The outline of a cell, in eighths of a pixel, displaced by `shift` (h, w, 2)."""
    ends = np.concatenate([facet, facet[:1]])
    share = np.linspace(0, 1, 6)[:-1, None]
    path = np.concatenate([first + share * (second - first) for first, second in pairwise(ends)])
    places = np.clip(path.astype(int), 0, np.array(shift.shape[1::-1]) - 1)
    return ((path + shift[places[:, 1], places[:, 0]]) * 8).astype(np.int32)


SHAPES: dict[str, Callable[[tuple[int, int], Rng, float], Image]] = {
    "line": line,
    "spot": spots,
    "area": area,
    "stain": area,
    "crack": cracks,
}


def damaged(image: Image, rng: Rng, unit_px: float, kind: str) -> tuple[Image, Image]:
    """`image` with random damage, and the mask of the damage, float32 (h, w) in [0, 1].

    kind: the class of the damage, one of `patina.models.CLASSES`.
    """
    count = int(rng.integers(1, 9)) if kind == "line" else int(rng.integers(1, 3))
    mask = np.zeros(image.shape[:2], np.float32)
    for _ in range(count):
        cover = SHAPES[kind](image.shape[:2], rng, unit_px)
        image, visible_part = (stained if kind == "stain" else painted)(image, cover, rng, unit_px)
        np.maximum(mask, visible_part, out=mask)
    return image, mask


def painted(image: Image, cover: Image, rng: Rng, unit_px: float) -> tuple[Image, Image]:
    """`image` with a cover of any colour, or abraded where the cover is; and the mask of it.

    cover: float32 (h, w) in [0, 1]. The mask is 0 where the change is not visible.
    """
    opacity = np.float32(rng.uniform(0.6, 1.0) if rng.random() < 0.7 else rng.uniform(0.25, 1))
    colour, texture = _colour(rng), smooth(cover.shape, rng, rng.uniform(0.7, 6))[..., None]
    if rng.random() < 0.88:
        texture = colour + texture * np.float32(rng.uniform(0, 0.06))
        layer = image + (texture - image) * (cover * opacity)[..., None]
    else:  # abraded: lighter or darker than the surroundings
        layer = (
            image + (cover * np.float32(rng.choice([-1, 1]) * rng.uniform(0.06, 0.3)))[..., None]
        )
    if rng.random() < 0.25:  # a rim in relief, lit from one side
        moved = np.roll(cover, int(max(1, unit_px)), axis=int(rng.integers(2)))
        layer = layer + ((cover - moved) * np.float32(rng.uniform(-0.35, 0.35)))[..., None]
    return _with_mask(image, layer, cover)


def stained(image: Image, cover: Image, rng: Rng, unit_px: float) -> tuple[Image, Image]:
    """`image` with a translucent stain where `cover` is, and the mask of it, as `painted`."""
    if rng.random() < 0.7:  # a stain that absorbs light
        passed = np.clip(_colour(rng) * 0.6 + 0.35, 0, 1)
        layer = image * (1 + (passed - 1) * cover[..., None])
    else:  # a pale or dark haze
        layer = (
            image + (_colour(rng) - image) * (cover * np.float32(rng.uniform(0.1, 0.5)))[..., None]
        )
    if rng.random() < 0.6:  # a tideline
        wide = cv2.GaussianBlur(cover, (0, 0), max(0.7, unit_px * rng.uniform(0.5, 2.5)))
        rim = np.clip(4 * cover * (1 - wide), 0, 1) * np.float32(rng.uniform(0.1, 0.6))
        layer = layer * (1 - rim[..., None] * (1 - np.array([0.6, 0.45, 0.3], np.float32)))
    return _with_mask(image, layer, cover)


def _with_mask(image: Image, layer: Image, cover: Image) -> tuple[Image, Image]:
    layer = np.clip(layer, 0, 1).astype(np.float32)
    return layer, visible(image, layer) * np.clip(cover * 1.6, 0, 1) * (cover > 0.2)


def visible(clean: Image, damaged: Image) -> Image:
    """How visible the difference of two images is, float32 (h, w) in [0, 1].

    It is 0 below a difference of 0.01, and 1 from 0.06 on.
    """
    change = cv2.blur(np.abs(damaged - clean).max(axis=2), (3, 3))
    return np.clip(change / 0.05 - 0.2, 0, 1)


def smooth(shape: tuple[int, int], rng: Rng, scale_px: float) -> Image:
    """Smooth noise, float32 (h, w), with a mean of about 0 and variations of about `scale_px`."""
    height, width = (max(2, int(np.ceil(side / max(scale_px, 1.0))) + 2) for side in shape)
    small = rng.standard_normal((height, width), dtype=np.float32)
    return cv2.resize(small, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _colour(rng: Rng) -> Image:
    """Mostly the colour of pale or dark grounds and dirt, otherwise any colour; float32 (3,)."""
    way = rng.random()
    if way < 0.35:
        tone = np.array([0.93, 0.9, 0.83], np.float32) * rng.uniform(0.75, 1.07)
    elif way < 0.7:
        tone = np.array([0.14, 0.1, 0.07], np.float32) * rng.uniform(0.2, 2.4)
    elif way < 0.85:
        tone = np.array([0.62, 0.44, 0.24], np.float32) * rng.uniform(0.6, 1.4)
    else:
        return rng.uniform(0, 1, 3).astype(np.float32)
    return np.clip(tone + rng.normal(0, 0.04, 3), 0, 1).astype(np.float32)


def _softened(cover: Image, rng: Rng, most_px: float) -> Image:
    if rng.random() < 0.5:
        return cover
    return cv2.GaussianBlur(cover, (0, 0), max(0.3, rng.uniform(0.2, 1) * most_px))
