"""An image of any size through a network of limited size: overlapping tiles, feathered together.

The image is first reflected outwards, so that its border is seen with the same context whether it
is one tile or a hundred; tiles start on multiples of the network's stride.
"""

from collections.abc import Callable, Iterator

import numpy as np

Network = Callable[[np.ndarray], np.ndarray]


def apply_tiled(
    network: Network, image: np.ndarray, *, tile_px: int, overlap_px: int, stride_px: int = 16
) -> np.ndarray:
    """Run `network` over `image` in tiles.

    network: float32 (1, h, w, C) -> (1, h, w, D), h and w multiples of stride_px.
    image: float32 (H, W, C), any size. tile_px: side of a tile. overlap_px: what neighbours share;
    with twice the network's receptive radius or more the result is that of one whole tile.
    Returns float32 (H, W, D).
    """
    height, width = image.shape[:2]
    margin = overlap_px // 2
    step = max((tile_px - overlap_px) // stride_px * stride_px, stride_px)
    padded = _reflect(image, margin, stride_px)
    total: np.ndarray = np.zeros((*padded.shape[:2], 1), np.float32)
    weights = np.zeros((*padded.shape[:2], 1), np.float32)
    for rows in _spans(padded.shape[0], step, overlap_px):
        for columns in _spans(padded.shape[1], step, overlap_px):
            tile = network(padded[None, rows, columns])[0]
            weight = _feather(tile.shape[0], overlap_px)[:, None] * _feather(
                tile.shape[1], overlap_px
            )
            if total.shape[2] != tile.shape[2]:
                total = np.repeat(total, tile.shape[2], axis=2)
            total[rows, columns] += tile * weight[..., None]
            weights[rows, columns] += weight[..., None]
    inner = np.s_[margin : margin + height, margin : margin + width]
    return total[inner] / weights[inner]


def _reflect(image: np.ndarray, margin: int, stride_px: int) -> np.ndarray:
    """Pad by `margin` all round, and at the far ends up to a multiple of the stride."""
    ends = [(margin, margin + -(size + 2 * margin) % stride_px) for size in image.shape[:2]]
    return np.pad(image, (*ends, (0, 0)), mode="reflect" if min(image.shape[:2]) > 1 else "edge")


def _spans(size: int, step: int, overlap_px: int) -> Iterator[slice]:
    """Tiles along one side; all but the last advance by `step`."""
    start = 0
    while start + step + overlap_px < size:
        yield slice(start, start + step + overlap_px)
        start += step
    yield slice(start, size)


def _feather(size: int, overlap_px: int) -> np.ndarray:
    """Weights along a tile's side, float32 (size,).

    They rise over the middle half of the overlap: next to its edge a tile has the least context
    and counts for (nearly) nothing.
    """
    if not overlap_px:
        return np.ones(size, np.float32)
    distance = np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5
    return np.clip((distance / overlap_px - 0.25) * 2, 1e-6, 1).astype(np.float32)
