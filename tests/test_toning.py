"""The correction of colours: the same at every size, recorded in numbers, and only if it is
large.
"""

import numpy as np
import pytest

from patina.models import TONE
from patina.tasks.imaging.images import view_of
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.sidecars import OutputOptions, flags_of
from patina.tasks.restoration.tiling import Network
from patina.tasks.restoration.toning import NO_TONE, Tone, tone_of


def giving(*, gain: float = 0, offset: float = 0, red: float = 0, blue: float = 0) -> Network:
    """A network with this constant output.

    red, blue: changes of these channels for each part of blue.
    """

    def network(view: np.ndarray) -> np.ndarray:
        assert view.shape == (1, TONE.view_px, TONE.view_px, 3)
        change = np.zeros((1, TONE.grid, TONE.grid, 19), np.float32)
        change[..., TONE.gain], change[..., TONE.offset] = gain, offset
        matrix = np.zeros((3, 4), np.float32)
        matrix[0, 2], matrix[2, 2] = red, blue
        change[..., TONE.matrix] = matrix.ravel()
        return change

    return network


def gate(tone_255: float, tone_full_255: float = 0) -> Gates:
    return Gates.opened(tone_255=tone_255, tone_full_255=tone_full_255)


VIEW = np.float32(0.2) + np.float32(0.5) * np.random.default_rng(0).random((90, 70, 3), np.float32)
MIDDLE = 0.45  # of VIEW


def contrast(rms_255: float) -> Network:
    """A network that raises the contrast of VIEW by that amount, root mean square."""
    small = view_of(VIEW, TONE.view_px)
    gain = rms_255 / 255 / float(np.sqrt(np.mean(np.square(small - MIDDLE))))
    return giving(gain=gain, offset=-gain * MIDDLE)


@pytest.mark.parametrize(("rms_255", "weight"), [(10, 0), (19.8, 0), (22.5, 0.5), (25.2, 1)])
def test_colours_are_not_corrected_if_the_change_would_be_small(
    rms_255: float, weight: float
) -> None:
    found = tone_of({"tone": contrast(rms_255)}, VIEW, gate(20), forced=False)
    assert found.amount_255 == pytest.approx(rms_255, abs=0.05)
    assert found.weight == pytest.approx(weight, abs=0.02)
    full = tone_of({"tone": contrast(rms_255)}, VIEW, gate(20), forced=True)
    change, of_full = (each.applied(VIEW, VIEW.shape[:2], 0) - VIEW for each in (found, full))
    np.testing.assert_allclose(change, found.weight * of_full, atol=1e-6)


def test_fading_is_corrected_only_in_a_work_without_black() -> None:
    seen = tone_of({"tone": contrast(30)}, VIEW, gate(20), forced=False)
    assert (seen.kind, seen.weight) == ("fading", 1)
    black = VIEW.copy()
    black[:9] = 0.02
    assert tone_of({"tone": contrast(30)}, black, gate(20), forced=False).weight == 0
    assert tone_of({"tone": contrast(30)}, black, gate(20), forced=False).kind == ""
    assert tone_of({"tone": contrast(30)}, black, gate(20), forced=True).kind == "fading"


def test_yellowing_is_corrected_only_in_a_work_without_cool_colours() -> None:
    yellow = VIEW * np.float32([1, 0.9, 0.2])
    whiter = giving(blue=3.0)
    seen = tone_of({"tone": whiter}, yellow, gate(20), forced=False)
    assert (seen.kind, seen.weight) == ("yellowing", 1)
    yellow[:9] = (0.3, 0.35, 0.5)
    assert tone_of({"tone": whiter}, yellow, gate(20), forced=False).weight == 0
    assert tone_of({"tone": whiter}, yellow, gate(20), forced=True).weight == 1


def test_the_more_yellow_a_work_is_the_fewer_signs_are_needed() -> None:
    yellow = VIEW * np.float32([1, 0.9, 0.33])  # the coolest b* is 4
    weak, strong = (
        tone_of({"tone": giving(blue=blue)}, yellow, gate(5), forced=False) for blue in (0.4, 1.0)
    )
    assert weak.amount_255 < 15 < strong.amount_255
    assert (weak.weight, strong.weight) == (0, 1)


def test_the_colour_of_bare_paper_is_changed_only_if_tone_is_forced() -> None:
    paper = np.full((90, 70, 3), (0.85, 0.8, 0.65), np.float32)
    network = giving(blue=0.3)
    assert tone_of({"tone": network}, paper, gate(20), forced=False).weight == 0
    assert tone_of({"tone": network}, paper, gate(20), forced=True).weight == 1


def test_a_faded_painting_is_corrected_and_a_plain_sheet_or_cover_is_not() -> None:
    stretched = giving(gain=3.0, offset=-3.0 * 0.35)
    faded = np.float32(0.3) + np.float32(0.1) * VIEW
    faded[40:] += 0.12
    found = tone_of({"tone": stretched}, faded, gate(5), forced=False)
    assert (found.kind, found.weight) == ("fading", 1)
    for colour in ((0.75, 0.75, 0.7), (0.5, 0.5, 0.5), (0.5, 0.4, 0.3), (0.25, 0.35, 0.28)):
        plain = np.float32(colour) + np.float32(0.1) * VIEW
        assert tone_of({"tone": stretched}, plain, gate(5), forced=False).weight == 0
        assert tone_of({"tone": stretched}, plain, gate(5), forced=True).weight == 1


