"""The features that compare a piece of damage with the other pieces of the same work."""

import numpy as np
import pytest

from patina.models import CLASSES
from patina.tasks.restoration import piece_context
from patina.tasks.restoration.piece_context import CONTEXT_FEATURES, SCALES, context_features

SIZE = (600, 800)
PALE = dict.fromkeys(SCALES, 0.0) | {"light": 0.9, "ground": 0.5, "probability": 0.8}
PALE |= dict.fromkeys(CLASSES, 0.0) | {"line": 1.0}
DARK = PALE | {"light": 0.1}
BOX = (100, 200, 40, 3)  # left, top, width, height


def features_of(*pieces: dict[str, float]) -> list[dict[str, float]]:
    return context_features(pieces, [BOX] * len(pieces), [100] * len(pieces), SIZE)


def test_a_piece_alone_has_no_similar_ones() -> None:
    (alone,) = features_of(PALE)
    assert tuple(alone) == CONTEXT_FEATURES
    assert alone["alike"] == alone["most_alike"] == alone["alike_probability"] == 0
    assert alone["others_probability"] == 0
    assert alone["from_edge"] == pytest.approx(np.log(100 + 4))  # nearest to the left edge
    assert alone["extent"] == pytest.approx(40 / 800 + 3 / 600)


def test_similar_pieces_support_each_other_by_their_probability() -> None:
    first, second, other = features_of(PALE, PALE | {"probability": 0.9}, DARK)
    # A piece of 100 pixels has the weight 10; the imagined one of probability 0.5 has 20
    assert first["most_alike"] == second["most_alike"] == 1
    assert first["alike"] == pytest.approx(np.log(11))
    assert first["alike_probability"] == pytest.approx(10 * np.log(9) / 30)
    assert second["alike_probability"] == pytest.approx(10 * np.log(4) / 30)
    assert other["alike"] == 0  # darker than its ground, and so unlike the others
    assert other["others_probability"] == pytest.approx(10 * (np.log(9) + np.log(4)) / 40)


def test_pieces_of_another_class_or_colour_are_less_similar() -> None:
    spot = PALE | {"line": 0.0, "spot": 1.0}
    assert features_of(PALE, spot)[0]["most_alike"] == pytest.approx(0.4)
    paler = PALE | {"light": 0.9 + 2 * SCALES["light"]}
    assert features_of(PALE, paler)[0]["most_alike"] == pytest.approx(np.exp(-1))


def test_many_pieces_are_compared_in_parts_with_the_largest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    pieces = [PALE | {"light": float(light)} for light in rng.uniform(0.6, 1, 50)]
    boxes, areas = [BOX] * 50, [int(px) for px in rng.integers(4, 3000, 50)]
    whole = context_features(pieces, boxes, areas, SIZE)
    monkeypatch.setattr(piece_context, "ROWS_AT_ONCE", 7)
    in_parts = context_features(pieces, boxes, areas, SIZE)
    for one, other in zip(whole, in_parts, strict=True):
        assert one == pytest.approx(other)
    monkeypatch.setattr(piece_context, "MAX_COMPARED", 1)
    largest = int(np.argmax(areas))
    alike = [each["alike"] for each in context_features(pieces, boxes, areas, SIZE)]
    assert [number for number, weight in enumerate(alike) if weight == 0] == [largest]
