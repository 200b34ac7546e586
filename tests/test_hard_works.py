"""The hard works: the same in every run, of the requested size, and all different."""

import numpy as np
import pytest

from patina.tasks.evaluation.hard_works import HARD_WORKS, hard_works, paint
from patina.tasks.evaluation.hard_works.brush import Brush, painted

SMALL_PX = 128


@pytest.fixture(scope="module")
def works() -> dict[str, np.ndarray]:
    return {name: paint(name, SMALL_PX) for name in HARD_WORKS}


@pytest.mark.parametrize("name", HARD_WORKS)
def test_a_hard_work_has_the_requested_size(name: str, works: dict[str, np.ndarray]) -> None:
    image = works[name]
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert max(image.shape) == SMALL_PX
    assert image.std() > 2, "a flat picture is not hard"


@pytest.mark.parametrize("name", HARD_WORKS)
def test_a_hard_work_is_the_same_for_the_same_seed_and_differs_for_another(
    name: str, works: dict[str, np.ndarray]
) -> None:
    assert np.array_equal(paint(name, SMALL_PX), works[name])
    other = paint(name, SMALL_PX, seed=1)
    assert other.shape != works[name].shape or not np.array_equal(other, works[name])


def test_no_two_hard_works_are_alike(works: dict[str, np.ndarray]) -> None:
    seen = {image.tobytes() for image in works.values()}
    assert len(seen) == len(works)


def test_a_larger_scan_shows_the_same_work() -> None:
    small, large = (paint("letterpress", size) for size in (300, 600))
    reduced = large.reshape(300, 2, -1, 2, 3).mean(axis=(1, 3))
    assert abs(reduced.mean() - small.mean()) < 4
    blurred = [
        image[:296, :216].reshape(37, 8, 27, 8, 3).mean(axis=(1, 3, 4))
        for image in (reduced, small)
    ]
    assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.8


def test_threads_have_the_same_distance_in_pixels_at_every_size() -> None:
    for size_px in (400, 800):
        luminance = paint("plain_canvas_at_pixel_pitch", size_px).mean(axis=2)[:300, :400]
        spectrum = np.abs(np.fft.rfft(luminance - luminance.mean(axis=1, keepdims=True))).mean(
            axis=0
        )
        pitch_px = 400 / (50 + np.argmax(spectrum[50:]))
        assert pitch_px == pytest.approx(5, abs=0.6)


def test_works_come_in_order_by_name_and_size() -> None:
    found = list(hard_works((64, 100), names=("stars", "halftone")))
    assert [name for name, _ in found] == ["stars-64", "stars-100", "halftone-64", "halftone-100"]
    assert [max(image.shape) for _, image in found] == [64, 100, 64, 100]


def test_an_unknown_work_and_too_small_a_size_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown: mona_lisa"):
        next(hard_works(names=("mona_lisa",)))
    with pytest.raises(ValueError, match="size_px 10"):
        paint("stars", 10)


def test_a_painting_of_broad_strokes_alone_has_the_size_of_its_study() -> None:
    study = np.full((60, 2400, 3), 0.5, np.float32)
    broad = Brush(widths=(0.04,))
    paint, light = painted(np.random.default_rng(0), study, study[..., 0], broad)
    assert (paint.shape, light.shape) == ((60, 2400, 3), (60, 2400))
