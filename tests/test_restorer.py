"""What is changed in a work, and by how much: damage, detail and colour, each on its own."""

import dataclasses

import numpy as np
import pytest
from restorers import restorer

from patina.models import DAMAGE
from patina.tasks.restoration.restorer import EDGE_PX, SUREST, TREATMENTS
from patina.tasks.restoration.tiling import BORDER_PX

QUARTER_STEP = 0.25 / 255  # what a broad mean makes of chequers at the borders is less
GREY = np.full((64, 64, 3), 0.5, np.float32)


@pytest.mark.parametrize(("size_255", "share"), [(1.9, 0), (4, 0.5), (6.1, 1)])
def test_a_work_whose_detail_or_colour_hardly_changes_keeps_it(
    size_255: float, share: float
) -> None:
    zones = {"detail_zone_255": 4.0, "colour_zone_255": 4.0}
    for plain in (restorer(size_255 / 255), restorer(0, detail=size_255 / 255)):
        change, _ = dataclasses.replace(plain, **zones).change(GREY)
        np.testing.assert_allclose(change, plain.change(GREY)[0] * share, atol=QUARTER_STEP)
        assert share or not change.any()


@pytest.mark.parametrize(("zone", "share"), [(1.0, 0), (0.5, 0.5), (0.3, 1)])
def test_a_work_of_which_little_is_damaged_is_not_filled(zone: float, share: float) -> None:
    half_damaged = restorer(0, damaged=40, fill=0.2)
    change, decided = dataclasses.replace(half_damaged, damage_zone=zone).change(GREY)
    assert decided["damaged_share"] == 0.5
    assert decided["fill_share"] == share
    assert change[:, 8:20].max() == pytest.approx(0.2 * share, abs=0.01)


@pytest.mark.parametrize(("first", "share"), [(0, 0), (EDGE_PX, 1)])
def test_what_lies_along_the_edge_does_not_tell_that_a_work_is_damaged(
    first: int, share: float
) -> None:
    plain = restorer(0, damaged=40, fill=0.2)
    bands = [slice(start, start + EDGE_PX) for start in (first, 256 - first - EDGE_PX)]

    def framed(tile: np.ndarray) -> np.ndarray:
        parts = plain.interventions(tile)
        parts[..., DAMAGE] = -40
        work = parts[:, BORDER_PX : BORDER_PX + 256, BORDER_PX : BORDER_PX + 256]
        for band in bands:
            work[:, band, first : 256 - first, DAMAGE] = 40
            work[:, first : 256 - first, band, DAMAGE] = 40
        return parts

    view = np.full((256, 256, 3), 0.5, np.float32)
    _, decided = dataclasses.replace(plain, interventions=framed, damage_zone=0.05).change(view)
    assert decided["fill_share"] == share


def test_in_noise_more_must_be_damaged() -> None:
    noisy = restorer(0, detail=2**0.5 * 20 / 255, damaged=40, fill=0.2)  # of the half that is sound
    _, decided = dataclasses.replace(noisy, damage_zone=0.2).change(GREY)
    assert decided["fill_share"] == pytest.approx(0.5 / 0.6 - 0.5, abs=0.01)


def test_detail_is_corrected_where_damage_is_not_filled() -> None:
    doubtful = restorer(0, detail=0.1, damaged=40, fill=0.2)
    change, decided = dataclasses.replace(doubtful, damage_zone=1.0).change(GREY)
    assert decided["fill_share"] == 0
    assert change[:, 8:20].max() == pytest.approx(0.1, abs=0.01)


def test_a_treatment_that_is_known_to_be_needed_is_not_held_back() -> None:
    zones = {"damage_zone": 1.0, "detail_zone_255": 90.0, "colour_zone_255": 90.0}
    plain = restorer(3 / 255, detail=3 / 255, damaged=40, fill=0.1)
    held_back = dataclasses.replace(plain, **zones)
    assert not held_back.change(GREY)[0].any()
    # Where damage is not filled, detail is corrected: on the sound half alone it is the same
    for name, compared in (("damage", 0), ("detail", 40), ("colour", 0)):
        alone = dataclasses.replace(plain, treat=(name,)).change(GREY)[0][:, compared:]
        change = dataclasses.replace(held_back, sure=(name,)).change(GREY)[0][:, compared:]
        np.testing.assert_allclose(change, alone, atol=QUARTER_STEP)


def test_a_change_never_leads_out_of_the_range_of_the_work() -> None:
    for level in (0.0, 0.01, 0.99, 1.0):
        view = np.full((64, 64, 3), level, np.float32)
        restored = view + restorer(0.2, detail=0.2).change(view)[0]
        assert 0 <= restored.min() <= restored.max() <= 1


