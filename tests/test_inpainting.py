"""Damage is filled where what a network fills it with is what its surroundings suggest."""

import numpy as np
import pytest

from patina.models import DAMAGE, DETAIL, FILL
from patina.tasks.restoration.inpainting import AGREED, agreement, doubted, filled, likelihood

GREY, BLACK, PALE = 0.5, 0.1, 0.9
SPOT, OTHER = np.s_[20:24, 30:34], np.s_[50:54, 10:14]


def spotted(*spots: tuple[slice, slice]) -> np.ndarray:
    """(1, 64, 64, 3): grey, with black spots."""
    image = np.full((1, 64, 64, 3), GREY, np.float32)
    for spot in spots:
        image[0][spot] = BLACK
    return image


def filled_with(colour: float, *spots: tuple[slice, slice], likely: float = 0.95) -> np.ndarray:
    """What a network gives that takes the spots of `spotted` for damage, and fills all so."""
    parts = np.zeros((1, 64, 64, 7), np.float32)
    parts[..., DAMAGE] = -9
    parts[..., FILL] = colour - BLACK
    for spot in spots:
        parts[0][spot][..., DAMAGE] = np.log(likely / (1 - likely))
    return parts


def share_of(parts: np.ndarray) -> np.ndarray:
    return filled(likelihood(parts), parts[..., AGREED])


def test_a_fill_that_its_surroundings_suggest_is_agreed_on() -> None:
    judged = doubted(lambda _: filled_with(GREY, SPOT))(spotted(SPOT))[0]
    np.testing.assert_allclose(judged[SPOT][..., AGREED], 1, atol=1e-3)
    np.testing.assert_array_equal(share_of(judged[SPOT]), 1)
    assert not share_of(judged[OTHER]).any()


def test_a_fill_is_half_of_what_inpainting_gives() -> None:
    judged = doubted(lambda _: filled_with(0.6, SPOT))(spotted(SPOT))
    fill = BLACK + judged[0][SPOT][..., FILL]
    np.testing.assert_allclose(fill, (0.6 + GREY) / 2, atol=1 / 255)


def test_a_fill_that_nothing_near_suggests_is_left_out() -> None:
    image = spotted(SPOT)
    image[0][SPOT] = GREY  # nothing is there, and inpainting would change nothing
    judged = doubted(lambda _: filled_with(PALE, SPOT))(image)[0]
    assert judged[SPOT][..., AGREED].max() < 0.01
    assert not share_of(judged).any()


def test_each_area_is_judged_alone() -> None:
    image, given = spotted(SPOT, OTHER), filled_with(GREY, SPOT, OTHER)
    given[0][OTHER][..., FILL] = BLACK - GREY  # darker still
    judged = doubted(lambda _: given)(image)[0]
    assert share_of(judged[SPOT]).min() == 1
    assert share_of(judged[OTHER]).max() == 0


def test_all_but_the_fill_of_what_may_be_damage_is_as_the_network_gave_it() -> None:
    given = filled_with(PALE, SPOT)
    given[..., DETAIL] = 0.03
    before = given.copy()
    judged = doubted(lambda _: given)(spotted(SPOT))[..., :7]
    np.testing.assert_array_equal(given, before)
    np.testing.assert_array_equal(judged[..., :4], before[..., :4])
    changed = np.any(judged != before, axis=3)[0]
    assert changed[SPOT].all()
    assert changed.sum() == 16
    unlikely = doubted(lambda _: filled_with(PALE, SPOT, likely=0.4))(spotted(SPOT))
    assert not unlikely[..., AGREED].any()
    assert not share_of(unlikely).any()


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(0.2, 0.2, 1), (0.2, 0.1, 0.8), (0.2, 0, 0), (0.2, -0.2, 0), (0, 0, 0)],
)
@pytest.mark.parametrize("length_px", [5, 300])
def test_agreement_is_one_for_equal_changes(
    one: float, other: float, expected: float, length_px: int
) -> None:
    changes = [np.full((300, 9, 3), change, np.float32) for change in (one, other)]
    weights = np.zeros((300, 9), np.float32)
    weights[:length_px, 3:5] = 0.7
    found = agreement(*changes, weights)[weights > 0]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_long_area_is_judged_in_parts() -> None:
    one = np.full((400, 9, 3), 0.2, np.float32)
    other = one.copy()
    other[200:] = -0.2
    found = agreement(one, other, np.ones((400, 9), np.float32))
    np.testing.assert_allclose(found[:150], 1, atol=1e-3)
    np.testing.assert_allclose(found[250:], 0, atol=1e-3)
