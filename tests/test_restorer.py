"""The change of a work, and its strength: detail, damage and tone separately."""

import dataclasses
from typing import Any

import cv2
import numpy as np
import pytest
from restorers import restorer

from patina.models import CLASSES
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS, TREATMENTS
from patina.tasks.restoration.restorer import Restorer

QUARTER_STEP = 0.25 / 255
GREY = np.full((64, 64, 3), 0.5, np.float32)
INNER = np.s_[8:20, 8:56]  # of the upper half, away from borders


VARIED = np.float32(0.2) + np.float32(0.5) * np.random.default_rng(0).random(
    (64, 64, 3), np.float32
)


def without(given: Restorer, *roles: str) -> Restorer:
    kept = {role: network for role, network in given.networks.items() if role not in roles}
    return dataclasses.replace(given, networks=kept)


@pytest.mark.parametrize(("gate_255", "share"), [(20.0, 0), (0.0, 1)])
def test_the_gate_of_tone_decides_for_the_whole_work(gate_255: float, share: float) -> None:
    gated = restorer(15 / 255, gates=Gates.opened(tone_255=gate_255))
    change, decided = gated.change(VARIED)
    np.testing.assert_allclose(change, share * 15 / 255, atol=QUARTER_STEP)
    assert decided["tone"]["weight"] == share
    assert decided["tone"]["amount_255"] == pytest.approx(15, abs=0.1)


@pytest.mark.parametrize(("size_255", "share"), [(1.9, 0), (2.25, 0.5), (2.6, 1)])
def test_detail_is_not_corrected_if_the_change_would_be_small(
    size_255: float, share: float
) -> None:
    gated = restorer(0, noise=size_255 / 255, gates=Gates.opened(noise_255=2))
    change, decided = gated.change(GREY)
    assert np.abs(change).max() == pytest.approx(share * size_255 / 255, abs=QUARTER_STEP)
    assert decided["noise"]["weight"] == pytest.approx(share, abs=0.01)


CERTAIN = Judge.constant(40.0)  # every correction improves the work


@pytest.mark.parametrize("role", ["noise", "blur"])
def test_a_repeating_pattern_is_not_taken_for_noise_or_blur(role: str) -> None:
    chequered = restorer(0, noise=10 / 255, judges={role: CERTAIN})
    networks = dict(chequered.networks)
    networks[role] = networks.pop("noise")
    chequered = dataclasses.replace(chequered, networks=networks)
    shaded = GREY + np.linspace(-0.2, 0.2, len(GREY), dtype=np.float32)[:, None, None]
    change, decided = chequered.change(shaded)
    assert decided[role]["probability"] == 1
    assert decided[role]["features"]["far"] > 0.9
    assert not change.any()
    assert dataclasses.replace(chequered, forced=("detail",)).change(shaded)[0].any()


def test_a_work_that_shows_nothing_is_not_sharpened() -> None:
    def lighter(tile: np.ndarray) -> np.ndarray:
        return 0.1 * np.random.default_rng(0).standard_normal(tile.shape, np.float32)

    sharpening = dataclasses.replace(
        restorer(0), networks={"blur": lighter}, judges={"blur": CERTAIN}
    )
    change, decided = sharpening.change(GREY)
    assert decided["blur"] == {"weight": 0, "probability": 0, "features": {}}  # not examined
    assert not change.any()
    assert dataclasses.replace(sharpening, forced=("detail",)).change(GREY)[0].any()


def test_smoothing_by_jpeg_is_not_taken_for_blur() -> None:
    def lighter(tile: np.ndarray) -> np.ndarray:
        return np.full_like(tile, 0.1)

    def nothing(tile: np.ndarray) -> np.ndarray:
        return np.zeros_like(tile)

    blocks = np.random.default_rng(0).random((8, 8, 3), np.float32) / 5
    blocky = np.kron(blocks, np.ones((8, 8, 1), np.float32)).astype(np.float32)
    plain = dataclasses.replace(restorer(0), networks={"jpeg": nothing, "blur": lighter})
    change, decided = plain.change(blocky)
    assert decided["jpeg"]["weight"] == 1
    assert not change.any()
    change, decided = dataclasses.replace(plain, forced=("detail",)).change(blocky)
    np.testing.assert_allclose(change, 0.1, atol=QUARTER_STEP)
    assert decided["blur"]["weight"] == 1


