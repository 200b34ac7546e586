"""How much of what the networks `jpeg` and `detail` would do to a work is done: their gate.

A few tiles, spread over the work, are looked at first. Where neither compression nor noise nor blur
is found in them, the work is not run through the networks at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.tiling import Network, Rows

PROBE_PX, PROBES = 256, 3  # side of a tile that is looked at, and how many each way
GRID_PX = 8  # of JPEG's blocks


@dataclass(frozen=True)
class Capture:
    """What was found in a capture. Weights are 0 (nothing is done) to 1.

    blockiness: mean step across the 8×8 grid over that of all other steps. residual_255: by how
    much detail would be corrected, root mean square in 8-bit steps. chroma: share of that
    correction that is not alike in all channels. evenness: how alike it is in flat and busy parts.
    """

    jpeg: float
    detail: float
    blockiness: float
    residual_255: float
    chroma: float
    evenness: float

    def record(self) -> Record:
        """For the sidecar."""
        return {name: round(value, 4) for name, value in self.__dict__.items()}


def probes(rows: Rows, height: int, width: int) -> Iterator[np.ndarray]:
    """Tiles float32 (1, h, w, 3) of at most PROBE_PX, spread evenly, on the grid of JPEG."""
    tall, wide = (min(PROBE_PX, side // GRID_PX * GRID_PX) for side in (height, width))
    if not tall or not wide:
        return
    for top in _starts(height, tall):
        strip = rows(top, top + tall)
        for left in _starts(width, wide):
            yield np.ascontiguousarray(strip[None, :, left : left + wide])


def _starts(side: int, part: int) -> list[int]:
    count = min(PROBES, -(-side // part))
    places = np.linspace(0, side - part, count) // GRID_PX * GRID_PX
    return sorted({int(place) for place in places})


def blockiness(tiles: list[np.ndarray]) -> float:
    """Mean step across the 8×8 grid over the mean of all other steps; 1 where there is no grid.

    tiles: float32 (1, h, w, 3), all on one grid, wherever that lies. Where it does not show in
    both directions there is none. Steps of edges count little. Source: after Wang, Bovik & Evans,
    "Blind measurement of blocking artifacts in images" (2000).
    """
    ratios = []
    for axis in (1, 2):
        sums, counts = np.zeros(GRID_PX), 0.0
        for tile in tiles:
            grey = tile[0].mean(axis=2)
            steps = np.minimum(np.abs(np.diff(grey, n=1, axis=axis - 1)), 0.08)
            steps = steps.mean(axis=2 - axis)
            whole = len(steps) // GRID_PX * GRID_PX
            sums += steps[:whole].reshape(-1, GRID_PX).sum(axis=0)
            counts += whole / GRID_PX
        means = sums / max(counts, 1)
        at = int(means.argmax())
        ratios.append((at, float(means[at] / max(np.delete(means, at).mean(), 1e-4))))
    return min(ratio for _, ratio in ratios)


def looked(
    networks: Mapping[str, Network], tiles: Iterator[np.ndarray], gates: Gates, *, forced: bool
) -> Capture:
    """What was found in `tiles`, and how much of what `networks` would do is done.

    networks: by role. forced: the work is known to need it; all is done.
    """
    seen = list(tiles)
    jpeg, detail = networks.get("jpeg"), networks.get("detail")
    blocky = blockiness(seen) if seen else 1.0
    weight = 0.0
    if jpeg is not None and seen:
        weight = 1.0 if forced else ramp(blocky, gates.jpeg_blockiness)
    if weight and jpeg is not None:
        seen = [np.clip(tile + weight * jpeg(tile), 0, 1) for tile in seen]
    if detail is None or not seen:
        return Capture(weight, 0.0, blocky, 0.0, 0.0, 0.0)
    residuals = [detail(tile) for tile in seen]
    root, chroma, even = figures(seen, residuals)
    much = 1.0 if forced else ramp(root, gates.detail_255)
    return Capture(weight, much, blocky, root, chroma, even)


def ramp(value: float, gate: float) -> float:
    """0 up to the gate, 1 from a quarter above it on."""
    return float(np.clip((value - gate) / (0.25 * gate), 0, 1)) if gate else 1.0


def figures(tiles: list[np.ndarray], residuals: list[np.ndarray]) -> tuple[float, float, float]:
    """Root mean square of the residuals (8-bit steps), its chroma's share, and its evenness."""
    squares = chroma = 0.0
    flat, busy = [], []
    for tile, residual in zip(tiles, residuals, strict=True):
        grey = residual.mean(axis=3, keepdims=True)
        squares += float(np.square(residual).mean())
        chroma += float(np.square(residual - grey).mean())
        light = (tile + residual)[0].mean(axis=2)
        slope = cv2.blur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (9, 9))
        strength = cv2.blur(np.square(residual[0]).mean(axis=2), (9, 9))
        bounds = np.quantile(slope, (0.25, 0.75))
        flat.append(float(strength[slope <= bounds[0]].mean()))
        busy.append(float(strength[slope >= bounds[1]].mean()))
    count = max(len(residuals), 1)
    root = (squares / count) ** 0.5 * 255
    return root, chroma / max(squares, 1e-12), sum(flat) / max(sum(busy), 1e-12)
