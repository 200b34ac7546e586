"""Works -> the training, validation and test sides, never one work on two.

The side follows from a hash of the work's group (its near-duplicates and itself), so it does not
depend on the order or number of the other works.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from patina.errors import InputError

SIDES = ("train", "validation", "test")
NEAR_BITS = 6  # of 64: what a new encoding or scale of the same picture changes at most


def group_works(phashes: Mapping[str, str]) -> dict[str, str]:
    """Work id -> the id that names its group, the first of the group's ids.

    phashes: work id -> perceptual hash, 16 hex digits. Works within NEAR_BITS of each other share
    a group, and so do the neighbours of neighbours.
    """
    ids = sorted(phashes)
    hashes = np.array([int(phashes[work], 16) for work in ids], np.uint64)
    groups: dict[str, str] = {}
    left = np.arange(len(ids))
    while left.size:
        name, reached, left = ids[left[0]], [left[0]], left[1:]
        groups[name] = name
        while reached:  # one work against all that are left: memory does not grow with the pairs
            near = np.bitwise_count(hashes[left] ^ hashes[reached.pop()]) <= NEAR_BITS
            found, left = left[near].tolist(), left[~near]
            groups |= {ids[number]: name for number in found}
            reached += found
    return groups


def deal(
    groups: Mapping[str, str], *, seed: int, validation: float, test: float, least_test_works: int
) -> dict[str, str]:
    """Work id -> its side.

    groups: work id -> group id. validation, test: shares of the works, unitless.
    A small collection fills its test side up to `least_test_works` with the validation works that
    hash next to it; as works are added these may go back to validation. No work ever passes
    between training and the other two, as long as the held-out shares hold enough test works and
    its group keeps its name (a near-duplicate with an earlier id would give it another).
    Raises ValueError when no work is left for training.
    """
    if len(groups) <= least_test_works:
        raise InputError(
            f"split: {len(groups)} works leave none to train on beside {least_test_works} test "
            "works; collect more or lower split.least_test_works"
        )
    place = {group: _place(group, seed) for group in groups.values()}
    order = sorted(groups, key=lambda work: (place[groups[work]], work))
    by_share = sum(place[groups[work]] < test for work in order)
    last_test = place[groups[order[max(by_share, least_test_works) - 1]]]
    test_below = max(test, np.nextafter(last_test, 1.0)) if by_share < least_test_works else test
    sides = {
        work: _side(place[group], test_below, test + validation) for work, group in groups.items()
    }
    if "train" not in sides.values():
        raise InputError(
            f"split: none of the {len(groups)} works, in {len(place)} groups of near-duplicates, "
            "falls to training; collect more, or take another split.seed"
        )
    return dict(sorted(sides.items()))


def _side(place: float, test_below: float, validation_below: float) -> str:
    if place < test_below:
        return "test"
    return "validation" if place < validation_below else "train"


def _place(group: str, seed: int) -> float:
    """A number in [0, 1) that only the group and the seed decide."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