def sharper(tile: np.ndarray) -> np.ndarray:
    """A network that raises the contrast."""
    return np.float32(0.2) * (tile - np.float32(0.45))


@pytest.mark.parametrize(("sigma_px", "corrected"), [(0.5, False), (1.2, True), (4.0, True)])
def test_a_work_with_fine_detail_is_not_taken_for_blurred(sigma_px: float, corrected: bool) -> None:
    view = np.clip(0.45 + 3 * (cv2.GaussianBlur(VARIED, (0, 0), sigma_px) - 0.45), 0, 1)
    plain = dataclasses.replace(restorer(0), networks={"blur": sharper})
    judged = dataclasses.replace(plain, judges={"blur": CERTAIN})
    change, decided = judged.change(view.astype(np.float32))
    assert (decided["blur"]["weight"], change.any()) == (corrected, corrected)


def test_an_enlarged_image_is_not_taken_for_blurred() -> None:
    noise = np.random.default_rng(0).random((200, 200, 3), np.float32)
    enlarged = cv2.resize(
        cv2.GaussianBlur(noise, (0, 0), 1), (640, 640), interpolation=cv2.INTER_CUBIC
    )
    blurred = cv2.GaussianBlur(
        np.random.default_rng(1).random((640, 640, 3), np.float32), (0, 0), 3
    )
    judged = dataclasses.replace(restorer(0), networks={"blur": sharper}, judges={"blur": CERTAIN})
    for soft, weight in ((enlarged, 0), (blurred, 1)):
        view = np.clip(0.45 + 0.1 * (soft - soft.mean()) / soft.std(), 0, 1)
        assert judged.change(view)[1]["blur"]["weight"] == weight


@pytest.mark.parametrize(("sigma_px", "corrected"), [(1.2, False), (4.0, True)])
def test_a_large_scan_is_blurred_only_if_it_still_is_when_reduced(
    sigma_px: float, corrected: bool
) -> None:
    noise = np.random.default_rng(0).random((256, 2048, 3), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma_px) - 0.5
    view = 0.45 + 0.1 * soft / soft.std()
    judged = dataclasses.replace(restorer(0), networks={"blur": sharper}, judges={"blur": CERTAIN})
    assert bool(judged.change(view)[1]["blur"]["weight"]) == corrected


@pytest.mark.parametrize("size", [(16, 3000), (3000, 16), (40, 2600)])
def test_a_very_narrow_work_may_be_blurred(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).random((*size, 3), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 3) - 0.5
    view = np.clip(0.45 + 0.1 * soft / soft.std(), 0, 1).astype(np.float32)
    judged = dataclasses.replace(restorer(0), networks={"blur": sharper}, judges={"blur": CERTAIN})
    assert judged.change(view)[0].shape == view.shape


def test_smoothing_by_the_correction_of_noise_is_not_taken_for_blur() -> None:
    def lighter(tile: np.ndarray) -> np.ndarray:
        return np.full_like(tile, 0.1)

    noisy = restorer(0, noise=10 / 255)
    both = dataclasses.replace(noisy, networks={**noisy.networks, "blur": lighter})
    np.testing.assert_array_equal(both.change(GREY)[0], noisy.change(GREY)[0])
    forced = dataclasses.replace(both, forced=("detail",)).change(GREY)[0]
    np.testing.assert_allclose(forced - noisy.change(GREY)[0], 0.1, atol=QUARTER_STEP)


