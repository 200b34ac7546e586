"""Runs `segmentation` and `areas`: the probability of each class of damage at each pixel."""

from collections.abc import Callable

import numpy as np

from patina.models import DETECTION_STRIDE_PX
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.restoration.tiling import Network, apply_tiled

VIEW_SIDES_PX = (1280, 640)  # long sides at which `segmentation` examines a work
MAX_ENLARGEMENT = 1.34  # maximum enlargement of a small work
AREAS_SIDE_PX = 640  # long side at which `areas` examines a work


def damage_probabilities(
    network: Network,
    view: np.ndarray,
    sides_px: tuple[int, ...],
    tiles: Record,
    is_undamaged: Callable[[np.ndarray], bool] = lambda logits: False,
) -> np.ndarray | None:
    """Probabilities (h, w, len(CLASSES)) in [0, 1], at the size of the largest view.

    network: gives logits. view: float32 (H, W, 3), sRGB in [0, 1], the reduced work. sides_px: long
    sides in pixels at which the work is examined, largest first; the logits are averaged. tiles: as
    for `tiled_rows`. is_undamaged: is called with the logits at the last, smallest side, enlarged
    to (h, w, len(CLASSES)). If it returns True, this function returns None, and the larger views,
    which take most of the time, are left out. The smallest view is mirrored, so that a mistake of
    the network is seldom in all views.
    """
    logits: list[np.ndarray] = []
    size = view_size(view, sides_px[0])
    for side_px in reversed(sides_px):
        columns = slice(None, None, 1 if logits else -1)
        examined = np.ascontiguousarray(resized(view, view_size(view, side_px))[:, columns])
        found = apply_tiled(network, examined, **tiles, stride_px=DETECTION_STRIDE_PX)[:, columns]
        logits.append(resized(np.ascontiguousarray(found), size))
        if len(logits) == 1 and is_undamaged(logits[0]):
            return None
    return sigmoid(sum(logits[1:], logits[0]) / np.float32(len(logits)))


def area_probabilities(network: Network, view: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Probabilities (*size, len(AREA_CLASSES)) in [0, 1].

    network: see `patina.models.areas.areas`. view: as for `damage_probabilities`. size: (height,
    width).
    """
    height, width = view_size(view, AREAS_SIDE_PX)
    padding = [(0, -side % (REDUCED * DETECTION_STRIDE_PX)) for side in (height, width)]
    resized_view = np.pad(resized(view, (height, width)), (*padding, (0, 0)), mode="symmetric")
    logits = network(textured(resized_view)[None])[0]
    logits = logits[: -(-height // REDUCED), : -(-width // REDUCED)]
    return sigmoid(resized(logits, (size[0], size[1])))


def view_size(view: np.ndarray, side_px: int) -> tuple[int, int]:
    """(height, width) of `view` at this long side; it is enlarged at most MAX_ENLARGEMENT times."""
    height, width = view.shape[:2]
    share = min(MAX_ENLARGEMENT, side_px / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """The logistic function of each logit."""
    probabilities = np.negative(logits)
    np.exp(probabilities, out=probabilities)  # in its place: a view has millions of numbers
    probabilities += 1
    return np.divide(1, probabilities, out=probabilities)
