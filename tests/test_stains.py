"""The correction of marked stains: a gain of each colour, which varies over the stain."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import pyvips
from restorers import restorer

from patina.models import STAINS
from patina.tasks.imaging.faults import ImageError
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.summary import summary_of
from patina.tasks.restoration.restorer import compute_treatment
from patina.tasks.restoration.stain_input import stain_input
from patina.tasks.restoration.stains import NO_STAINS, Stains, stains_of
from patina.tasks.restoration.tiling import rows_of
from patina.tasks.restoration.user_masks import UserMasks
from patina.tasks.restoration.windows import Window

SIZE = (480, 640)
PLACE = np.s_[160:240, 200:320]  # of the stain
MARKED = np.s_[150:250, 190:330]
PASSED = np.array([0.9, 0.7, 0.5], np.float32)  # share of each colour that passes the stain


def stained() -> tuple[np.ndarray, np.ndarray]:
    """An evenly grey work, and the same with a stain."""
    clean = np.full((*SIZE, 3), 0.6, np.float32)
    view = clean.copy()
    view[PLACE] = (view[PLACE] + STAINS.floor) * PASSED - STAINS.floor
    return clean, view


def mask(*places: tuple[slice, slice]) -> pyvips.Image:
    marks = np.zeros(SIZE, np.uint8)
    for place in places:
        marks[place] = 255
    return pyvips.Image.new_from_array(marks)


def network(given: np.ndarray) -> np.ndarray:
    """A network like `stains`: it knows that the work has a colour of 0.6, marked or not."""
    assert given.shape[3] == STAINS.channels
    assert given.shape[1] % 16 == given.shape[2] % 16 == 0
    gain = np.log(np.float32(0.6 + STAINS.floor) / (given[..., :3] + np.float32(STAINS.floor)))
    return np.concatenate([gain, np.full_like(gain[..., :1], -40)], axis=3)


def test_a_marked_stain_is_corrected_to_the_colour_of_the_work() -> None:
    clean, view = stained()
    stains = stains_of(network, rows_of(view), SIZE, mask(MARKED), 1.0)
    corrected = stains.applied(view, 0)
    inner = np.s_[168:232, 208:312]  # without the rim, where the gain is interpolated
    np.testing.assert_allclose(corrected[inner], clean[inner], atol=1e-4)
    outside = np.ones(SIZE, bool)
    outside[140:260, 180:340] = False
    np.testing.assert_array_equal(corrected[outside], view[outside])
    strips = [stains.applied(view[top : top + 96], top) for top in range(0, 480, 96)]
    np.testing.assert_allclose(np.concatenate(strips), corrected, atol=1e-5)
    assert stains.record()["marked_share"] == pytest.approx(100 * 140 / (480 * 640), abs=1e-6)


def test_only_the_part_around_the_marks_is_examined_and_a_large_one_is_reduced() -> None:
    seen = []

    def still(given: np.ndarray) -> np.ndarray:
        seen.append(given.shape)
        return np.zeros((*given.shape[:3], 4), np.float32)

    _, view = stained()
    part = stains_of(still, rows_of(view), SIZE, mask(np.s_[0:20, 0:10]), 1.0).part
    assert part == Window(0, 0, 77, 82)  # the middle of the box and 0.3 of the short side
    large = np.repeat(np.repeat(view, 3, axis=0), 3, axis=1)
    marks = mask(MARKED, np.s_[400:410, 500:510]).resize(3, kernel="nearest")
    stains_of(still, rows_of(large), (1440, 1920), marks, 1.0)
    assert max(seen[1][1:3]) == 128


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_strength_scales_the_correction(weight: float) -> None:
    _, view = stained()
    stains = stains_of(network, rows_of(view), SIZE, mask(MARKED), weight)
    expected = (view[200, 260] + STAINS.floor) * PASSED**-weight - STAINS.floor
    np.testing.assert_allclose(stains.applied(view, 0)[200, 260], expected, atol=1e-4)


def test_a_restored_work_has_its_marked_stains_corrected_before_its_colours() -> None:
    clean, view = stained()
    treated = restorer(0.1)
    treated = replace(treated, networks={**treated.networks, "stains": network})
    masks = UserMasks.of(None, mask(np.s_[160:170, 200:320]), mask(MARKED))
    treatment = compute_treatment(treated, rows_of(view), SIZE, BytesIO(), masks)
    change, _ = treatment.change(view, 0)
    np.testing.assert_allclose((view + change)[200, 260], clean[200, 260] + 0.1, atol=2e-3)
    np.testing.assert_allclose((view + change)[100, 100], clean[100, 100] + 0.1, atol=2e-3)
    record = treatment.record()
    np.testing.assert_allclose(record["stains"]["mean_gain"][0], 1.08, atol=0.05)
    sentence = summary_of(figures_of({"change": {**record, "share_of_pixels": 1}}))
    assert "; marked stains corrected; " in sentence


def test_protected_and_filled_pixels_are_not_corrected_as_stains() -> None:
    fill, protected = np.s_[150:170, 190:330], np.s_[230:250, 190:330]
    masks = UserMasks.of(mask(fill), mask(protected), mask(MARKED))
    assert masks.stains is not None
    marked = masks.stains.numpy() > 0
    assert marked.sum() == 60 * 140
    assert marked[170:230, 190:330].all()


def test_without_marks_the_rows_stay_as_they_are() -> None:
    _, view = stained()
    assert stains_of(network, rows_of(view), SIZE, mask(), 1.0) is NO_STAINS
    assert NO_STAINS.applied(view, 0) is view
    far = Stains(Window(0, 0, 64, 64), np.ones((16, 16, 3), np.float32), 1.0)
    assert far.applied(view[100:], 100) is not None
    np.testing.assert_array_equal(far.applied(view[100:], 100), view[100:])


def test_the_first_estimate_is_the_gain_to_the_colours_of_the_surroundings() -> None:
    _, view = stained()
    marks = np.zeros(SIZE, np.float32)
    marks[MARKED] = 1
    given = stain_input(view, marks)
    assert given.shape == (120, 160, STAINS.channels)
    estimate = (given[..., STAINS.estimate] - 0.5) * STAINS.estimate_scale
    np.testing.assert_allclose(estimate[50, 65], -np.log(PASSED), atol=0.02)
    np.testing.assert_allclose(estimate[100, 30], 0, atol=1e-3)
    np.testing.assert_array_equal(given[..., STAINS.mask][40:60, 50:80], 1)
    whole = stain_input(view, np.ones(SIZE, np.float32))  # without surroundings
    assert np.isfinite(whole).all()


def test_a_model_without_the_network_says_that_stains_cannot_be_corrected() -> None:
    _, view = stained()
    masks = UserMasks.of(None, None, mask(MARKED))
    with pytest.raises(ImageError, match="no network that corrects marked stains; omit --stains"):
        compute_treatment(restorer(0.1), rows_of(view), SIZE, BytesIO(), masks)