def test_forced_treatments_ignore_the_gates() -> None:
    closed = Gates.opened(noise_255=90, tone_255=200, fill_area=0, fill_width=0, fill_share=0)
    held_back = restorer(3 / 255, noise=3 / 255, damaged=40, fill=0.1, gates=closed)
    assert not held_back.change(GREY)[0].any()
    for treatment in ("detail", "damage", "tone"):
        alone = restorer(3 / 255, noise=3 / 255, damaged=40, fill=0.1, treat=(treatment,))
        forced = dataclasses.replace(alone, gates=closed, forced=(treatment,))
        expected = alone.change(GREY)[0]
        assert np.abs(expected).max() > QUARTER_STEP
        np.testing.assert_array_equal(forced.change(GREY)[0], expected)


@pytest.mark.parametrize(
    ("treat", "upper", "lower"),
    [
        ((), 0, 0),
        (("damage",), 0.2, 0),
        (("detail",), 0.1, 0.1),
        (("tone",), 0.05, 0.05),
        (("detail", "damage"), 0.3, 0.1),
        (("detail", "damage", "tone"), 0.35, 0.15),
    ],
)
def test_only_the_selected_treatments_change_the_work(
    treat: tuple[str, ...], upper: float, lower: float
) -> None:
    everything = restorer(0.05, noise=0.1, damaged=40, fill=0.2, treat=treat)
    change, _ = everything.change(GREY)
    # The largest of the chequers, away from where both halves meet
    assert change[INNER].max() == pytest.approx(upper, abs=0.01)
    assert change[44:56].max() == pytest.approx(lower, abs=0.01)


@pytest.mark.parametrize(
    ("role", "treatment"), [("noise", "detail"), ("segmentation", "damage"), ("tone", "tone")]
)
def test_a_treatment_without_a_network_is_skipped(role: str, treatment: str) -> None:
    whole = restorer(0.05, noise=0.1, damaged=40, fill=0.2)
    others = tuple(name for name in DEFAULT_TREATMENTS if name != treatment)
    lacking, _ = without(whole, role).change(GREY)
    np.testing.assert_array_equal(lacking, dataclasses.replace(whole, treat=others).change(GREY)[0])


def test_without_inpainting_damage_gets_the_classical_fill() -> None:
    view = GREY.copy()
    view[20:30, 8:16] = 0

    def segmentation(tile: np.ndarray) -> np.ndarray:
        logits = np.full((*tile.shape[:3], len(CLASSES)), -40, np.float32)
        logits[..., CLASSES.index("area")] = np.where(tile.mean(axis=3) < 0.2, 40, -40)
        return logits

    plain = without(restorer(0), "inpainting", "noise", "tone")
    networks = {**plain.networks, "segmentation": segmentation}
    change, decided = dataclasses.replace(plain, networks=networks).change(view)
    np.testing.assert_allclose((view + change)[22:28, 10:14], 0.5, atol=0.02)
    assert list(decided["damage"]["by_kind"].values()) == [1]
    assert 0 < decided["damage"]["filled_share"] < 0.1


def test_each_treatment_has_a_strength_of_its_own() -> None:
    shares = dict(zip(TREATMENTS, (0.25, 0.5, 0.9, 0.75, 1.0), strict=True))
    for treatment in ("detail", "damage", "tone"):
        whole = restorer(0.05, noise=0.1, damaged=40, fill=0.2, treat=(treatment,))
        change, _ = dataclasses.replace(whole, strength=tuple(shares.values())).change(GREY)
        expected = shares[treatment] * whole.change(GREY)[0]
        assert np.abs(expected).max() > QUARTER_STEP
        np.testing.assert_allclose(change, expected, atol=QUARTER_STEP)


def cracked(**applied: Any) -> Restorer:
    """A restorer that takes what is dark for a crack, and what is light for a loss."""

    def segmentation(tile: np.ndarray) -> np.ndarray:
        logits = np.full((*tile.shape[:3], len(CLASSES)), -40, np.float32)
        light = tile.mean(axis=3)
        logits[..., CLASSES.index("crack")] = np.where(light < 0.45, 40, -40)
        logits[..., CLASSES.index("area")] = np.where(light > 0.55, 40, -40)
        return logits

    plain = without(restorer(0, fill=0.2, **applied), "tone")
    return dataclasses.replace(plain, networks={**plain.networks, "segmentation": segmentation})


