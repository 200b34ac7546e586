"""Splits works into training, validation and test sets ("sides"); no work is in two of them.

A hash of the work's group (the work and its near-duplicates) decides the side. So it does not
depend on the order or number of the other works.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from patina.errors import InputError

SIDES = ("train", "validation", "test")
NEAR_BITS = 6  # of 64: the most bits that differ after re-encoding or scaling a picture


def group_works(phashes: Mapping[str, str]) -> dict[str, str]:
    """Work id -> group id, which is the first id of the group's works.

    phashes: work id -> perceptual hash, 16 hex digits. Works whose hashes differ in at most
    NEAR_BITS bits share a group, and so do the neighbours of neighbours.
    """
    ids = sorted(phashes)
    hashes = np.array([int(phashes[work], 16) for work in ids], np.uint64)
    groups: dict[str, str] = {}
    left = np.arange(len(ids))
    while left.size:
        name, reached, left = ids[left[0]], [left[0]], left[1:]
        groups[name] = name
        while reached:  # compare one work with all others, which needs no table of all pairs
            near = np.bitwise_count(hashes[left] ^ hashes[reached.pop()]) <= NEAR_BITS
            found, left = left[near].tolist(), left[~near]
            groups |= {ids[number]: name for number in found}
            reached += found
    return groups


def deal(
    groups: Mapping[str, str], *, seed: int, validation: float, test: float, least_test_works: int
) -> dict[str, str]:
    """Work id -> side.

    groups: work id -> group id. validation, test: shares of the works, unitless.
    A work is in the test side if its hash is below `test`, in the validation side if it is below
    `test + validation`, and else in the training side. If this gives fewer than `least_test_works`
    test works, the works with the next hashes are test works, too: works of the validation side,
    and in a very small collection of the training side. In a collection that has grown enough, they
    are in the validation or training side again.

    So an added work changes the side of training works in two cases only: the test side needs works
    of the training side, or no longer needs them; or the added work is a near-duplicate with an
    earlier id, or joins two groups, so that a group gets another id, and another hash.
    Raises InputError if no work is left for training.
    """
    if len(groups) <= least_test_works:
        raise InputError(
            f"split: there are only {len(groups)} works for {least_test_works} test works; "
            "collect more, or lower split.least_test_works"
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
            "is in the training set; collect more, or change split.seed"
        )
    return dict(sorted(sides.items()))


def _side(place: float, test_below: float, validation_below: float) -> str:
    if place < test_below:
        return "test"
    return "validation" if place < validation_below else "train"


def _place(group: str, seed: int) -> float:
    """A number in [0, 1) that depends on the group and the seed only."""
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
