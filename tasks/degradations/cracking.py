"""Networks of cracks in a brittle layer, as points along the cracks."""

from typing import NamedTuple

import cv2
import numpy as np

from patina.tasks.degradations.contract import Image
from patina.tasks.degradations.fields import enlarge, fit, smooth_noise

MARGIN = 0.05
FIELD_PX = 384  # long side of the displacement fields


class Cracks(NamedTuple):
    """Points along the cracks of one layer, at a constant step; lengths in long sides."""

    points: Image  # (2, count): distance from the left edge and from the top
    age: Image  # (count,): 0 for the first cracks, 1 for the last
    gape: Image  # (count,): width of the crack relative to the others, about 1


def crack_network(
    rng: np.random.Generator, shape: tuple[int, ...], *, island: float, grain: float, step: float
) -> Cracks:
    """Cracks that divide a layer of size `shape` into islands; each crack ends at older cracks.

    island: side of the islands. step: distance of the points. Both are in long sides.
    grain: height of the islands divided by their width.
    Source: ours; the order of division after Bohn, Pauchard & Couder, "Hierarchical crack pattern
    as formed by successive domain divisions", Physical Review E 71 (2005).
    """
    height, width = (side / max(shape[:2]) for side in shape[:2])
    # The margin keeps the image covered after the points have been moved
    size = ((width + 2 * MARGIN) * grain, height + 2 * MARGIN)
    start, end, age = _divide(rng, size, island * np.sqrt(grain))
    for ends in (start, end):
        ends /= np.array(((grain,), (1,)))
        ends -= MARGIN
    gape = np.exp(rng.normal(0, 0.4, len(age)))
    # Some cracks of the last generation are left out
    gape[(age > 0.85) & (rng.random(len(age)) < 0.3)] = 0
    counts = np.ceil(np.hypot(*(end - start)) / step + 1e-9).astype(int)
    stride = (end - start) / counts
    first = start + stride * (0.5 - (np.cumsum(counts) - counts))
    points, strides = (
        np.repeat(values.astype(np.float32), counts, axis=1) for values in (first, stride)
    )
    points += strides * np.arange(points.shape[1], dtype=np.float32)
    age, gape = (np.repeat(values.astype(np.float32), counts) for values in (age, gape))
    return Cracks(_bend(rng, shape, points, island), age, gape)


def _divide(
    rng: np.random.Generator, size: tuple[float, float], island: float
) -> tuple[Image, Image, Image]:
    """Cut a rectangle across its shortest chord, then each part, until parts are `island` wide.

    Returns the start and end points of the cuts, each (2, cuts), and their ages in [0, 1]. All
    parts of one generation are cut at once. A part has a `centre`, which is a point inside it, and
    is the intersection of half-planes a x + b y + c >= 0; `planes` is (3, planes, parts).
    """
    width, height = size
    edges = ((1, -1, 0, 0), (0, 0, 1, -1), (0, width, 0, height))
    planes = np.array(edges, np.float32)[..., None]
    centre = np.array(((width / 2,), (height / 2,)), np.float32)
    generations = max(1, round(np.log2(max(width * height, 1e-9) / island**2))) + 1
    made = []
    for generation in range(generations):
        angle, longest, centre = _shortest_chord(rng, planes, centre)
        # The final size of the islands varies
        large = longest > island * rng.uniform(1.1, 1.9, len(longest))
        # Indexing with `large` would give a memory layout that is slow to read
        planes = np.compress(large, planes, axis=-1)
        centre, angle = centre[:, large], angle[large]
        before, after = _chords(planes, centre, np.stack((angle, angle + np.pi / 2)))
        along, across = _heading(angle), _heading(angle + np.pi / 2)
        age = np.full(len(angle), generation / generations)
        made.append((centre + before[0] * along, centre + after[0] * along, age))
        cut = np.stack((*across, -(across * centre).sum(axis=0)))[:, None]
        planes = np.concatenate(
            [np.concatenate((planes, side), axis=1) for side in (cut, -cut)], axis=-1
        )
        centre = np.concatenate([centre + ends[1] / 2 * across for ends in (after, before)], axis=1)
    start, end, age = (np.concatenate(parts, axis=-1) for parts in zip(*made, strict=True))
    return start, end, age


