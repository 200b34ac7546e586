"""Finds the areas of damage in a damage map: numbers, measures and classifies them.

Pieces of damage that are close together form one area. A large map is first reduced to LABEL_PX,
with the number of damaged pixels in each block. So no hairline is lost, sizes stay exact, and a map
of 100 megapixels takes about a second. Places are exact to one block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

KINDS = ("line", "spot", "area", "crack network")
LINE, SPOT, AREA, NETWORK = range(len(KINDS))
LISTED = 40  # maximum number of areas in the list of a report
MIN_PX = 9  # an area with fewer damaged pixels is noise
LABEL_PX = 4096  # maximum long side of the reduced map
ROWS = 1024  # rows of the map that are reduced at a time
# Shares of the long side of the work
GAP = 0.004  # pieces with a smaller distance form one area
SPOT_SIDE = 0.015  # a compact piece with no side longer than this is a spot
LINE_LENGTH = 0.005  # a shorter piece is a spot, even if it is narrow
LINE_WIDTH = 0.012  # a wider piece is an area, even if it is long
NETWORK_SIDE = 0.05  # cracks in a smaller box are lines
# Ratios
ELONGATED = 5.0  # a straight piece with at least this ratio of length to width is a line
CURVED = 15.0  # a curved piece with at least this ratio is a line
WINDING = 2.5  # lines with at least this ratio of length to their box's diagonal are a network
STRAIGHT = 0.08  # an area with a smaller ratio of width to length is a line, even a dashed one


def place_in_words(across: float, down: float) -> str:
    """A place in a work, shares of its width and height, in words, such as "upper left"."""
    row = ("upper", "middle", "lower")[min(int(3 * down), 2)]
    column = ("left", "centre", "right")[min(int(3 * across), 2)]
    return "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"


@dataclass(frozen=True)
class Area:
    """One area of damage. Sizes are in pixels of the map."""

    number: int  # 1 for the largest
    kind: str  # one of KINDS
    top: int
    left: int
    bottom: int  # exclusive
    right: int  # exclusive
    px: int  # number of damaged pixels
    share: float  # damaged share of the work, 0 to 1
    length_px: float  # along all its lines; of a spot or an area, its longer side
    width_px: float  # mean width across that length
    pieces: int  # number of separate pieces
    across: float  # x of its centre of gravity, share of the width
    down: float  # y of its centre of gravity, share of the height

    @property
    def place(self) -> str:
        """The place of its centre in words, such as "upper left"."""
        return place_in_words(self.across, self.down)


@dataclass(frozen=True)
class AreaMap:
    """All areas, the largest first, and their places."""

    areas: list[Area]
    labels: np.ndarray  # int32 (h, w): number of the area of each block, 0 outside
    block_px: int  # side of a block in pixels of the map

    def numbers(self, top: int, bottom: int, width: int) -> np.ndarray:
        """The number of the area at each pixel of rows `top` to `bottom`, int32 (h, width).

        Blocks extend up to `block_px` beyond the damage; combine the numbers with the damage map.
        """
        rows = np.arange(top, bottom) // self.block_px
        columns = np.arange(width) // self.block_px
        return self.labels[rows[:, None], columns]


@dataclass(frozen=True)
class Rest:
    """The sum of the areas that are not listed."""

    areas: int  # their number
    px: int  # their damaged pixels
    share: float  # their damaged share of the work


def map_areas(damage: np.ndarray) -> AreaMap:
    """The areas of a damage map, and the number of the area at each place.

    damage: (H, W), bool, uint8 (damaged above 127) or float (damaged above 0.5). Areas of less than
    MIN_PX are left out. Raises ValueError if `damage` is not (H, W).
    """
    if damage.ndim != 2 or not damage.size:
        raise ValueError(f"areas: a damage map is (H, W), not {damage.shape}")
    block = -(-max(damage.shape) // LABEL_PX)
    found, labels = _groups(_counted(damage, block))
    kept = [index for index, group in enumerate(found) if group.px >= MIN_PX]
    kept.sort(key=lambda index: -found[index].px)
    number_of = np.zeros(len(found) + 1, np.int32)
    number_of[np.array(kept, int) + 1] = np.arange(1, len(kept) + 1)
    areas = [_area(n, found[i], damage.shape, block) for n, i in enumerate(kept, 1)]
    return AreaMap(areas, number_of[labels], block)


def listed(areas: Sequence[Area], most: int = LISTED) -> tuple[list[Area], Rest]:
    """The `most` largest areas, and the sum of the others. areas: the largest first."""
    others = areas[most:]
    rest = Rest(len(others), sum(a.px for a in others), sum(a.share for a in others))
    return list(areas[:most]), rest


class _Group(NamedTuple):
    """Pieces that form one area. Sizes are in blocks, except `px`, the number of damaged pixels."""

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


def _counted(damage: np.ndarray, block: int) -> np.ndarray:
    """Number of damaged pixels in each block, int32 (h, w)."""
    return np.concatenate([_summed(rows, block) for rows in _damaged_rows(damage, block)])


def _damaged_rows(damage: np.ndarray, block: int) -> Iterator[np.ndarray]:
    step = ROWS // block * block
    for top in range(0, len(damage), step):
        rows = damage[top : top + step]
        if rows.dtype != bool:
            rows = rows > (127 if np.issubdtype(rows.dtype, np.integer) else 0.5)
        yield rows


def _summed(rows: np.ndarray, block: int) -> np.ndarray:
    """Sums of bool (H, W) over square blocks; blocks at the ends may be smaller."""
    if block == 1:
        return rows.astype(np.int32)
    height, width = (-(-side // block) * block for side in rows.shape)
    padded = np.zeros((height, width), np.uint8)
    padded[: rows.shape[0], : rows.shape[1]] = rows
    down = padded.reshape(height // block, block, width).sum(axis=1, dtype=np.uint16)
    return down.reshape(len(down), width // block, block).sum(axis=2, dtype=np.int32)


def _groups(counts: np.ndarray) -> tuple[list[_Group], np.ndarray]:
    """The areas in `counts`, and a map of their numbers from 1 on, int32 (h, w), 0 outside."""
    mask, labels = (counts > 0).astype(np.uint8), np.zeros(counts.shape, np.int32)
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return [], labels
    long_side = max(counts.shape)
    distance = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    _, joined = cv2.connectedComponents((distance <= (GAP * long_side + 1) / 2).astype(np.uint8))
    _, pieces = cv2.connectedComponents(mask)
    bordered = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = cv2.distanceTransform(bordered, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    group_of = joined[ys, xs] - 1  # each group contains a block, so the numbers have no gaps
    labels[ys, xs] = group_of + 1
    small = _Pieces(xs, ys, pieces[ys, xs] - 1, depth[ys, xs])
    return _measured(small, group_of, counts[ys, xs], long_side), labels


class _Pieces:
    """Connected blocks.

    xs, ys: their places. labels: the number of the piece of each. depth: distance from its rim.
    """

    def __init__(
        self, xs: np.ndarray, ys: np.ndarray, labels: np.ndarray, depth: np.ndarray
    ) -> None:
        self.xs, self.ys, self.labels = xs, ys, labels
        self.blocks = np.bincount(labels)
        # A band of w blocks has the mean depth (w + 1)² / 4w; this is solved for w
        twice = np.maximum(2 * np.bincount(labels, depth) / self.blocks - 1, 1)
        self.length = self.blocks / (twice + np.sqrt(twice**2 - 1))

    def kinds(self, long_side: int) -> np.ndarray:
        """LINE, SPOT or AREA for each piece, by its shape."""
        boxes = _boxes(self.xs, self.ys, self.labels)
        sides = boxes[:, 2:] - boxes[:, :2]
        longest = sides.max(axis=1)
        reach = np.hypot(*sides.T)
        long = (reach**2 >= ELONGATED * self.blocks) | (self.length**2 >= CURVED * self.blocks)
        narrow = self.blocks / self.length <= max(1, LINE_WIDTH * long_side)
        line = long & narrow & (longest >= LINE_LENGTH * long_side)
        return np.where(line, LINE, np.where(longest <= SPOT_SIDE * long_side, SPOT, AREA))


def _measured(
    pieces: _Pieces, group_of: np.ndarray, counts: np.ndarray, long_side: int
) -> list[_Group]:
    """Measure groups of pieces. group_of: the group of each block."""
    blocks, px = np.bincount(group_of), np.bincount(group_of, counts).astype(int)
    boxes = _boxes(pieces.xs, pieces.ys, group_of)
    sides = boxes[:, 2:] - boxes[:, :2]
    diagonal = np.hypot(*sides.T)
    owner = np.zeros(len(pieces.blocks), int)
    owner[pieces.labels] = group_of
    length = np.bincount(owner, pieces.length)
    centre, narrow = _axes(pieces.xs, pieces.ys, group_of, blocks)
    single = pieces.kinds(long_side)
    each = [np.bincount(owner, pieces.blocks * (single == kind)) for kind in (LINE, SPOT, AREA)]
    kinds = np.argmax(each, axis=0)
    straight = (narrow <= STRAIGHT) & (diagonal >= SPOT_SIDE * long_side)
    kinds = np.where((kinds == SPOT) & straight, LINE, kinds)
    spread = sides.min(axis=1) >= NETWORK_SIDE * long_side
    winding = length >= WINDING * diagonal
    kinds = np.where((kinds == LINE) & winding & spread, NETWORK, kinds)
    longer = np.where(kinds == LINE, np.maximum(length, diagonal), sides.max(axis=1))
    longer = np.where(kinds == NETWORK, length, longer)
    columns = (kinds, px, *boxes.T, longer, blocks, np.bincount(owner), *centre.T)
    return [_Group(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _boxes(xs: np.ndarray, ys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom of each group (the last two exclusive), int (n, 4)."""
    boxes = np.empty((int(labels.max()) + 1, 4), int)
    boxes[:, :2], boxes[:, 2:] = np.iinfo(np.int32).max, 0
    for column, values in ((0, xs), (1, ys)):
        np.minimum.at(boxes[:, column], labels, values)
        np.maximum.at(boxes[:, column + 2], labels, values + 1)
    return boxes


def _axes(
    xs: np.ndarray, ys: np.ndarray, labels: np.ndarray, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centres of gravity (n, 2), and the width divided by the length along the main direction."""
    x, y = (np.bincount(labels, at + 0.5) / number for at in (xs, ys))
    across, down = xs + 0.5 - x[labels], ys + 0.5 - y[labels]
    xx, yy, xy = (
        np.bincount(labels, m) / number + 1e-9 for m in (across**2, down**2, across * down)
    )
    mean, differ = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.stack([x, y], 1), np.sqrt(np.maximum(mean - differ, 0) / (mean + differ))
