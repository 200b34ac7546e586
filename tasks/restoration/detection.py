"""How likely each class of damage is at each pixel of a work, as the networks say."""

import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.restoration.tiling import Network, apply_tiled

LOOKS_PX = (1280, 640)  # long sides at which `segmentation` is shown a work
ENLARGED = 1.34  # times, at most, to be shown
AREAS_PX, AREAS_STRIDE = 640, 32  # long side at which `areas` is shown a work; its stride


def segmented(
    network: Network, view: np.ndarray, longs_px: tuple[int, ...], tiles: Record
) -> np.ndarray:
    """(h, w, len(CLASSES)), in [0, 1], h and w as the work has them at the first of `longs_px`.

    network: gives logits. view: float32 (H, W, 3), sRGB in [0, 1], the reduced work. It is shown at
    each long side in turn, and the mean of the logits counts. tiles: as `tiled_rows` takes them.
    """
    logits: list[np.ndarray] = []
    size = shown_size(view, longs_px[0])
    for long_px in longs_px:
        shown = resized(view, shown_size(view, long_px))
        logits.append(resized(apply_tiled(network, shown, **tiles, stride_px=32), size))
    return _sigmoid(np.mean(logits, axis=0))


def area_likelihoods(network: Network, view: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(*size, len(AREA_CLASSES)), in [0, 1]; network: as `patina.models.areas.areas`.

    view: as for `segmented`. size: (height, width).
    """
    tall, wide = shown_size(view, AREAS_PX)
    beyond = [(0, -side % (REDUCED * AREAS_STRIDE)) for side in (tall, wide)]
    shown = np.pad(resized(view, (tall, wide)), (*beyond, (0, 0)), mode="symmetric")
    logits = network(textured(shown)[None])[0]
    logits = logits[: -(-tall // REDUCED), : -(-wide // REDUCED)]
    return _sigmoid(resized(logits, (size[0], size[1])))


def shown_size(view: np.ndarray, long_px: int) -> tuple[int, int]:
    """(height, width) of `view` at that long side, or ENLARGED, if that is less."""
    height, width = view.shape[:2]
    share = min(ENLARGED, long_px / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))