def test_colour_and_detail_are_decided_apart() -> None:
    plain = restorer(20 / 255, detail=3 / 255)
    change, decided = dataclasses.replace(plain, detail_zone_255=8.0, colour_zone_255=8.0).change(
        GREY
    )
    np.testing.assert_allclose(change, 20 / 255, atol=QUARTER_STEP)
    assert decided["colour"] == [[0, 0, 0, pytest.approx(20 / 255, abs=1e-5)]] * 3


@pytest.mark.parametrize(
    ("treat", "left", "right"),
    [
        (("damage",), 0.2, 0),
        (("detail",), 0, 0.1),
        (("colour",), 0.05, 0.05),
        (("damage", "detail"), 0.2, 0.1),
        (("damage", "detail", "colour"), 0.25, 0.15),
    ],
)
def test_only_what_is_treated_is_changed(treat: tuple[str, ...], left: float, right: float) -> None:
    everything = restorer(0.05, detail=0.1, damaged=40, fill=0.2)
    change, _ = dataclasses.replace(everything, treat=treat).change(GREY)
    # The largest of the chequers, away from where both halves meet
    assert change[:, 8:20].max() == pytest.approx(left, abs=0.01)
    assert change[:, 44:56].max() == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("size", [(5000, 90), (90, 2300), (2500, 2100)])
def test_a_large_work_is_treated_as_it_would_be_in_one_piece(size: tuple[int, int]) -> None:
    view = np.random.default_rng(0).random((*size, 3), np.float32) * 0.5 + 0.25

    def interventions(tile: np.ndarray) -> np.ndarray:
        image = tile[..., :3]
        logit = 200 * (image[..., :1] - 0.6)
        return np.concatenate(
            [logit, 0.1 * (image - 0.5), image * 0 + 0.1, image[..., :1] * 0 + 1], axis=3
        )

    tiled = dataclasses.replace(restorer(0.05), interventions=interventions, tile_px=256)
    change, decided = tiled.change(view)
    whole, same = dataclasses.replace(tiled, tile_px=8192).change(view)
    np.testing.assert_allclose(change, whole, atol=1e-3)
    assert decided == same
    assert 0.25 < decided["damaged_share"] < 0.35
    lost = view[..., 0] > 0.62
    assert change[lost].mean() == pytest.approx(0.15, abs=0.005)


@pytest.mark.parametrize(
    ("size", "looked_at"),
    [((300, 200), [300, 600]), ((900, 1800), [640, 1280]), ((8, 8), [8, 16])],
)
def test_damage_is_looked_for_in_works_of_about_one_size(
    size: tuple[int, int], looked_at: list[int]
) -> None:
    spot = np.s_[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2]
    view = np.zeros((*size, 3), np.float32)
    view[spot] = 1
    seen, known = [], np.zeros(size)

    def look(work: np.ndarray) -> np.ndarray:
        seen.append(max(work.shape[1:3]) - 2 * BORDER_PX)
        return 20 * work[..., :1] - 10

    def interventions(tile: np.ndarray) -> np.ndarray:
        known[:] = tile[0, BORDER_PX:, BORDER_PX:, 3][: size[0], : size[1]]
        return plain.interventions(tile)

    plain = restorer(0)
    dataclasses.replace(plain, look=look, interventions=interventions, tile_px=4096).change(view)
    # The network's stride makes a work up to 15 pixels longer
    assert [round(long_px, -1) for long_px in seen] == pytest.approx(looked_at, abs=16)
    inside = np.zeros(size, bool)
    inside[spot] = True
    assert np.abs(known).max() == SUREST
    assert ((known > 0) == inside).mean() > 0.97


def test_a_network_cannot_shift_colours_where_it_corrects_detail() -> None:
    plain = restorer(0)

    def tinting(tile: np.ndarray) -> np.ndarray:
        return plain.interventions(tile) + np.float32([0] + [0.1] * 6 + [0])

    change, _ = dataclasses.replace(plain, interventions=tinting).change(GREY)
    assert not change.any()


def test_each_treatment_has_a_strength_of_its_own() -> None:
    shares = (0.25, 0.5, 0.75)
    plain = restorer(0.05, detail=0.1, damaged=40, fill=0.2)
    for number, treatment in enumerate(TREATMENTS):
        whole = dataclasses.replace(plain, treat=(treatment,))
        change, _ = dataclasses.replace(whole, strength=shares).change(GREY)
        expected = shares[number] * whole.change(GREY)[0]
        assert np.abs(expected).max() > QUARTER_STEP
        np.testing.assert_allclose(change, expected, atol=QUARTER_STEP)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_all_that_is_done_is_scaled_by_the_strength(share: float) -> None:
    strength = (share,) * 3
    whole = restorer(0.05, detail=0.1)
    change, _ = dataclasses.replace(whole, strength=strength).change(GREY)
    np.testing.assert_allclose(change, share * whole.change(GREY)[0], atol=QUARTER_STEP)
