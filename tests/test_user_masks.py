"""Exactly the pixels that a user marks are filled, or kept."""

from pathlib import Path

import numpy as np
import pytest
import pyvips
from restorers import HEIGHT, WIDTH, pixels_of, restorer, scan

from patina.params import Restore
from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.options import limited_gates
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import OutputOptions, map_of

MARK = np.s_[40:61, 61:94]  # in the lower half, where segmentation finds nothing
FILL = 0.1  # the value that `restorer` adds to filled pixels


def mask(path: Path, *places: tuple[slice, slice]) -> Path:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place in places:
        drawn[place] = 1  # dark, but not black
    pyvips.Image.new_from_array(drawn).write_to_file(str(path))
    return path


def filled(folder: Path, filing: OutputOptions, **applied: object) -> tuple[np.ndarray, Record]:
    """The change of a scan by fills only, (H, W), in 8-bit steps, and the sidecar."""
    pixels = scan(folder / "a.tif").astype(int)
    treated: Restorer = restorer(0, fill=FILL, **{"treat": ("damage",)} | applied)  # type: ignore[arg-type]
    record = restore_file(folder / "a.tif", folder / "out.tif", treated, filing)
    return (pixels_of(folder / "out.tif").astype(int) - pixels).mean(axis=2), record


@pytest.mark.parametrize("treat", [(), ("damage",), ("tone",)])
def test_exactly_the_marked_pixels_are_filled_without_a_treatment(
    tmp_path: Path, treat: tuple[str, ...]
) -> None:
    marks = mask(tmp_path / "damage.png", MARK)
    change, record = filled(tmp_path, OutputOptions(mask=marks, maps=True), treat=treat)
    expected = np.zeros((HEIGHT, WIDTH))
    expected[MARK] = FILL * 255
    np.testing.assert_allclose(change, expected, atol=0.6)
    assert (change[expected == 0] == 0).all()
    share = 21 * 33 / (HEIGHT * WIDTH)
    assert record["applied"]["mask"] == sha256_of(marks)
    assert record["change"]["damage"]["marked_share"] == pytest.approx(share, abs=1e-6)
    assert record["change"]["damage"]["filled_share"] == pytest.approx(share, abs=1e-4)
    assert record["summary"].startswith("marked pixels filled")
    damage = pixels_of(map_of(tmp_path / "out.tif", "damage"))[..., 0]
    np.testing.assert_array_equal(damage, np.where(expected, 255, 0))


def test_detected_damage_is_filled_in_addition_to_marked_pixels(tmp_path: Path) -> None:
    marks = mask(tmp_path / "damage.png", MARK)
    change, record = filled(tmp_path, OutputOptions(mask=marks), damaged=40.0)
    np.testing.assert_allclose(change[: HEIGHT // 4], FILL * 255, atol=0.6)
    np.testing.assert_allclose(change[MARK], FILL * 255, atol=0.6)
    damage = record["change"]["damage"]
    assert damage["filled_share"] > 0.45 + damage["marked_share"]


def test_pixels_in_both_masks_do_not_change(tmp_path: Path) -> None:
    marks = mask(tmp_path / "damage.png", MARK)
    stay = mask(tmp_path / "protect.png", np.s_[50:66, 80:100])
    change, record = filled(tmp_path, OutputOptions(mask=marks, protect=stay, maps=True))
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[MARK] = True
    expected[50:66, 80:100] = False
    np.testing.assert_array_equal(change > 1, expected)
    assert record["applied"]["mask"] == sha256_of(marks)
    assert record["applied"]["protect"] == sha256_of(stay)
    assert record["applied"]["mask"] != record["applied"]["protect"]
    share = record["change"]["damage"]["marked_share"]
    assert share == pytest.approx(expected.mean(), abs=1e-6)


def test_the_strength_of_damage_applies_to_marked_pixels(tmp_path: Path) -> None:
    marks = mask(tmp_path / "damage.png", MARK)
    change, record = filled(tmp_path, OutputOptions(mask=marks), strength=(1, 0.5, 1, 1, 1))
    np.testing.assert_allclose(change[MARK], FILL * 255 / 2, atol=0.6)
    assert record["summary"].startswith("marked pixels filled at 50% of full strength")


def test_marked_areas_are_recorded_as_filled_and_protected_ones_as_protected(
    tmp_path: Path,
) -> None:
    upper = mask(tmp_path / "upper.png", np.s_[: HEIGHT // 2 + 1])
    strict = Gates.opened(fill_area=0.001, fill_width=0.03, fill_share=0.02)
    proposed, record = filled(tmp_path, OutputOptions(), damaged=40.0, gates=strict)
    assert not proposed.any()
    assert "1 area proposed, not filled" in record["flags"]
    accepted, record = filled(tmp_path, OutputOptions(mask=upper), damaged=40.0, gates=strict)
    np.testing.assert_allclose(accepted[: HEIGHT // 2], FILL * 255, atol=0.6)
    (piece,) = record["change"]["damage"]["pieces"]
    assert (piece["outcome"], piece["reason"]) == ("filled", "marked by the mask")
    assert record["flags"] == []
    _, record = filled(tmp_path, OutputOptions(protect=upper), damaged=40.0, gates=strict)
    (piece,) = record["change"]["damage"]["pieces"]
    assert (piece["outcome"], piece["reason"]) == ("protected", "protected by the mask")
    assert record["change"]["damage"]["kept"] == 0


@pytest.mark.parametrize("tile_px", [96, 1024])
def test_fills_end_at_the_edge_of_a_mask_for_every_size_of_tile(
    tmp_path: Path, tile_px: int
) -> None:
    marks = mask(tmp_path / "damage.png", np.s_[:, 30:31], np.s_[35:36, :])
    change, _ = filled(tmp_path, OutputOptions(mask=marks), tile_px=tile_px)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[:, 30] = expected[35] = True
    np.testing.assert_array_equal(change > 1, expected)


def test_a_folder_of_masks_may_have_masks_for_some_of_the_scans(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "scans").mkdir()
    for name in ("a.tif", "b.tif"):
        scan(tmp_path / "scans" / name)
    mask(tmp_path / "masks/a.png", MARK)
    scans = plan([tmp_path / "scans"], tmp_path / "out")
    treated = restorer(0, fill=FILL, treat=())
    outcomes = list(restore_scans(scans, treated, OutputOptions(mask=tmp_path / "masks")))
    assert [outcome["outcome"] for outcome in outcomes] == ["restored", "untouched"]
    with pytest.raises(ImageError, match="there is no such mask"):
        filled(tmp_path, OutputOptions(mask=tmp_path / "none"))


@pytest.mark.parametrize(("area", "fills"), [(0.4, False), (0.6, True)])
def test_limit_fill_decides_which_areas_are_filled_and_which_are_proposed(
    tmp_path: Path, area: float, fills: bool
) -> None:
    strict = Restore().loading["gates"] | {"damage_share": 0.0, "fill_unlike": 0.0}
    strict |= {"damage_probability": 0.5, "fill_probability": 0.0, "fill_probability_mean": 0.0}
    limited = Gates(**limited_gates(f"{area * 100}%", strict))
    change, record = filled(tmp_path, OutputOptions(), damaged=40.0, gates=limited)
    assert change.any() == fills
    assert record["applied"]["gates"]["fill_area"] == pytest.approx(area)
    assert record["change"]["damage"]["proposed"] == (0 if fills else 1)