def test_a_print_without_black_is_proposed_because_matt_paper_has_none() -> None:
    stretched = giving(gain=1.0, offset=-0.45)
    photograph = np.float32(0.2) + np.float32(0.5) * VIEW.mean(axis=2, keepdims=True) * [
        1,
        0.97,
        0.9,
    ]
    photograph[::2] += 0.2
    view = photograph.astype(np.float32)
    found = tone_of({"tone": stretched}, view, gate(5), forced=False)
    assert (found.kind, found.weight) == ("fading", 0)
    assert tone_of({"tone": stretched}, view, gate(5), forced=True).weight == 1


def test_other_changes_of_colour_are_reported_and_not_corrected() -> None:
    found = tone_of({"tone": giving(offset=0.12)}, VIEW, gate(20), forced=False)
    assert (found.kind, found.weight) == ("darkening", 0)


def test_forced_tone_is_applied_in_full() -> None:
    assert tone_of({"tone": giving(offset=0.01)}, VIEW, gate(20), forced=True).weight == 1


def test_the_matrix_is_applied_before_gain_and_offset() -> None:
    found = tone_of({"tone": giving(gain=0.5, offset=-0.1, red=0.2)}, VIEW, gate(20), forced=True)
    expected = VIEW.copy()
    expected[..., 0] += np.float32(0.2) * VIEW[..., 2]
    expected = expected * np.float32(1.5) - np.float32(0.1)
    np.testing.assert_allclose(found.applied(VIEW, VIEW.shape[:2], 0), expected, atol=1e-5)


def test_tone_applied_in_strips_equals_tone_applied_to_the_whole_work() -> None:
    rng = np.random.default_rng(1)
    fields = rng.normal(0, 0.1, (TONE.grid, TONE.grid, 6)).astype(np.float32)
    tone = Tone(rng.normal(0, 0.1, (3, 4)).astype(np.float32), fields, 0.7, 50)
    whole = tone.applied(VIEW, VIEW.shape[:2], 0)
    strips = [tone.applied(VIEW[top : top + 13], VIEW.shape[:2], top) for top in range(0, 90, 13)]
    np.testing.assert_allclose(np.concatenate(strips), whole, atol=1e-6)


def test_the_record_has_the_numbers_of_the_change() -> None:
    found = tone_of({"tone": giving(gain=0.25, red=0.2)}, VIEW, gate(20), forced=True)
    record = found.record()
    assert record["weight"] == 1
    assert record["amount_255"] > 25
    assert record["matrix"][0] == pytest.approx([0, 0, 0.2, 0])
    assert np.shape(record["fields"]) == (TONE.grid, TONE.grid, 6)
    assert NO_TONE.record() == {"weight": 0, "amount_255": 0}


def test_half_of_the_full_correction_is_applied_and_all_of_it_if_only_force_asks_for_it() -> None:
    networks = {"tone": contrast(23), "tone_full": contrast(36)}
    forced, usual = (tone_of(networks, VIEW, gate(20), forced=forced) for forced in (True, False))
    assert forced.weight == 1
    assert 0 < usual.weight < 1
    assert usual.amount_255 == pytest.approx(23, abs=0.5)  # of `tone`
    assert usual.record()["amount_full_255"] == pytest.approx(35.3, abs=0.5)
    alone, full = (
        tone_of({"tone": each}, VIEW, gate(20), forced=True) for each in networks.values()
    )
    for found in (forced, usual):
        np.testing.assert_allclose(found.fields, (alone.fields + full.fields) / 2, atol=1e-6)
    unsure = networks | {"tone": contrast(10)}
    found = tone_of(unsure, VIEW, gate(20), forced=True)
    np.testing.assert_array_equal(found.fields, full.fields)
    assert found.weight == 1


@pytest.mark.parametrize(
    ("tone", "tone_full", "weight", "kind"),
    [
        (contrast(30), contrast(45), 1, "fading"),
        (contrast(30), contrast(10), 0, "fading"),  # proposed if one network sees it
        (contrast(10), contrast(45), 0, "fading"),
        (contrast(10), contrast(10), 0, ""),
        (contrast(30), giving(offset=0.2), 0, "fading"),  # they do not see the same damage
        (giving(), giving(offset=0.2), 0, "darkening"),
    ],
)
def test_colours_are_corrected_only_if_both_networks_see_the_same_damage(
    tone: Network, tone_full: Network, weight: float, kind: str
) -> None:
    found = tone_of({"tone": tone, "tone_full": tone_full}, VIEW, gate(20, 30), forced=False)
    assert (found.weight, found.kind) == (weight, kind)
    flags = [f"possible {kind}, not corrected"] if kind and not weight else []
    facts = {"tone": found.record(), "delta_e2000": {"inside_damage": None, "mean": 0.0}}
    assert flags_of(facts, OutputOptions()) == flags
