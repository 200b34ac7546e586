"""What users ask for in words."""

import pytest

from patina.tasks.restoration.options import applied, strengths, treatments


def test_treatments_are_named_in_any_order_and_a_wrong_name_is_told() -> None:
    assert treatments("colour, damage") == ("damage", "colour")
    with pytest.raises(ValueError, match="color: not one of damage, detail, colour"):
        treatments("detail,color")


@pytest.mark.parametrize(
    ("named", "given"),
    [
        ("1", (1, 1, 1)),
        ("0.5", (0.5, 0.5, 0.5)),
        ("damage:0.5, colour:0", (0.5, 1, 0)),
        ("0.2,detail:1", (0.2, 1, 0.2)),
    ],
)
def test_strengths_are_named_for_all_or_for_each(named: str, given: tuple[float, ...]) -> None:
    assert strengths(named) == given


@pytest.mark.parametrize(
    "named", ["", "2", "-0.1", "nan", "half", "damage", "texture:1", "0.5:0.5"]
)
def test_a_strength_that_is_none_is_named(named: str) -> None:
    with pytest.raises(ValueError, match=r"strength: .*: neither a number from 0 to 1"):
        strengths(named)


def test_what_is_not_asked_for_is_left_to_the_params() -> None:
    assert applied("", "", "1") == {"sure": (), "strength": (1, 1, 1)}
    assert applied("detail", "colour", "0.5")["treat"] == ("detail",)
