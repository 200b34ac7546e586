"""A previewed window equals the result there."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import pyvips
from restorers import restorer

from patina.models import CLASSES
from patina.tasks.restoration.preview import preview_of, previewed_stains
from patina.tasks.restoration.reduced import enlarged, reduced_view
from patina.tasks.restoration.restorer import analyse, compute_treatment
from patina.tasks.restoration.tiling import rows_of
from patina.tasks.restoration.user_masks import UserMasks
from patina.tasks.restoration.windows import Window, cut, window_around

SIZE = (330, 500)
NONE = np.zeros((128, 160), bool)


def work() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.3, 0.6, (*SIZE, 3)).astype(np.float32)


@pytest.mark.parametrize("at", [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_a_window_at_full_size_equals_the_result_there(
    at: tuple[float, float],
) -> None:
    view = work()
    treated = restorer(0.05, noise=0.02, damaged=40, fill=0.1)
    window = window_around(*at, SIZE, (128, 160))
    part = np.s_[window.top : window.top + 128, window.left : window.left + 160]
    treatment = analyse(treated, rows_of(view), reduced_view(rows_of(view), *SIZE), SIZE)
    shown = preview_of(treatment, view[part], window, NONE, NONE)
    whole = np.clip(view + treated.change(view)[0], 0, 1)
    np.testing.assert_allclose(shown, whole[part], atol=0.6 / 255)


def test_a_preview_fills_cracks_at_the_strength_of_craquelure() -> None:
    def segmentation(tile: np.ndarray) -> np.ndarray:
        logits = np.full((*tile.shape[:3], len(CLASSES)), -40, np.float32)
        third = tile.shape[1] // 3
        logits[:, :third, :, CLASSES.index("crack")] = 40
        logits[:, -third:, :, CLASSES.index("area")] = 40
        return logits

    view, strength = work(), (1.0, 1.0, 1.0, 1.0, 0.3)
    treated = restorer(0, fill=0.1, treat=("damage", "craquelure"), strength=strength)
    treated = replace(treated, networks={**treated.networks, "segmentation": segmentation})
    treatment = analyse(treated, rows_of(view), reduced_view(rows_of(view), *SIZE), SIZE)
    window = Window(96, 96, 160, 128)
    shown = preview_of(treatment, view[96:224, 96:256], window, NONE, NONE)
    result = view + treated.change(view)[0]
    assert np.abs(result[10:80] - view[10:80]).mean() == pytest.approx(0.03, abs=0.001)
    assert np.abs(result[250:320] - view[250:320]).mean() == pytest.approx(0.1, abs=0.001)
    np.testing.assert_allclose(shown, result[96:224, 96:256], atol=0.6 / 255)


def test_a_preview_fills_marked_pixels_and_keeps_protected_ones() -> None:
    view = work()
    treated = restorer(0, fill=0.1, treat=())
    treatment = analyse(treated, rows_of(view), view, SIZE)
    window = Window(160, 96, 160, 128)
    part = view[96:224, 160:320]
    fill, spared = NONE.copy(), NONE.copy()
    fill[10:50, 20:60] = True
    spared[30:50, 20:60] = True
    shown = preview_of(treatment, part, window, fill, spared)
    np.testing.assert_allclose(shown[10:30, 20:60], part[10:30, 20:60] + 0.1, atol=1e-3)
    changed = (shown != part).any(axis=2)
    np.testing.assert_array_equal(changed, fill & ~spared)


def test_marked_stains_in_a_window_equal_those_of_the_result() -> None:
    view, marks = work(), np.zeros(SIZE, bool)
    marks[120:200, 180:300] = True

    def stains(given: np.ndarray) -> np.ndarray:
        return np.full((*given.shape[:3], 4), 0.2, np.float32)

    treated = restorer(0, treat=(), noise=0)
    treated = replace(treated, networks={**treated.networks, "stains": stains})
    treatment = analyse(treated, rows_of(view), view, SIZE)
    window = Window(160, 96, 160, 128)
    part = view[96:224, 160:320]
    shown = preview_of(
        treatment, part, window, NONE, NONE, previewed_stains(treatment, view, marks)
    )
    masks = UserMasks.of(None, None, pyvips.Image.new_from_array(255 * marks.astype(np.uint8)))
    result = compute_treatment(treated, rows_of(view), SIZE, BytesIO(), masks).change(view, 0)[0]
    assert np.abs(result).max() > 0.05
    np.testing.assert_allclose(shown, (view + result)[96:224, 160:320], atol=0.6 / 255)


def test_a_window_is_inside_the_work_and_starts_on_jpegs_grid() -> None:
    assert window_around(0, 0, SIZE, (128, 160)) == (0, 0, 160, 128)
    assert window_around(1, 1, SIZE, (128, 160)) == (336, 192, 160, 128)
    assert window_around(0.5, 0.5, (60, 2000), (128, 160)) == (912, 0, 160, 60)


def test_a_window_of_a_reduced_map_equals_that_of_the_enlarged_map() -> None:
    small = np.random.default_rng(1).random((33, 50, 2)).astype(np.float32)
    whole = Window(0, 0, 500, 330)
    shown = cut(small, whole, Window(100, 60, 160, 128), (128, 160))
    expected = enlarged(small, SIZE, 60, 188)[:, 100:260]
    np.testing.assert_allclose(shown, expected, atol=0.03)
    marks = np.zeros((10, 10), np.uint8)
    marks[2:4, 3:5] = 2
    drawn = cut(marks, Window(100, 60, 20, 20), whole, SIZE, smooth=False)
    assert drawn[64:68, 106:110].min() == 2
    assert (drawn > 0).sum() == 16
