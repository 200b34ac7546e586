"""The training samples of the judges of pieces: pieces that a network found, true and false."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.images import to_uint8
from patina.tasks.restoration.damage import CRACK, Piece, share_covered
from patina.tasks.restoration.detection import (
    VIEW_SIDES_PX,
    area_probabilities,
    damage_probabilities,
    view_size,
)
from patina.tasks.restoration.fill_decision import decide_fill
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.proposals import find_areas
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.tiling import Network
from patina.tasks.training.curriculum import (
    CAPTURES,
    HARD_SHARE,
    damage_of,
    hard_works_painted,
)
from patina.tasks.training.whole_works import WHOLE_PX, at_most, judged_works
from patina.tasks.training.works import Work

Rng = np.random.Generator
# Pieces are found with the usual values; the other gates are open, so that all remain
FINDING = Gates.opened(
    damage_probability=Gates.damage_probability,
    damage_doubt=Gates.damage_doubt,
    fill_width=Gates.fill_width,
)
UNDECIDED = Judge.constant(0.0)  # a judge is needed, because without one no features are computed
TILES = {"tile_px": 512, "overlap_px": 64}
SOUND_SHARE, CAPTURED_SHARE = 0.25, 0.25  # of the random works: undamaged; of a bad capture
LONG_PX = (560, 1280)  # limits of the long side to which a work is resized
CLASS_SHARES = (0.3, 0.25, 0.2, 0.1, 0.15)  # how often each of CLASSES is drawn
TRUE_SHARE = 0.4  # a piece of which a larger share is damaged is true
AGE_CRACKS = CLASSES[CRACK]

Sample = tuple[dict[str, float], bool, int]  # features, whether it is damage, area in pixels


def samples(
    works: Sequence[Work], finder: str, network: Network, count: int, seed: int
) -> Iterator[list[Sample]]:
    """The pieces of each of `count` works, see `judged_works` and `pieces_of`."""

    def of_whole(pixels: np.ndarray) -> list[Sample]:
        view = at_most(pixels, WHOLE_PX)
        return _judged(view, np.zeros(view.shape[:2], np.float32), finder, network)

    def of_random(rng: Rng) -> list[Sample]:
        return pieces_of(works, finder, network, rng)

    yield from judged_works(works, count, seed, of_whole, of_random)


def pieces_of(works: Sequence[Work], finder: str, network: Network, rng: Rng) -> list[Sample]:
    """The pieces that a network finds in a random work, undamaged or damaged.

    finder: the role of the network, "segmentation" or "areas". network: from a tile to logits.
    """
    sound = rng.random() < SOUND_SHARE
    pool = hard_works_painted() if sound and rng.random() < HARD_SHARE else works
    pixels = pool[int(rng.integers(len(pool)))].pixels
    view = at_most(pixels, rng.uniform(*LONG_PX))
    true = np.zeros(view.shape[:2], np.float32)
    for kind in () if sound else _drawn_classes(rng):
        view, mask = damage_of(kind, rng, view, max(view.shape) / 1000)
        if kind != AGE_CRACKS:
            true = np.maximum(true, mask)
    if rng.random() < CAPTURED_SHARE:
        view = CAPTURES[int(rng.integers(len(CAPTURES)))](view, rng)
    return _judged(view, true, finder, network)


def _drawn_classes(rng: Rng) -> list[str]:
    """One to three of CLASSES."""
    count = int(rng.integers(1, 4))
    return [str(kind) for kind in rng.choice(CLASSES, count, replace=False, p=CLASS_SHARES)]


def _judged(view: np.ndarray, true: np.ndarray, finder: str, network: Network) -> list[Sample]:
    """The pieces that a network finds in `view`. true: float32 (h, w), the mask of the damage."""
    pieces, labels = _found(to_uint8(view).astype(np.float32) / 255, finder, network)
    near = cv2.dilate((true > 0.1).astype(np.uint8), np.ones((3, 3), np.uint8))
    near = cv2.resize(near, labels.shape[::-1], interpolation=cv2.INTER_NEAREST)
    shares = share_covered(labels, near)
    return [
        (dict(piece.features), bool(shares[piece.label] > TRUE_SHARE), piece.px) for piece in pieces
    ]


def _found(view: np.ndarray, finder: str, network: Network) -> tuple[list[Piece], np.ndarray]:
    """The pieces, and the map of their labels."""
    if finder == "areas":
        size = view_size(view, VIEW_SIDES_PX[0])
        likely = area_probabilities(network, view, size)
        return find_areas(resized(view, size), likely, FINDING, UNDECIDED)
    found = damage_probabilities(network, view, VIEW_SIDES_PX, TILES)
    assert found is not None  # all views were examined
    shown = resized(view, found.shape[:2])
    damage = decide_fill(shown, found, FINDING, UNDECIDED, cracks=False, forced=False)
    return damage.pieces, damage.labels
