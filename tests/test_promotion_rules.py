"""The gate: each rule fails for its own reason."""

import pytest

from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.evaluation.promotion_rules import HARD, OWN, gate
from patina.tasks.io.atomic import Record


def rows(**challenger: float) -> list[Record]:
    """A champion with 30 dB, and 50 dB for undamaged works; and the challenger's PSNR by group."""
    better = {"blur": 31.0, "jpeg": 31.0, SOUND: 100.0}
    champion = {"blur": 30.0, "jpeg": 30.0, SOUND: 50.0}
    return [
        {"group": group, "champion": champion[group], "challenger": made}
        for group, made in (better | challenger).items()
    ]


@pytest.mark.parametrize(
    ("challenger", "failing"),
    [
        ({}, None),
        ({"jpeg": 29.85}, None),
        ({"jpeg": 29.7}, "jpeg"),
        ({"jpeg": 29.9, "blur": 30.05}, "beats the champion on the mean"),
        ({SOUND: 45.5}, None),
        ({SOUND: 44.0}, "does no harm"),
    ],
)
def test_a_challenger_is_promoted_unless_a_rule_fails(
    challenger: dict[str, float], failing: str | None
) -> None:
    rules = gate(rows(**challenger))
    assert [rule.name.split(":")[0] for rule in rules if not rule.holds] == (
        [failing] if failing else []
    )


def test_a_challenger_passes_if_the_champion_harms_undamaged_works_more() -> None:
    harmed = [
        {**row, "champion": 40.0, "challenger": 41.0} if row["group"] == SOUND else row
        for row in rows()
    ]
    assert all(rule.holds for rule in gate(harmed))


def test_a_rule_prints_its_figures() -> None:
    lines = [str(rule) for rule in gate(rows(jpeg=29.0))]
    assert "FAILS  jpeg: 30.00 -> 29.00 dB" in lines
    assert "holds  blur: 30.00 -> 31.00 dB" in lines


@pytest.mark.parametrize(
    ("champion", "challenger", "holds"),
    [
        (100.0, 45.0, True),
        (100.0, 44.9, False),
        (27.0, 26.95, True),  # harmed by the champion, and hardly more by the challenger
        (27.0, 26.8, False),
        (45.05, 44.97, True),
    ],
)
@pytest.mark.parametrize("group", [HARD, OWN])
def test_no_hard_work_may_be_harmed_more_than_before(
    group: str, champion: float, challenger: float, holds: bool
) -> None:
    hard = [
        {"group": group, "work": "stars-600", "champion": 100.0, "challenger": 100.0},
        {"group": group, "work": "pearls-600", "champion": champion, "challenger": challenger},
    ]
    failed = [rule for rule in gate(rows() + hard) if not rule.holds]
    assert not failed if holds else "pearls-600" in failed[0].name


def test_an_improvement_on_one_work_does_not_compensate_for_harm_to_another() -> None:
    hard = [
        {"group": HARD, "work": "stars-600", "champion": 30.0, "challenger": 60.0},
        {"group": HARD, "work": "pearls-600", "champion": 60.0, "challenger": 44.0},
    ]
    (failed,) = (rule for rule in gate(rows() + hard) if not rule.holds)
    assert str(failed) == (
        "FAILS  harms none of the hard sound works (2 works); the closest is pearls-600: "
        "60.00 -> 44.00 dB"
    )
