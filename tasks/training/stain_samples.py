"""The training samples of the judge of stains: candidates in works with and without stains."""

from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.stain_detection import (
    Candidate,
    corrected,
    examined_view,
    find_candidates,
    marked,
)
from patina.tasks.restoration.tiling import Network
from patina.tasks.training import capture
from patina.tasks.training.curriculum import HARD_SHARE, Rng, hard_works_painted
from patina.tasks.training.stain_masks import STAIN_MASKS, stained
from patina.tasks.training.works import Work

SOUND_SHARE, CAPTURED_SHARE = 0.55, 0.25  # shares of undamaged works, and of works with noise
LONG_PX = (480, 900)  # limits of the long side to which a work is resized
GAIN = 1.25  # a correction improves a work if it divides the squared error by at least this

Sample = tuple[dict[str, float], bool]  # features, whether the correction improves the work


def samples(
    works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int
) -> Iterator[list[Sample]]:
    """The candidates of each of `count` works; they depend only on the seed.

    networks: `stain_segmentation` and `stains`.
    """
    for number in range(count):
        yield _candidates_of(works, networks, np.random.default_rng([seed, number]))


def _candidates_of(
    works: Sequence[Work], networks: Mapping[str, Network], rng: Rng
) -> list[Sample]:
    sound = rng.random() < SOUND_SHARE
    pool = hard_works_painted() if sound and rng.random() < HARD_SHARE else works
    pixels = np.asarray(pool[int(rng.integers(len(pool)))].pixels)
    share = min(1.0, rng.uniform(*LONG_PX) / max(pixels.shape[:2]))
    size = round(pixels.shape[1] * share), round(pixels.shape[0] * share)
    clean = to_float(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    kinds = {kind: weight for kind, (weight, _) in STAIN_MASKS.kinds.items() if kind != SOUND}
    shares = np.array([*kinds.values()]) / sum(kinds.values())
    kind = SOUND if sound else str(rng.choice([*kinds], p=shares))
    twin, _ = stained(kind, clean, rng)
    if rng.random() < CAPTURED_SHARE:
        twin = (twin + capture.noisy(twin, rng)) / 2
    view = examined_view(to_float(to_uint8(np.clip(twin, 0, 1))))
    clean = resized(clean, view.shape[:2])
    return [
        (dict(each.features), not sound and _improves(each, view, clean, networks["stains"]))
        for each in find_candidates(view, networks)
    ]


def _improves(each: Candidate, view: np.ndarray, clean: np.ndarray, correct: Network) -> bool:
    """Whether the correction of a candidate brings `view` nearer to `clean`, both (h, w, 3)."""
    place = marked(each.inside)
    before, after = (
        float(np.square(shown - clean)[place].mean())
        for shown in (view, corrected(view, each.inside, correct))
    )
    return before > GAIN * after
