"""The training samples of the judge of stains: candidates in works with and without stains."""

from collections.abc import Iterator, Mapping, Sequence

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
from patina.tasks.training.whole_works import WHOLE_PX, at_most, judged_works
from patina.tasks.training.works import Work

SOUND_SHARE, CAPTURED_SHARE = 0.25, 0.25  # of the random works: undamaged; with noise
LONG_PX = (480, 900)  # limits of the long side to which a work is resized
GAIN = 1.25  # a correction improves a work if it divides the squared error by at least this

Sample = tuple[dict[str, float], bool]  # features, whether the correction improves the work


def samples(
    works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int
) -> Iterator[list[Sample]]:
    """The candidates of each of `count` works, see `judged_works`.

    networks: `stain_segmentation` and `stains`.
    """

    def of_whole(pixels: np.ndarray) -> list[Sample]:
        return _judged(at_most(pixels, WHOLE_PX), None, networks)

    def of_random(rng: Rng) -> list[Sample]:
        return _candidates_of(works, networks, rng)

    yield from judged_works(works, count, seed, of_whole, of_random)


def _candidates_of(
    works: Sequence[Work], networks: Mapping[str, Network], rng: Rng
) -> list[Sample]:
    sound = rng.random() < SOUND_SHARE
    pool = hard_works_painted() if sound and rng.random() < HARD_SHARE else works
    clean = at_most(pool[int(rng.integers(len(pool)))].pixels, rng.uniform(*LONG_PX))
    kinds = {kind: weight for kind, (weight, _) in STAIN_MASKS.kinds.items() if kind != SOUND}
    shares = np.array([*kinds.values()]) / sum(kinds.values())
    kind = SOUND if sound else str(rng.choice([*kinds], p=shares))
    twin, _ = stained(kind, clean, rng)
    noisy = rng.random() < CAPTURED_SHARE
    view = (twin + capture.noisy(twin, rng)) / 2 if noisy else twin
    return _judged(view, None if sound else clean, networks)


def _judged(
    view: np.ndarray, clean: np.ndarray | None, networks: Mapping[str, Network]
) -> list[Sample]:
    """The candidates in `view`. clean: the same work without its stains; None if it has none."""
    shown = examined_view(to_float(to_uint8(np.clip(view, 0, 1))))
    true = None if clean is None else resized(clean, shown.shape[:2])
    return [
        (
            dict(each.features),
            true is not None and _improves(each, shown, true, networks["stains"]),
        )
        for each in find_candidates(shown, networks)
    ]


def _improves(each: Candidate, view: np.ndarray, clean: np.ndarray, correct: Network) -> bool:
    """Whether the correction of a candidate brings `view` nearer to `clean`, both (h, w, 3)."""
    place = marked(each.inside)
    before, after = (
        float(np.square(shown - clean)[place].mean())
        for shown in (view, corrected(view, each.inside, correct))
    )
    return before > GAIN * after
