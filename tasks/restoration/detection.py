"""Runs `segmentation` and `areas`: the likelihood of each class of damage at each pixel."""

from collections.abc import Callable

import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.restoration.tiling import Network, apply_tiled

LOOKS_PX = (1280, 640)  # long sides at which `segmentation` examines a work
ENLARGED = 1.34  # maximum enlargement of a small work
AREAS_PX, AREAS_STRIDE = 640, 32  # long side at which `areas` examines a work; its stride


def segmented(
    network: Network,
    view: np.ndarray,
    longs_px: tuple[int, ...],
    tiles: Record,
    is_enough: Callable[[np.ndarray], bool] = lambda likely: False,
) -> np.ndarray:
    """Likelihoods (h, w, len(CLASSES)) in [0, 1]; the size is that for the first of `longs_px`.

    network: gives logits. view: float32 (H, W, 3), sRGB in [0, 1], the reduced work. longs_px: long
    sides in pixels at which the work is examined, largest first; the logits are averaged. tiles: as
    for `tiled_rows`. is_enough: is called with the likelihoods at the last, smallest side. If it
    returns True, these are returned, and the larger views, which take most of the time, are left
    out.
    """
    logits: list[np.ndarray] = []
    size = shown_size(view, longs_px[0])
    for long_px in reversed(longs_px):
        shown = resized(view, shown_size(view, long_px))
        logits.append(resized(apply_tiled(network, shown, **tiles, stride_px=32), size))
        if len(logits) == 1 and is_enough(likely := _sigmoid(logits[0])):
            return likely
    return _sigmoid(sum(logits[1:], logits[0]) / np.float32(len(logits)))


def area_likelihoods(network: Network, view: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Likelihoods (*size, len(AREA_CLASSES)) in [0, 1].

    network: see `patina.models.areas.areas`. view: as for `segmented`. size: (height, width).
    """
    tall, wide = shown_size(view, AREAS_PX)
    beyond = [(0, -side % (REDUCED * AREAS_STRIDE)) for side in (tall, wide)]
    shown = np.pad(resized(view, (tall, wide)), (*beyond, (0, 0)), mode="symmetric")
    logits = network(textured(shown)[None])[0]
    logits = logits[: -(-tall // REDUCED), : -(-wide // REDUCED)]
    return _sigmoid(resized(logits, (size[0], size[1])))


def shown_size(view: np.ndarray, long_px: int) -> tuple[int, int]:
    """(height, width) of `view` at this long side; it is enlarged at most ENLARGED times."""
    height, width = view.shape[:2]
    share = min(ENLARGED, long_px / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    likely = np.negative(logits)
    np.exp(likely, out=likely)  # in its place: a view has millions of numbers
    likely += 1
    return np.divide(1, likely, out=likely)
