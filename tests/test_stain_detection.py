"""Stains that are found in a work: candidates, the decision on them, and their correction."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import pyvips
from restorers import restorer

from patina.models import STAIN_MAPS, STAINS
from patina.params import Restore
from patina.tasks.degradations.accidents import water_spill
from patina.tasks.degradations.tapes import tape
from patina.tasks.evaluation.hard_works import paint
from patina.tasks.evaluation.metrics import psnr_db
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.restoration.batch import load_restorer
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.summary import summary_of
from patina.tasks.restoration.restorer import Restorer, compute_treatment
from patina.tasks.restoration.sidecars import OutputOptions, flags_of
from patina.tasks.restoration.stain_detection import (
    FEATURES,
    corrected,
    decide_stains,
    examined_view,
    find_candidates,
    stain_probabilities,
)
from patina.tasks.restoration.stains import NO_STAINS, Stains
from patina.tasks.restoration.tiling import rows_of
from patina.tasks.restoration.user_masks import UserMasks
from patina.tasks.restoration.weights import shipped
from patina.tasks.training import stain_samples
from patina.tasks.training.works import Work

SIZE = (384, 512)
PLACE = np.s_[100:180, 200:320]  # of a stain; no place has the same mirror image
SPECK = np.s_[300:310, 40:50]  # of a stain that is too small
PASSED = np.array([0.9, 0.7, 0.5], np.float32)  # share of each colour that passes the stain
SURE, UNSURE = Judge.constant(5.0), Judge.constant(-5.0)


def stained(*places: tuple[slice, slice]) -> np.ndarray:
    """An evenly grey work with stains."""
    view = np.full((*SIZE, 3), 0.6, np.float32)
    for place in places:
        view[place] = (view[place] + STAINS.floor) * PASSED - STAINS.floor
    return view


def find(given: np.ndarray) -> np.ndarray:
    """A network like `stain_segmentation`, for `stained`."""
    assert given.shape[1] % 16 == given.shape[2] % 16 == 0
    is_stain = given[:, ::2, ::2, 2:] < 0.45
    return np.where(is_stain, 3, -3).repeat(len(STAIN_MAPS), axis=3).astype(np.float32)


def correct(given: np.ndarray) -> np.ndarray:
    """A network like `stains`: it knows that the work has a colour of 0.6."""
    gain = np.log(np.float32(0.6 + STAINS.floor) / (given[..., :3] + np.float32(STAINS.floor)))
    return np.concatenate([gain, np.full_like(gain[..., :1], -40)], axis=3)


NETWORKS = {"stain_segmentation": find, "stains": correct}


def with_stains(judge: Judge = SURE, **applied: Any) -> Restorer:
    """A restorer that changes nothing but stains."""
    plain = restorer(0.0, **applied)
    gates = replace(plain.gates, stain_probability=0.5, stain_proposal=0.3)
    networks = {**plain.networks, **NETWORKS}
    return replace(plain, networks=networks, judges={"stain": judge}, gates=gates)


def test_the_probabilities_have_the_size_of_the_view_and_the_mirrored_view_is_mirrored_back() -> (
    None
):
    view = stained(PLACE)[:370, :500]  # no multiple of 16
    found = stain_probabilities(find, view)
    assert found.shape == (370, 500, len(STAIN_MAPS))
    assert found[110:170, 210:310].min() > 0.9
    outside = np.ones(found.shape[:2], bool)
    outside[95:185, 195:325] = False
    assert found[outside].max() < 0.1


def test_a_candidate_has_all_features_and_small_ones_are_ignored() -> None:
    (candidate,) = find_candidates(stained(PLACE, SPECK), NETWORKS)
    assert set(candidate.features) == set(FEATURES)
    assert candidate.share == pytest.approx(80 * 120 / (384 * 512), rel=0.02)
    features = candidate.features
    assert features["darkened"] == pytest.approx(-np.log(PASSED).mean(), abs=0.05)
    assert features["tinted"] == pytest.approx(np.log(0.9 / 0.5), abs=0.1)
    assert features["step"] == pytest.approx(-np.log(PASSED).mean(), abs=0.1)
    assert features["step_left"] < 0.4  # the correction removes its outline
    assert features["probability"] > 0.9
    assert features["surroundings"] < 0.1


def test_a_candidate_has_features_of_the_others_of_its_work() -> None:
    (alone,) = find_candidates(stained(PLACE), NETWORKS)
    assert alone.features["many"] == alone.features["others_probability"] == 0
    assert alone.features["others_outlined"] == alone.features["others_step_gone"] == 0
    first, second = find_candidates(stained(PLACE, np.s_[300:340, 60:120]), NETWORKS)
    for one, other in ((first, second), (second, first)):
        assert one.features["many"] == pytest.approx(np.log(2))
        assert one.features["others_probability"] == other.features["probability"]
        weight = other.share**0.5 / (other.share**0.5 + 0.05)
        outlined, left = other.features["outlined"], other.features["step_left"]
        assert one.features["others_outlined"] == pytest.approx(weight * outlined)
        assert one.features["others_step_gone"] == pytest.approx(weight * (1 - left))


def test_a_correction_that_leaves_most_of_the_outline_is_weaker() -> None:
    for share, strength in ((1.0, 0.8), (0.8, 0.8), (0.3, 0.56)):

        def weaker(given: np.ndarray, share: float = share) -> np.ndarray:
            return np.float32(share) * NETWORKS["stains"](given)

        networks = {**NETWORKS, "stains": weaker}
        stains = decide_stains(stained(PLACE), SIZE, networks, SURE, Gates(), 0.8)
        assert stains.weight == pytest.approx(strength)


def test_a_work_without_a_likely_pixel_has_no_candidates() -> None:
    assert find_candidates(stained(), NETWORKS) == []


def test_the_margin_of_a_scan_is_no_candidate_but_a_stain_in_a_corner_is() -> None:
    left, right, below = np.s_[:, :40], np.s_[:, -40:], np.s_[-40:, 40:-40]
    assert find_candidates(stained(left, right, below), NETWORKS) == []
    assert len(find_candidates(stained(left, below), NETWORKS)) == 1


def test_only_the_stains_that_the_judge_accepts_are_corrected() -> None:
    view = stained(PLACE)
    stains = decide_stains(view, SIZE, NETWORKS, SURE, Gates(), 1.0)
    np.testing.assert_allclose(stains.applied(view, 0)[112:168, 216:304], 0.6, atol=2e-3)
    np.testing.assert_array_equal(stains.applied(view, 0)[:80], view[:80])
    assert decide_stains(view, SIZE, NETWORKS, UNSURE, Gates(), 1.0) is NO_STAINS
    record = stains.record()
    assert record["found"] == 1
    (place,) = record["places"]
    np.testing.assert_allclose(place["box"], (200 / 512, 100 / 384, 120 / 512, 80 / 384), atol=0.01)
    assert place["judge_probability"] > 0.99
    assert record["found_share"] == pytest.approx(0.049, abs=0.003)
    assert "marked_share" not in record


def test_if_one_stain_is_accepted_the_others_need_a_lower_probability() -> None:
    larger, smaller = PLACE, np.s_[300:340, 60:120]
    view = stained(larger, smaller)
    judged = {each.share: each.features for each in find_candidates(view, NETWORKS)}
    assert len(judged) == 2
    large, small = judged[max(judged)], judged[min(judged)]

    def judge(small_logit: float) -> Judge:
        """Gives 0.88 for the larger stain, and the logistic function of a logit for the other."""
        change = (small_logit - 2.0) / (large["size"] - small["size"])
        return Judge(
            ("size",), (large["size"],), (1.0,), ((1.0, -1.0),), (0.0, 0.0), (0.0, change), 2.0
        )

    gates = Gates(stain_probability=0.75)
    for logit, number in ((0.5, 2), (-0.5, 1)):  # 0.62 and 0.38
        stains = decide_stains(view, SIZE, NETWORKS, judge(logit), gates, 1.0)
        assert (len(stains.places), len(stains.proposed)) == (number, 2 - number)
    strict = Gates(stain_probability=0.95, stain_proposal=0.9)
    assert decide_stains(view, SIZE, NETWORKS, judge(0.5), strict, 1.0) is NO_STAINS


def test_a_large_work_is_examined_reduced_and_corrected_at_its_size() -> None:
    view = np.repeat(np.repeat(stained(PLACE), 3, axis=0), 3, axis=1)
    assert examined_view(view).shape == (*SIZE, 3)
    stains = decide_stains(view, (1152, 1536), NETWORKS, SURE, Gates(), 0.5)
    middle = stains.applied(view, 0)[420, 780]
    expected = (view[420, 780] + STAINS.floor) * PASSED**-0.5 - STAINS.floor
    np.testing.assert_allclose(middle, expected, atol=2e-3)


def test_a_restored_work_has_its_stains_corrected_if_stains_are_treated() -> None:
    view = stained(PLACE)
    treatment = compute_treatment(with_stains(), rows_of(view), SIZE, BytesIO())
    change, _ = treatment.change(view, 0)
    np.testing.assert_allclose((view + change)[140, 260], 0.6, atol=2e-3)
    record = treatment.record()
    sentence = summary_of(figures_of({"change": {**record, "share_of_pixels": 0.05}}))
    assert "1 stain corrected" in sentence
    for left in (
        with_stains(UNSURE),
        with_stains(treat=("detail", "damage", "tone")),
        replace(with_stains(), judges={}),
    ):
        treatment = compute_treatment(left, rows_of(view), SIZE, BytesIO())
        assert not treatment.stains.weight
        assert "stains" not in treatment.record()


def test_an_uncertain_stain_is_proposed_and_corrected_if_it_is_forced() -> None:
    view, uncertain = stained(PLACE), Judge.constant(-0.4)  # a probability of 0.4
    treatment = compute_treatment(with_stains(uncertain), rows_of(view), SIZE, BytesIO())
    change, damage_map = treatment.change(view, 0)
    np.testing.assert_array_equal(change, 0)
    np.testing.assert_allclose(damage_map[110:170, 210:310], 0.5, atol=0.01)
    assert not damage_map[:90].any()
    record = treatment.record()
    (place,) = record["stains"]["proposed"]
    assert place["judge_probability"] == pytest.approx(0.401, abs=1e-3)
    figures = figures_of({"change": {**record, "share_of_pixels": 0}})
    assert summary_of(figures) == ("unchanged; 1 possible stain, not corrected: try --force stains")
    facts = record | {"delta_e2000": {"inside_damage": None, "mean": 0.0}}
    assert flags_of(facts, OutputOptions()) == ["1 possible stain, not corrected"]
    forced = with_stains(uncertain, forced=("stains",))
    treatment = compute_treatment(forced, rows_of(view), SIZE, BytesIO())
    change, damage_map = treatment.change(view, 0)
    np.testing.assert_allclose((view + change)[140, 260], 0.6, atol=2e-3)
    assert "proposed" not in treatment.record()["stains"]
    assert not damage_map.any()


def test_if_the_user_marks_stains_no_others_are_corrected() -> None:
    other = np.s_[300:340, 60:120]
    view = stained(PLACE, other)
    marks = np.zeros(SIZE, np.uint8)
    marks[290:350, 50:130] = 255
    masks = UserMasks.of(None, None, pyvips.Image.new_from_array(marks))
    treatment = compute_treatment(with_stains(), rows_of(view), SIZE, BytesIO(), masks)
    change, _ = treatment.change(view, 0)
    np.testing.assert_allclose((view + change)[320, 90], 0.6, atol=2e-3)
    np.testing.assert_array_equal(change[140, 260], 0)
    assert treatment.record()["stains"]["marked_share"] > 0


@pytest.mark.parametrize("kind", ["fill", "protected"])
@pytest.mark.parametrize("judge", [SURE, Judge.constant(-0.4)])
def test_a_stain_on_which_a_mask_decides_is_neither_corrected_nor_proposed(
    kind: str, judge: Judge
) -> None:
    view, marks = stained(PLACE), np.zeros(SIZE, np.uint8)
    marks[PLACE] = 255
    mask = pyvips.Image.new_from_array(marks)
    masks = UserMasks.of(mask, None) if kind == "fill" else UserMasks.of(None, mask)
    treatment = compute_treatment(with_stains(judge), rows_of(view), SIZE, BytesIO(), masks)
    assert "stains" not in treatment.record()
    marks[: PLACE[0].start + 40] = 0  # the mask covers half of the stain: the other half counts
    half = UserMasks.of(None, pyvips.Image.new_from_array(marks))
    treatment = compute_treatment(with_stains(SURE), rows_of(view), SIZE, BytesIO(), half)
    change, _ = treatment.change(view, 0)
    np.testing.assert_allclose((view + change)[120, 260], 0.6, atol=2e-3)


def test_each_of_stains_and_tone_has_its_own_strength() -> None:
    view = stained(PLACE)
    strength = (1.0, 1.0, 0.5, 0.0, 1.0)
    treatment = compute_treatment(with_stains(strength=strength), rows_of(view), SIZE, BytesIO())
    assert treatment.stains.weight == 0.5
    assert not treatment.tone.weight


def test_the_correction_of_one_candidate_leaves_the_rest_of_the_work() -> None:
    view = stained(PLACE)
    inside = np.zeros(SIZE, bool)
    inside[PLACE] = True
    after = corrected(view, inside, correct)
    np.testing.assert_allclose(after[140, 260], 0.6, atol=2e-3)
    np.testing.assert_array_equal(after[250:], view[250:])


@pytest.mark.parametrize(
    ("name", "degradation", "seed"),
    [("white_collar_and_lace", tape, 1), ("twill_canvas", water_spill, 1), ("stars", None, 0)],
)
def test_the_shipped_networks_correct_a_stain_and_leave_an_undamaged_work(
    name: str, degradation: Callable[..., Any] | None, seed: int
) -> None:
    treated = load_restorer(shipped(), **Restore(treat=["stains"]).loading)
    clean = to_float(paint(name, 640))
    assert not _stains_in(treated, clean).weight
    if degradation is None:
        return
    damaged, _ = degradation(clean, np.random.default_rng(seed), severity=1.0)
    stains = _stains_in(treated, damaged)
    assert stains.places
    before, after = (
        psnr_db(to_uint8(clean), to_uint8(each)) for each in (damaged, stains.applied(damaged, 0))
    )
    assert after > before + 0.5


def _stains_in(treated: Restorer, view: np.ndarray) -> Stains:
    size = (view.shape[0], view.shape[1])
    return compute_treatment(treated, rows_of(view), size, BytesIO()).stains


def test_the_samples_of_the_judge_are_candidates_and_depend_only_on_the_seed(
    works: list[Work],
) -> None:
    drawn = [list(stain_samples.samples(works, NETWORKS, 12, seed)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    found = [sample for of_work in drawn[0] for sample in of_work]
    assert found
    assert all(set(features) == set(FEATURES) for features, _ in found)
    unchanging = {**NETWORKS, "stains": lambda given: np.zeros((*given.shape[:3], 4), np.float32)}
    unchanged = list(stain_samples.samples(works, unchanging, 12, 3))
    assert [len(each) for each in unchanged] == [len(each) for each in drawn[0]]
