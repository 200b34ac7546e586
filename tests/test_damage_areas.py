"""The areas of a damage map: sizes, kinds and places."""

import cv2
import numpy as np
import pytest

from patina.tasks.restoration import damage_areas as module
from patina.tasks.restoration.damage_areas import KINDS, Area, listed, map_areas


def blank(height: int = 600, width: int = 900) -> np.ndarray:
    return np.zeros((height, width), np.uint8)


def areas_of(damage: np.ndarray) -> list[Area]:
    return map_areas(damage).areas


def grid(damage: np.ndarray, step: int) -> None:
    """Draw the meshes of a crack network, slightly crooked, like real cracks."""
    rng = np.random.default_rng(0)
    for start in range(step, min(damage.shape) - step, step):
        for turned in (False, True):
            at = np.arange(step, min(damage.shape) - step, 12)
            off = start + np.cumsum(rng.integers(-1, 2, len(at)))
            points = np.stack((off, at) if turned else (at, off), axis=1)
            cv2.polylines(damage, [points.reshape(-1, 1, 2).astype(np.int32)], False, 255, 1)


def test_the_shape_decides_between_lines_spots_areas_and_crack_networks() -> None:
    scratch, dust, loss, cracks = (blank() for _ in KINDS)
    cv2.line(scratch, (50, 100), (700, 300), 255, 2)
    cv2.circle(dust, (450, 300), 4, 255, -1)
    cv2.ellipse(loss, (450, 300), (90, 60), 20, 0, 360, 255, -1)
    grid(cracks, 40)
    kinds = [areas_of(damage)[0].kind for damage in (scratch, dust, loss, cracks)]
    assert kinds == ["line", "spot", "area", "crack network"]


def test_curved_and_dashed_scratches_are_lines() -> None:
    curved, dashed = blank(), blank()
    cv2.ellipse(curved, (450, 300), (200, 200), 0, 0, 200, 255, 2)
    for left in range(100, 400, 6):
        dashed[250:252, left : left + 3] = 255
    (arc,), (dashes,) = areas_of(curved), areas_of(dashed)
    assert (arc.kind, arc.pieces) == ("line", 1)
    assert arc.length_px == pytest.approx(200 * np.radians(200), rel=0.15)
    assert (dashes.kind, dashes.pieces) == ("line", 50)


def test_areas_are_numbered_by_size_with_exact_sizes_boxes_and_places() -> None:
    damage = blank()
    damage[10:14, 20:24] = 255
    damage[500:560, 800:880] = 255
    large, small = areas_of(damage)
    assert (large.number, large.px, large.place) == (1, 60 * 80, "lower right")
    assert (large.top, large.left, large.bottom, large.right) == (500, 800, 560, 880)
    assert large.share == 60 * 80 / (600 * 900)
    assert (large.across, large.down) == (840 / 900, 530 / 600)
    assert (small.number, small.px, small.place) == (2, 16, "upper left")


def test_pieces_form_one_area_only_if_they_are_close_together() -> None:
    damage = blank(1000, 1000)
    damage[100:110, 100:110] = damage[100:110, 113:123] = damage[100:110, 300:310] = 255
    assert [(area.px, area.pieces) for area in areas_of(damage)] == [(200, 2), (100, 1)]


def test_areas_below_the_minimum_size_are_in_neither_the_list_nor_the_labels() -> None:
    damage = blank()
    damage[100:110, 100:110] = damage[300, 300:308] = 255
    found = map_areas(damage)
    assert [area.px for area in found.areas] == [100]
    assert int(found.labels[300, 304]) == 0


@pytest.mark.parametrize("kind", [bool, np.float32, np.float16])
def test_bool_integer_and_float_maps_give_the_same_areas(kind: type) -> None:
    damage = blank()
    cv2.line(damage, (50, 100), (700, 300), 255, 3)
    assert areas_of((damage / 255).astype(kind)) == areas_of(damage)


def test_a_reduced_map_loses_no_hairline_and_no_pixel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage = blank(601, 907)  # no whole number of blocks
    cv2.line(damage, (5, 20), (850, 590), 255, 1)
    damage[550:601, 20:90] = damage[100:120, 880:907] = 255
    whole = areas_of(damage)
    monkeypatch.setattr(module, "LABEL_PX", 250)
    monkeypatch.setattr(module, "ROWS", 64)
    found = map_areas(damage)
    assert found.block_px == 4
    assert [(a.px, a.kind) for a in found.areas] == [(a.px, a.kind) for a in whole]
    for reduced, exact in zip(found.areas, whole, strict=True):
        assert exact.bottom <= reduced.bottom <= min(exact.bottom + 3, 601)
        assert exact.left - 3 <= reduced.left <= exact.left
    numbers = found.numbers(0, 601, 907)
    for area in found.areas:
        assert int(((numbers == area.number) & (damage > 127)).sum()) == area.px


def test_a_list_has_the_largest_areas_and_the_sum_of_the_others() -> None:
    damage = blank()
    for row in range(5):
        damage[100 * row : 100 * row + 10 + row, 50:60] = 255
    first, rest = listed(areas_of(damage), most=2)
    assert [area.px for area in first] == [140, 130]
    assert (rest.areas, rest.px) == (3, 120 + 110 + 100)
    assert rest.share == pytest.approx(330 / (600 * 900))


def test_an_undamaged_work_has_no_areas() -> None:
    assert areas_of(blank()) == []


def test_maps_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(H, W\), not \(4, 4, 3\)"):
        areas_of(np.zeros((4, 4, 3), np.uint8))
