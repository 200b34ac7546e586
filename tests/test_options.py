"""What users ask for in words."""

import pytest

from patina.tasks.restoration.options import applied, strengths, treatments


def test_treatments_are_named_in_any_order_and_a_wrong_name_is_told() -> None:
    assert treatments("tone, damage") == ("damage", "tone")
    assert treatments("craquelure,detail") == ("detail", "craquelure")
    with pytest.raises(ValueError, match="color: not one of detail, damage, tone, craquelure"):
        treatments("detail,color")


@pytest.mark.parametrize(
    ("named", "given"),
    [
        ("1", (1, 1, 1, 1)),
        ("0.5", (0.5, 0.5, 0.5, 0.5)),
        ("damage:0.5, tone:0", (1, 0.5, 0, 1)),
        ("0.2,detail:1", (1, 0.2, 0.2, 0.2)),
        ("colour:0.3", (1, 1, 0.3, 1)),
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
    assert applied("", "", "1") == {"forced": (), "strength": (1, 1, 1, 1)}
    asked = applied("detail", "tone", "0.5")
    assert asked["treat"] == ("detail",)
    assert asked["forced"] == ("tone",)


def test_colour_is_the_older_name_of_tone() -> None:
    assert treatments("damage,colour") == treatments("damage,tone")
    assert applied("colour", "colour", "colour:0.5") == applied("tone", "tone", "tone:0.5")