def _shortest_chord(
    rng: np.random.Generator, planes: Image, centre: Image
) -> tuple[Image, Image, Image]:
    """Where to cut each part: the angle, the longest chord of the part, and its middle."""
    count = centre.shape[1]
    angles = rng.uniform(0, np.pi, count) + np.linspace(0, np.pi, 5)[:-1, None]
    angles = angles.astype(np.float32)
    before, after = _chords(planes, centre, angles)
    chords = after - before
    angle = np.take_along_axis(angles, np.argmin(chords, axis=0)[None], axis=0)[0]
    angle += np.clip(rng.normal(0, 0.15, count), -0.4, 0.4)
    # The mean of the chords' middles lies inside, because a part is convex
    middle = ((before + after) / 2 * _heading(angles)).mean(axis=1)
    return angle, chords.max(axis=0), centre + middle


def _chords(planes: Image, centre: Image, angles: Image) -> tuple[Image, Image]:
    """Distances from `centre` to the border, backwards and forwards, at `angles` (angles,
    parts).
    """
    x, y, offset = planes
    inside = np.maximum(x * centre[0] + y * centre[1] + offset, 1e-7)
    cosine, sine = _heading(angles)
    nearness = (x / inside)[:, None] * cosine + (y / inside)[:, None] * sine
    return -1 / nearness.max(axis=0), -1 / nearness.min(axis=0)


def _heading(angles: Image) -> Image:
    return np.stack((np.cos(angles), np.sin(angles))).astype(np.float32)


def _bend(rng: np.random.Generator, shape: tuple[int, ...], points: Image, island: float) -> Image:
    """Move `points` (2, count) as uneven stress does: far along long waves, little along ripples.

    Neighbouring points move almost equally, so that the cracks stay connected.
    """
    scales = (2, 0.02), (5, 0.008), (1 / (3 * island), 0.15 * island)
    shifts = []
    for _ in points:
        swells = [reach * smooth_noise(rng, shape, waves=waves) for waves, reach in scales]
        ripples = rng.random(fit(shape, FIELD_PX), dtype=np.float32) - 0.5
        shift = 0.0028 * cv2.GaussianBlur(ripples, (0, 0), 0.8)
        shift = shift + enlarge(np.sum(swells, axis=0), ripples.shape)
        shifts.append(sample(shift, points))
    return points + shifts


def sample(field: Image, points: Image) -> Image:
    """Values of `field`, which covers the whole layer, at `points` (2, count); interpolated."""
    # cv2 reads rows of at most 32767 points
    count = points.shape[1]
    padded = np.zeros((2, -(-count // 16384), 16384), np.float32)
    places = padded.reshape(2, -1)[:, :count]
    np.multiply(points, max(field.shape), out=places)
    places -= 0.5
    x, y = padded
    read = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return read.ravel()[:count]


def trace(cracks: Cracks, weight: Image, size: tuple[int, int]) -> Image:
    """Sum of `weight` in each pixel of an image of `size`.

    A point distributes its weight to the four nearest pixels.
    """
    height, width = size
    # A border of one pixel receives the weight of points at the image's edge
    shown = np.flatnonzero(weight)
    x, y = cracks.points[:, shown] * np.float32(max(size)) + np.float32(0.5)
    seen = (x > 0) & (x < width + 1) & (y > 0) & (y < height + 1)
    x, y, weight = x[seen], y[seen], weight[shown[seen]]
    left, top = x.astype(np.int32), y.astype(np.int32)
    x -= left
    y -= top
    place = top * (width + 2) + left
    below = weight * y
    above = weight - below
    total = np.bincount(
        np.concatenate((place, place + 1, place + (width + 2), place + (width + 3))),
        np.concatenate((above * (1 - x), above * x, below * (1 - x), below * x)),
        (height + 2) * (width + 2),
    )
    return total.reshape(height + 2, width + 2)[1:-1, 1:-1].astype(np.float32)


def islands(cracks: Cracks, size: tuple[int, int]) -> Image:
    """Number of the island at each pixel of an image of `size`, 0 on cracks; int32."""
    height, width = size
    x, y = (cracks.points[:, cracks.gape > 0] * np.float32(max(size))).astype(np.int32)
    film = np.ones(size, np.uint8)
    film[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] = 0
    return cv2.connectedComponents(film, connectivity=4, ltype=cv2.CV_32S)[1]
