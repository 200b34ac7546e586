"""The texts of options."""

import pytest

from patina.tasks.restoration.options import (
    limited_gates,
    strengths,
    treatment_arguments,
    treatments,
)


def test_treatments_may_have_any_order_and_an_unknown_one_is_an_error() -> None:
    assert treatments("tone, damage") == ("damage", "tone")
    assert treatments("craquelure,detail") == ("detail", "craquelure")
    with pytest.raises(
        ValueError, match="color: unknown; known: detail, damage, stains, tone, craquelure"
    ):
        treatments("detail,color")


@pytest.mark.parametrize(
    ("named", "given"),
    [
        ("1", (1, 1, 1, 1, 1)),
        ("0.5", (0.5, 0.5, 0.5, 0.5, 0.5)),
        ("damage:0.5, tone:0", (1, 0.5, 1, 0, 1)),
        ("0.2,detail:1", (1, 0.2, 0.2, 0.2, 0.2)),
        ("colour:0.3", (1, 1, 1, 0.3, 1)),
    ],
)
def test_a_strength_is_given_for_all_treatments_or_for_each(
    named: str, given: tuple[float, ...]
) -> None:
    assert strengths(named) == given


@pytest.mark.parametrize(
    "named", ["", "2", "-0.1", "nan", "half", "damage", "texture:1", "0.5:0.5"]
)
def test_an_invalid_strength_is_an_error(named: str) -> None:
    with pytest.raises(ValueError, match=r"strength: .*: give a number from 0 to 1"):
        strengths(named)


def test_options_that_are_not_given_have_the_values_of_params() -> None:
    assert treatment_arguments("", "", "1") == {"forced": (), "strength": (1,) * 5}
    arguments = treatment_arguments("detail", "tone", "0.5")
    assert arguments["treat"] == ("detail",)
    assert arguments["forced"] == ("tone",)


def test_colour_is_the_older_name_of_tone() -> None:
    assert treatments("damage,colour") == treatments("damage,tone")
    assert treatment_arguments("colour", "colour", "colour:0.5") == treatment_arguments(
        "tone", "tone", "tone:0.5"
    )


def test_none_is_a_valid_list_of_treatments() -> None:
    assert treatment_arguments("none", "", "1")["treat"] == ()
    with pytest.raises(ValueError, match="treat: none: unknown; known"):
        treatments("none,tone")


@pytest.mark.parametrize(("named", "area"), [("0.5%", 0.005), ("0.005", 0.005), ("3 %", 0.03)])
def test_the_limit_of_an_automatic_fill_is_a_share_of_the_work(named: str, area: float) -> None:
    usual = {"fill_area": 0.001, "fill_share": 0.02, "tone_255": 11.5}
    arguments = limited_gates(named, usual)
    assert arguments["fill_area"] == arguments["fill_area_surely"] == pytest.approx(area)
    # Otherwise one such area would exceed the limit of the filled share
    assert arguments["fill_share"] == max(arguments["fill_area"], 0.02)
    assert arguments["tone_255"] == 11.5
    assert limited_gates("", usual) == usual


@pytest.mark.parametrize("named", ["5", "-0.1", "half", "0.5%%", "0.5% of it", "nan", "101%"])
def test_an_invalid_limit_is_an_error(named: str) -> None:
    with pytest.raises(ValueError, match=r"limit-fill: .*: give a share of the work, such as"):
        limited_gates(named, {"fill_share": 0.02})