CRACKED = GREY.copy()
CRACKED[20:24], CRACKED[40:44] = 0.4, 0.6


@pytest.mark.parametrize(("damage", "craquelure"), [(1, 0.5), (0.5, 1), (1, 0), (0, 1), (1, 1)])
def test_cracks_are_filled_at_the_strength_of_craquelure(damage: float, craquelure: float) -> None:
    strength = (1.0, damage, 1.0, 1.0, craquelure)
    filling = cracked(treat=("damage", "craquelure"), strength=strength)
    change, decided = filling.change(CRACKED)
    np.testing.assert_allclose(change[20:24], 0.2 * craquelure, atol=0.01)
    np.testing.assert_allclose(change[40:44], 0.2 * damage, atol=0.01)
    assert np.abs(change[:32]).max() <= 0.2 * craquelure + 0.01
    assert decided["damage"]["weight"] == max(damage, craquelure)


def test_forced_craquelure_fills_cracks_without_the_gates() -> None:
    closed = Gates.opened(damage_share=0.9, fill_area=0, fill_width=0, fill_share=0)
    gated = cracked(gates=closed, treat=("damage", "craquelure"))
    assert not gated.change(CRACKED)[0].any()
    change, decided = dataclasses.replace(gated, forced=("craquelure",)).change(CRACKED)
    np.testing.assert_allclose(change[20:24], 0.2, atol=0.01)
    assert not change[32:].any()
    assert decided["damage"]["by_kind"] == {"crack network": 1}


def test_strength_zero_changes_nothing() -> None:
    nothing = restorer(0.05, noise=0.1, damaged=40, fill=0.2, strength=(0.0,) * len(TREATMENTS))
    assert not nothing.change(GREY)[0].any()


def test_a_changed_work_stays_in_the_valid_range() -> None:
    for level in (0.0, 0.01, 0.99, 1.0):
        view = np.full((64, 64, 3), level, np.float32)
        restored = view + restorer(0.2, noise=0.2).change(view)[0]
        assert 0 <= restored.min() <= restored.max() <= 1


def test_tone_gets_the_output_of_the_earlier_networks() -> None:
    seen = []
    plain = restorer(0, damaged=40, fill=0.2)

    def tone(view: np.ndarray) -> np.ndarray:
        seen.append(view[0])
        return plain.networks["tone"](view)

    dataclasses.replace(plain, networks={**plain.networks, "tone": tone}).change(GREY)
    assert seen[-1][20:40].mean() == pytest.approx(0.7, abs=0.01)
    assert seen[-1][90:].mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("size", [(1300, 90), (90, 1300), (700, 600)])
def test_a_large_work_is_restored_in_strips_as_in_one_piece(size: tuple[int, int]) -> None:
    view = np.random.default_rng(0).random((*size, 3), np.float32) * 0.5 + 0.25

    def smoothing(tile: np.ndarray) -> np.ndarray:
        return np.float32(0.2) * (0.5 - tile)

    plain = restorer(0.05, tile_px=256)
    tiled = dataclasses.replace(plain, networks={**plain.networks, "noise": smoothing})
    change, decided = tiled.change(view)
    whole, same = dataclasses.replace(tiled, tile_px=8192).change(view)
    np.testing.assert_allclose(change, whole, atol=1e-3)
    assert decided["tone"] == same["tone"]
    assert decided["noise"] == same["noise"]
    assert np.abs(change).max() > 0.05


def test_reading_the_residual_while_the_fill_is_written_loses_nothing() -> None:
    view = np.tile(VARIED, (20, 4, 1))  # many strips of tiles
    both = restorer(
        0,
        noise=0.02,
        damaged=40,
        fill=0.1,
        tile_px=128,
        treat=("detail", "damage"),
        gates=Gates.opened(fill_width=0.01),
    )
    change, _ = both.change(view)
    expected = np.array([-0.02, 0.02, 0.08, 0.12], np.float32)
    away = np.abs(change[..., None] - expected)
    assert away.min(axis=3).max() < QUARTER_STEP
    assert np.unique(away.argmin(axis=3)).tolist() == [0, 1, 2, 3]
