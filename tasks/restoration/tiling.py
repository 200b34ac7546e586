"""Runs an image of any size through a network in overlapping tiles, and blends their edges.

The image is first extended a little by reflection, because a network has less context at an edge.
Tiles are as few as possible, start on multiples of the network's stride, and have the same size,
except that the last ones of a row or column may be smaller. Rows are read and returned strip by
strip, so that an image is never in memory as a whole.
"""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from patina.models import STRIDE_PX

Network = Callable[[np.ndarray], np.ndarray]
Rows = Callable[[int, int], np.ndarray]  # (top, bottom) -> float32 (bottom - top, W, C)
TileCallback = Callable[[int, int], None]  # (number of finished tiles, number of all tiles)

BORDER_PX = 32  # usual width of the reflected border
ROWS_AT_ONCE = 256  # number of rows that are read at a time


def tiled_rows(
    network: Network,
    rows: Rows,
    height: int,
    width: int,
    *,
    tile_px: int,
    overlap_px: int,
    stride_px: int = STRIDE_PX,
    border_px: int = BORDER_PX,
    on_tile: TileCallback,
) -> Iterator[np.ndarray]:
    """Run `network` over an image of this size in tiles; yield float32 (h, W, D), from the top.

    network: float32 (1, h, w, C) -> (1, h, w, D), h and w multiples of stride_px. tile_px: side of
    the largest tile; if the image is narrower than that, tiles are longer, up to the same area.
    overlap_px: overlap of neighbouring tiles; if it is at least 8/3 of the network's receptive
    radius, the result equals that of one large tile, because a tile has no weight within 3/8 of the
    overlap from its edge. All three are multiples of stride_px.
    border_px: width of the reflected border. A network against noise is better without one: in
    corners, reflected noise looks like a texture. on_tile: is called before each tile, and at the
    end.
    """
    down, across = (_reflected(size, border_px, stride_px) for size in (height, width))
    lines, columns = _tiles(len(down), len(across), tile_px, overlap_px, stride_px)
    ramp = _ramp(overlap_px)[:, None, None]
    pending: np.ndarray | None = None
    done_tiles, all_tiles = count(), len(lines) * len(columns)

    def counted(tile: np.ndarray) -> np.ndarray:
        on_tile(next(done_tiles), all_tiles)
        return network(tile)

    for span in lines:
        tiles = _cut(rows, down[span], [across[column] for column in columns])
        strip = _row_of_tiles(counted, tiles, columns, overlap_px)
        if pending is not None:
            strip[:overlap_px] = pending + (strip[:overlap_px] - pending) * ramp
        done = len(strip) if span.stop == len(down) else len(strip) - overlap_px
        top, bottom = (max(border_px - span.start, 0), min(border_px + height - span.start, done))
        if bottom > top:
            yield strip[top:bottom, border_px : border_px + width]
        pending = strip[done:].copy()
        del tiles, strip  # free their memory before the next row of tiles
    on_tile(all_tiles, all_tiles)


def apply_tiled(network: Network, image: np.ndarray, **tiles: int) -> np.ndarray:
    """`tiled_rows` for an image float32 (H, W, C) in memory; returns (H, W, D).

    tiles: the other arguments of `tiled_rows`.
    """
    rows, size = rows_of(image), image.shape[:2]
    return np.concatenate(list(tiled_rows(network, rows, *size, on_tile=_ignored, **tiles)))


def _ignored(done: int, total: int) -> None:
    """Report no tiles."""


def self_ensemble(network: Network) -> Network:
    """A network that averages `network` over an image and its three mirrored versions."""
    flips = [np.s_[:, ::down, ::across] for down in (1, -1) for across in (1, -1)]

    def mean(image: np.ndarray) -> np.ndarray:
        given = [network(np.ascontiguousarray(image[flip]))[flip] for flip in flips]
        return np.asarray(np.mean(given, axis=0), np.float32)

    return mean


def rows_of(image: np.ndarray) -> Rows:
    """A function that returns rows of an image in memory."""
    return lambda top, bottom: image[top:bottom]


def _reflected(size: int, margin: int, stride_px: int) -> np.ndarray:
    """The index of the source row (or column) for each row of the extended image.

    Both ends have `margin` reflected rows; the last end is extended to a multiple of the stride.
    Small images are reflected several times.
    """
    length = size + 2 * margin + -(size + 2 * margin) % stride_px
    period = max(2 * (size - 1), 1)
    places = (np.arange(length) - margin) % period
    return np.where(places < size, places, period - places)


def _cut(rows: Rows, down: np.ndarray, across: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The tiles of a row, float32 (1, h, w, C): rows `down`, and columns in each of `across`."""
    first = int(down.min())
    block = _read(rows, first, int(down.max()) + 1)
    for columns in across:
        yield np.ascontiguousarray(block[np.ix_(down - first, columns)])[None]


def _read(rows: Rows, top: int, bottom: int) -> np.ndarray:
    """Read the rows in strips, so that the code that makes them needs less memory."""
    strip = rows(top, min(top + ROWS_AT_ONCE, bottom))
    block = np.empty((bottom - top, *strip.shape[1:]), strip.dtype)
    block[: len(strip)] = strip
    for begin in range(top + len(strip), bottom, ROWS_AT_ONCE):
        end = min(begin + ROWS_AT_ONCE, bottom)
        block[begin - top : end - top] = rows(begin, end)
    return block


def _row_of_tiles(
    network: Network, tiles: Iterator[np.ndarray], columns: list[slice], overlap_px: int
) -> np.ndarray:
    """The output of the network for `tiles`, which lie at `columns`, side by side: (h, W, D)."""
    if len(columns) == 1:
        return network(next(tiles))[0]
    total = previous = None
    ramp = _ramp(overlap_px)[:, None]
    for span, given in zip(columns, tiles, strict=True):
        tile = network(given)[0]
        if total is None:
            total = np.empty((len(tile), columns[-1].stop, tile.shape[2]), np.float32)
        total[:, span] = tile
        if previous is not None:
            shared = slice(span.start, span.start + overlap_px)
            total[:, shared] = previous + (tile[:, :overlap_px] - previous) * ramp
        previous = total[:, span.stop - overlap_px : span.stop].copy()
    assert total is not None
    return total


def _tiles(
    down: int, across: int, tile_px: int, overlap_px: int, stride_px: int
) -> tuple[list[slice], list[slice]]:
    """The spans of the tiles along the height and along the width of an extended image."""
    tallest, widest = (
        tile_px**2 // min(other, tile_px) // stride_px * stride_px for other in (across, down)
    )
    return (
        _spans(down, tallest, overlap_px, stride_px),
        _spans(across, widest, overlap_px, stride_px),
    )


def _spans(size: int, tile_px: int, overlap_px: int, stride_px: int) -> list[slice]:
    """The tiles along one side: as few as possible, all of one size except the last."""
    if size <= tile_px:
        return [slice(0, size)]
    count = -(-(size - overlap_px) // (tile_px - overlap_px))
    step = -(-(size - overlap_px) // (count * stride_px)) * stride_px
    return [
        slice(start, min(start + step + overlap_px, size))
        for start in range(0, size - overlap_px, step)
    ]


def _ramp(overlap_px: int) -> np.ndarray:
    """The weight of the later of two neighbouring tiles in their overlap, float32 (overlap_px,).

    It rises over the middle quarter of the overlap. Next to its edge a tile has the least context,
    so its weight is 0 there.
    """
    places = (np.arange(overlap_px) + 0.5) / max(overlap_px, 1)
    return np.clip((places - 0.375) * 4, 0, 1).astype(np.float32)
