"""How likely each class of damage is at each pixel of a work, as the networks say."""

from collections.abc import Mapping

import cv2
import numpy as np

from patina.models import AREA_CLASSES, CLASSES
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.textured import REDUCED, textured
from patina.tasks.restoration.tiling import Network, apply_tiled

LOOKS_PX = (1280, 640)  # long sides at which `segmentation` is shown a work
ENLARGED = 1.34  # times, at most, to be shown
AREAS_PX, AREAS_STRIDE = 640, 32  # long side at which `areas` is shown a work; its stride
AREA_SHARE = 0.001  # of a work; what `areas` finds is no smaller, for that `segmentation` finds
DOUBTED = 0.2  # likelihood from which on neighbouring cells are one area


def likelihoods(networks: Mapping[str, Network], view: np.ndarray, tiles: Record) -> np.ndarray:
    """(h, w, len(CLASSES)), in [0, 1], h and w as the work has them at the first of LOOKS_PX.

    networks: by role; `segmentation`, and `areas` where there is one. view: float32 (H, W, 3), sRGB
    in [0, 1], the work, reduced. tiles: as `tiled_rows` takes them.
    """
    likely = segmented(networks["segmentation"], view, LOOKS_PX, tiles)
    return with_areas(likely, networks["areas"], view) if "areas" in networks else likely


def segmented(
    network: Network, view: np.ndarray, longs_px: tuple[int, ...], tiles: Record
) -> np.ndarray:
    """As `likelihoods`, of `segmentation` alone, at the first of those sizes.

    The work is shown at each long side in turn, and the mean of the logits counts.
    """
    logits: list[np.ndarray] = []
    size = shown_size(view, longs_px[0])
    for long_px in longs_px:
        shown = resized(view, shown_size(view, long_px))
        logits.append(resized(apply_tiled(network, shown, **tiles, stride_px=32), size))
    return _sigmoid(np.mean(logits, axis=0))


def with_areas(likely: np.ndarray, network: Network, view: np.ndarray) -> np.ndarray:
    """`likely` with what covers a part of the work, where `areas` finds that likelier."""
    size = shown_size(view, AREAS_PX)
    beyond = [(0, -side % (REDUCED * AREAS_STRIDE)) for side in size]
    shown = np.pad(resized(view, size), (*beyond, (0, 0)), mode="symmetric")
    logits = network(textured(shown)[None])[0]
    logits = logits[: -(-size[0] // REDUCED), : -(-size[1] // REDUCED)]
    found = resized(_large_alone(_sigmoid(logits)), likely.shape[:2])
    places = [CLASSES.index(name) for name in AREA_CLASSES]
    merged = likely.copy()
    merged[..., places] = np.maximum(likely[..., places], found)
    return merged


def _large_alone(found: np.ndarray) -> np.ndarray:
    """`found` (h, w, classes) where it is connected to AREA_SHARE of the work and more, else 0."""
    marks = (found.max(axis=2) > DOUBTED).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= AREA_SHARE * marks.size
    large[0] = False
    return found * large[labels][..., None]


def shown_size(view: np.ndarray, long_px: int) -> tuple[int, int]:
    """(height, width) of `view` at that long side, or ENLARGED, if that is less."""
    height, width = view.shape[:2]
    share = min(ENLARGED, long_px / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-logits)))
