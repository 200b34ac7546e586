"""Places that may be damage, but are not certain enough for the gates."""

from dataclasses import replace

import numpy as np
import pytest

from patina.tasks.restoration.damage import FILLED, KEPT, PROPOSED, Damage, Piece
from patina.tasks.restoration.doubtful import (
    LEAST,
    REASON,
    certainty,
    doubtful_sentence,
    with_doubtful,
)

SIZE = (40, 90)


def damage_of(*probabilities: float, outcome: str = FILLED) -> Damage:
    """Areas of 10 × 10 pixels side by side, with labels from 1 on; those of probability 0 lack."""
    labels = np.zeros(SIZE, np.int32)
    pieces = []
    for label, true in enumerate(probabilities, 1):
        if true:
            labels[10:20, 20 * label - 10 : 20 * label] = label
            box = (20 * label - 10, 10, 10, 10)
            pieces.append(Piece(label, 1, box, 100, False, 0.9, 1.0, true, outcome=outcome))
    fill = ((labels > 0) & (outcome == FILLED)).astype(np.float32)
    return Damage(pieces, fill, 0 * fill, (labels > 0).astype(np.float32), labels)


def test_places_that_the_gates_leave_out_are_proposed_and_what_is_filled_stays() -> None:
    damage, every = damage_of(0, 0.2), damage_of(0.7, 0.2, 0.4)
    found = with_doubtful(damage, every)
    assert [(p.judge_probability, p.outcome) for p in found.pieces] == [
        (0.2, FILLED),
        (0.7, PROPOSED),
        (0.4, PROPOSED),
    ]
    np.testing.assert_array_equal(found.fill, damage.fill)
    np.testing.assert_array_equal(found.found, every.found)
    for piece in found.pieces:
        left, top, wide, tall = piece.box
        assert (found.labels[top : top + tall, left : left + wide] == piece.label).all()
        assert piece.px == (found.labels == piece.label).sum() == 100


def test_the_least_likely_places_are_left_out_and_age_cracks_are_still_kept() -> None:
    nothing = damage_of(0, 0, 0)
    assert with_doubtful(nothing, damage_of(LEAST / 2)) == nothing
    (cracks,) = with_doubtful(nothing, damage_of(0.9, outcome=KEPT)).pieces
    assert (cracks.outcome, cracks.reason) == (KEPT, "")


@pytest.mark.parametrize(
    ("probability", "word"), [(0.6, "likely"), (0.59, "uncertain"), (0.29, "unlikely")]
)
def test_a_probability_has_a_word(probability: float, word: str) -> None:
    assert certainty(damage_of(probability).pieces[0]) == word


def test_doubtful_places_are_counted_by_their_certainty() -> None:
    pieces = with_doubtful(damage_of(0, 0, 0, 0), damage_of(0.7, 0.1, 0.4, 0.1)).pieces
    assert doubtful_sentence(pieces) == (
        "4 further places may be damage and are not filled: 1 likely, 1 uncertain, 2 unlikely."
    )
    assert doubtful_sentence([replace(pieces[0], reason="")]) == ""
    assert doubtful_sentence(pieces[:1]).startswith("1 further place may be damage and is")
    assert pieces[0].reason == REASON
