"""A damage map -> the areas of damage in it: numbered, measured, each of a kind.

Pieces of damage that lie close together are one area. A large map is first reduced to LABEL_PX,
each block counting its damaged pixels, so that a hairline is never lost, sizes stay exact, and a
map of 100 megapixels takes about a second. Places are exact to one block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

KINDS = ("line", "spot", "area", "crack network")  # what `classes` indexes
LINE, SPOT, AREA, NETWORK = range(len(KINDS))
LISTED = 40  # areas that a report lists one by one
MIN_PX = 9  # an area of fewer damaged pixels is noise of the segmentation
LABEL_PX = 4096  # long side of what is labelled
ROWS = 1024  # of the map that are reduced at a time
# Shares of the long side of the work
GAP = 0.004  # pieces at most this far apart are one area
SPOT_SIDE = 0.015  # a compact piece with no side longer than this is a spot
LINE_LENGTH = 0.005  # a shorter piece is a spot, however thin
LINE_WIDTH = 0.012  # a wider piece is an area, however long
NETWORK_SIDE = 0.05  # cracks that spread less are lines
# Ratios
ELONGATED = 5.0  # a piece so many times longer than wide is a line
CURVED = 15.0  # so is one that is wound, measured along itself
WOUND = 2.5  # lines so many times longer than their box's diagonal are a network
STRAIGHT = 0.08  # an area so narrow across its main direction is a line, even one in dashes


@dataclass(frozen=True)
class Area:
    """Damage in one place.

    number: 1 for the largest. kind: of KINDS. top, left, bottom, right: its box, pixels of the
    map, the last two exclusive. px: damaged pixels. share: those, of all pixels of the work, 0 to
    1. length_px: along all its lines; of a spot or an area, its longer side. width_px: the mean
    across that length. pieces: how many that lie apart. across, down: x and y of its centre of
    gravity, 0 to 1 of the width and height of the work.
    """

    number: int
    kind: str
    top: int
    left: int
    bottom: int
    right: int
    px: int
    share: float
    length_px: float
    width_px: float
    pieces: int
    across: float
    down: float

    @property
    def place(self) -> str:
        """Where its centre lies, in words, such as "upper left"."""
        rows, columns = ("upper", "middle", "lower"), ("left", "centre", "right")
        row, column = (min(int(share * 3), 2) for share in (self.down, self.across))
        if (row, column) == (1, 1):
            return "centre"
        return f"{rows[row]} {columns[column]}"


@dataclass(frozen=True)
class AreaMap:
    """Areas, largest first, and where they are.

    areas: every one. labels: int32 (h, w), of each block the number of its area, 0 outside.
    block_px: side of a block, in pixels of the map.
    """

    areas: list[Area]
    labels: np.ndarray
    block_px: int

    def numbers(self, top: int, bottom: int, width: int) -> np.ndarray:
        """The area's number of each pixel of the map's rows `top` to `bottom`, int32 (h, width).

        Blocks reach up to `block_px` beyond the damage: combine it with the damage map itself.
        """
        rows = np.arange(top, bottom) // self.block_px
        columns = np.arange(width) // self.block_px
        return self.labels[rows[:, None], columns]


@dataclass(frozen=True)
class Rest:
    """Areas that are not listed, together."""

    areas: int
    px: int
    share: float


def areas_of(
    damage: np.ndarray, classes: np.ndarray | None = None, *, min_px: int = MIN_PX
) -> list[Area]:
    """The areas of a damage map, largest first.

    damage: (H, W), bool, uint8 (damaged above 127) or float (damaged above 0.5). classes: None, or
    uint8 (H, W), of each damaged pixel the index of its kind in KINDS; then pieces of different
    kinds stay apart. Without it the shape decides the kind. min_px: areas of fewer damaged pixels
    are left out. Raises ValueError when `damage` is not (H, W) or `classes` does not fit it.
    """
    return map_areas(damage, classes, min_px=min_px).areas


def map_areas(
    damage: np.ndarray, classes: np.ndarray | None = None, *, min_px: int = MIN_PX
) -> AreaMap:
    """As `areas_of`, with the number of the area at each place."""
    if damage.ndim != 2 or not damage.size:
        raise ValueError(f"areas: a damage map is (H, W), not {damage.shape}")
    if classes is not None and classes.shape != damage.shape:
        raise ValueError(f"areas: classes are {classes.shape}, the damage map is {damage.shape}")
    if classes is not None and classes.size and int(classes.max()) >= len(KINDS):
        raise ValueError(f"areas: a class is an index into {KINDS}, not {int(classes.max())}")
    block = -(-max(damage.shape) // LABEL_PX)
    labels = np.zeros([-(-side // block) for side in damage.shape], np.int32)
    found: list[_Group] = []
    for kind in (None,) if classes is None else range(len(KINDS)):
        counts = _counted(damage, classes, kind, block)
        found += _groups(counts, kind, labels, len(found))
    kept = [index for index, group in enumerate(found) if group.px >= min_px]
    kept.sort(key=lambda index: -found[index].px)
    number_of = np.zeros(len(found) + 1, np.int32)
    number_of[np.array(kept, int) + 1] = np.arange(1, len(kept) + 1)
    areas = [_area(n, found[i], damage.shape, block) for n, i in enumerate(kept, 1)]
    return AreaMap(areas, number_of[labels], block)


def listed(areas: Sequence[Area], most: int = LISTED) -> tuple[list[Area], Rest]:
    """The `most` largest of `areas`, which are in that order, and the others summed."""
    others = areas[most:]
    rest = Rest(len(others), sum(a.px for a in others), sum(a.share for a in others))
    return list(areas[:most]), rest


class _Group(NamedTuple):
    """Pieces that are one area, measured in blocks, but for `px`, damaged pixels."""

    kind: int
    px: int
    left: int
    top: int
    right: int
    bottom: int
    length: float
    blocks: int
    pieces: int
    x: float
    y: float


def _area(number: int, group: _Group, shape: tuple[int, ...], block: int) -> Area:
    height, width = shape
    length = group.length * block
    return Area(
        number,
        KINDS[group.kind],
        group.top * block,
        group.left * block,
        min(group.bottom * block, height),
        min(group.right * block, width),
        group.px,
        group.px / (height * width),
        round(length, 1),
        round(group.px / length, 1),
        group.pieces,
        min(group.x * block / width, 1.0),
        min(group.y * block / height, 1.0),
    )


def _counted(
    damage: np.ndarray, classes: np.ndarray | None, kind: int | None, block: int
) -> np.ndarray:
    """How many pixels of that kind, or of any, are damaged in each block: int32 (h, w)."""
    rows = _damaged_rows(damage, classes, kind, block)
    return np.concatenate([_summed(each, block) for each in rows])


def _damaged_rows(
    damage: np.ndarray, classes: np.ndarray | None, kind: int | None, block: int
) -> Iterator[np.ndarray]:
    for top in range(0, len(damage), ROWS // block * block):
        here = slice(top, top + ROWS // block * block)
        rows = damage[here]
        if rows.dtype != bool:
            rows = rows > (127 if np.issubdtype(rows.dtype, np.integer) else 0.5)
        yield rows if classes is None else rows & (classes[here] == kind)


def _summed(rows: np.ndarray, block: int) -> np.ndarray:
    """The sums of bool (H, W) over square blocks, those at the ends cut off."""
    if block == 1:
        return rows.astype(np.int32)
    height, width = (-(-side // block) * block for side in rows.shape)
    whole = np.zeros((height, width), np.uint8)
    whole[: rows.shape[0], : rows.shape[1]] = rows
    down = whole.reshape(height // block, block, width).sum(axis=1, dtype=np.uint16)
    return down.reshape(len(down), width // block, block).sum(axis=2, dtype=np.int32)


def _groups(counts: np.ndarray, kind: int | None, labels: np.ndarray, before: int) -> list[_Group]:
    """The areas in `counts`; their places in the list, `before` + 1 on, are drawn into `labels`.

    kind: of all of them, or None where their shapes tell.
    """
    mask = (counts > 0).astype(np.uint8)
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return []
    long_side = max(counts.shape)
    far = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    _, joined = cv2.connectedComponents((far <= (GAP * long_side + 1) / 2).astype(np.uint8))
    _, pieces = cv2.connectedComponents(mask)
    rimmed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(rimmed, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    group_of = joined[ys, xs] - 1  # every one grew from a block: no number is left out
    labels[ys, xs] = before + 1 + group_of
    small = _Pieces(xs, ys, pieces[ys, xs] - 1, depth[ys, xs])
    return _measured(small, group_of, counts[ys, xs], kind, long_side)


class _Pieces:
    """Connected blocks: at `xs`, `ys`, of the piece `of`, so `depth` from its rim."""

    def __init__(self, xs: np.ndarray, ys: np.ndarray, of: np.ndarray, depth: np.ndarray) -> None:
        self.xs, self.ys, self.of = xs, ys, of
        self.blocks = np.bincount(of)
        # A band of w blocks is (w + 1)² / 4w deep in the mean: solved for w
        twice = np.maximum(2 * np.bincount(of, depth) / self.blocks - 1, 1)
        self.length = self.blocks / (twice + np.sqrt(twice**2 - 1))

    def kinds(self, long_side: int) -> np.ndarray:
        """LINE, SPOT or AREA, by the shape of each."""
        boxes = _boxes(self.xs, self.ys, self.of)
        sides = boxes[:, 2:] - boxes[:, :2]
        longest = sides.max(axis=1)
        reach = np.hypot(*sides.T)
        long = (reach**2 >= ELONGATED * self.blocks) | (self.length**2 >= CURVED * self.blocks)
        thin = self.blocks / self.length <= max(1, LINE_WIDTH * long_side)
        line = long & thin & (longest >= LINE_LENGTH * long_side)
        return np.where(line, LINE, np.where(longest <= SPOT_SIDE * long_side, SPOT, AREA))


def _measured(
    pieces: _Pieces, group_of: np.ndarray, counts: np.ndarray, kind: int | None, long_side: int
) -> list[_Group]:
    """Pieces joined, `group_of` telling of each block to which group it belongs."""
    blocks, px = np.bincount(group_of), np.bincount(group_of, counts).astype(int)
    boxes = _boxes(pieces.xs, pieces.ys, group_of)
    sides = boxes[:, 2:] - boxes[:, :2]
    diagonal = np.hypot(*sides.T)
    owner = np.zeros(len(pieces.blocks), int)
    owner[pieces.of] = group_of
    length = np.bincount(owner, pieces.length)
    centre, narrow = _axes(pieces.xs, pieces.ys, group_of, blocks)
    if kind is None:
        single = pieces.kinds(long_side)
        each = [np.bincount(owner, pieces.blocks * (single == k)) for k in (LINE, SPOT, AREA)]
        kinds = np.argmax(each, axis=0)
        straight = (narrow <= STRAIGHT) & (diagonal >= SPOT_SIDE * long_side)
        kinds = np.where((kinds == SPOT) & straight, LINE, kinds)
        spread = sides.min(axis=1) >= NETWORK_SIDE * long_side
        wound = length >= WOUND * diagonal
        kinds = np.where((kinds == LINE) & wound & spread, NETWORK, kinds)
    else:
        kinds = np.full(len(px), kind)
    longer = np.where(kinds == LINE, np.maximum(length, diagonal), sides.max(axis=1))
    longer = np.where(kinds == NETWORK, length, longer)
    columns = (kinds, px, *boxes.T, longer, blocks, np.bincount(owner), *centre.T)
    return [_Group(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _boxes(xs: np.ndarray, ys: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of each group, the last two exclusive: int (n, 4)."""
    boxes = np.empty((int(of.max()) + 1, 4), int)
    boxes[:, :2], boxes[:, 2:] = np.iinfo(np.int32).max, 0
    for column, values in ((0, xs), (1, ys)):
        np.minimum.at(boxes[:, column], of, values)
        np.maximum.at(boxes[:, column + 2], of, values + 1)
    return boxes


def _axes(
    xs: np.ndarray, ys: np.ndarray, of: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of gravity (n, 2), and the spread across the main direction, of that along it."""
    x, y = (np.bincount(of, at + 0.5) / number for at in (xs, ys))
    across, down = xs + 0.5 - x[of], ys + 0.5 - y[of]
    xx, yy, xy = (np.bincount(of, m) / number + 1e-9 for m in (across**2, down**2, across * down))
    mean, differ = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.stack([x, y], 1), np.sqrt(np.maximum(mean - differ, 0) / (mean + differ))
