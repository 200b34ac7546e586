"""The gates of noise and blur: how much of a work is examined before the decision."""

import cv2
import numpy as np
import pytest

from patina.tasks.imaging.images import to_float
from patina.tasks.restoration import capture_gates
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.training import judge

SIDE_PX = 900  # large enough for nine tiles


@pytest.mark.parametrize(
    ("logit", "forced", "examined"),
    [(-6.0, False, 3), (6.0, False, 3), (-0.1, False, 9), (0.9, False, 9), (-6.0, True, 9)],
    ids=["clearly sound", "clearly noisy", "doubtful", "less noisy", "forced"],
)
def test_all_tiles_are_examined_unless_the_first_three_are_clear(logit, forced, examined):
    work = np.random.default_rng(0).random((SIDE_PX, SIDE_PX, 3), np.float32)
    seen = []

    def network(tile):
        seen.append(tile)
        return -0.2 * (tile - tile.mean(dtype=np.float32))

    tiles = capture_gates.sample_tiles(lambda top, bottom: work[top:bottom], SIDE_PX, SIDE_PX)
    found = capture_gates.decide_capture(
        {"noise": network},
        tiles,
        Gates.opened(noise_probability=0.5),
        {"noise": Judge.constant(logit)},
        forced=forced,
    )
    assert len(seen) == examined
    assert (found.weight("noise") > 0) == (forced or logit > 0)


@pytest.mark.parametrize(("noise", "sharpened"), [(0.05, True), (0.3, False)])
def test_a_work_that_may_be_noisy_is_not_sharpened(noise, sharpened):
    small = np.random.default_rng(0).random((SIDE_PX // 4, SIDE_PX // 4, 3), np.float32)
    work = cv2.resize(small, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    logit = float(np.log(noise / (1 - noise)))
    found = capture_gates.decide_capture(
        {"noise": lambda tile: 0.1 * tile, "blur": lambda tile: 0.1 * (tile - 0.5)},
        capture_gates.sample_tiles(lambda top, bottom: work[top:bottom], SIDE_PX, SIDE_PX),
        Gates.opened(noise_probability=0.5, blur_probability=0.15),
        {"noise": Judge.constant(logit), "blur": Judge.constant(4.0)},
        forced=False,
    )
    assert not found.weight("noise")
    assert ("blur" in found.corrections) == sharpened


@pytest.mark.parametrize(
    ("noise", "compressed", "asked", "applied"),
    [
        (0.6, 0.8, True, "compressed_noise"),
        (0.8, 0.6, True, "noise"),
        (0.2, 0.8, True, "compressed_noise"),
        (0.6, 0.3, True, "noise"),  # its gate is higher, so the other may be less sure
        (0.2, 0.3, True, None),
        (0.01, 0.8, False, None),  # the work is surely sound
        (0.99, 0.995, False, "noise"),  # the noise is surely white
    ],
)
def test_the_surer_of_two_networks_corrects_noise(noise, compressed, asked, applied):
    work = np.random.default_rng(0).random((256, 256, 3), np.float32)
    judges = {
        role: Judge.constant(float(np.log(value / (1 - value))))
        for role, value in (("noise", noise), ("compressed_noise", compressed))
    }
    networks = dict.fromkeys(judges, lambda tile: -0.2 * (tile - tile.mean(dtype=np.float32)))
    found = capture_gates.decide_capture(
        networks,
        capture_gates.sample_tiles(lambda top, bottom: work[top:bottom], 256, 256),
        Gates.opened(noise_probability=0.4, compressed_noise_probability=0.5),
        judges,
        forced=False,
    )
    assert [role for role in networks if found.weight(role)] == ([applied] if applied else [])
    assert ("compressed_noise" in found.corrections) == asked


@pytest.mark.parametrize("origin", [(0, 0), (3, 5)])
def test_slow_changes_of_colour_are_not_taken_for_jpeg_artefacts(origin):
    rows, columns = np.indices((128, 160))
    slow = 0.02 * np.sin(columns / 40)[..., None] * np.float32([1, -1, 0])
    steps = 0.02 * np.where((rows // 4 + columns // 4) % 2, 1, -1)[..., None] * np.ones(3)

    def network(tile):
        height, width = (a - b for a, b in zip(tile.shape[1:3], (128, 160), strict=True))
        around = ((0, height), (0, width), (0, 0))
        return np.pad(slow + steps, around, mode="symmetric")[None].astype(np.float32)

    corrected = capture_gates.jpeg_correction(network, origin)
    residual = corrected(np.zeros((1, 128, 160, 3), np.float32))[0]
    assert residual.shape == (128, 160, 3)
    wide = cv2.GaussianBlur(residual, (0, 0), 12)[40:-40, 40:-40]
    assert np.abs(wide).max() < 0.003
    assert residual[40:-40, 40:-40].std() == pytest.approx(0.02, abs=0.001)


@pytest.mark.parametrize(("blur_px", "grey", "applied"), [(0, 0, 1), (1.2, 0, 0), (0, 1, 0)])
def test_brushwork_and_paper_are_not_taken_for_compressed_noise(blur_px, grey, applied):
    noise = np.random.default_rng(0).normal(0, 0.1, (256, 256, 3)).astype(np.float32)
    noise = noise.mean(axis=2, keepdims=True).repeat(3, axis=2) if grey else noise
    noise = cv2.GaussianBlur(noise, (0, 0), blur_px) if blur_px else noise
    work = 0.5 + noise
    found = capture_gates.decide_capture(
        {"compressed_noise": lambda tile: np.float32(0.5) - tile},
        capture_gates.sample_tiles(lambda top, bottom: work[top:bottom], 256, 256),
        Gates.opened(compressed_noise_probability=0.5),
        {"compressed_noise": Judge.constant(4.0)},
        forced=False,
    )
    assert found.weight("compressed_noise") == applied


@pytest.mark.parametrize(
    ("logit", "forced", "blocks"), [(4.0, False, 0), (-4.0, False, 1), (4.0, True, 1)]
)
def test_jpeg_artefacts_are_left_to_the_network_that_corrects_compressed_noise(
    logit, forced, blocks
):
    rng = np.random.default_rng(0)
    work = np.kron(rng.random((32, 32, 3)), np.ones((8, 8, 1))).astype(np.float32)
    work += rng.normal(0, 0.02, work.shape).astype(np.float32)
    found = capture_gates.decide_capture(
        {
            "jpeg": np.zeros_like,
            "compressed_noise": lambda tile: rng.normal(0, 0.02, tile.shape).astype(np.float32),
        },
        capture_gates.sample_tiles(lambda top, bottom: work[top:bottom], 256, 256),
        Gates.opened(jpeg_blockiness=1.18, compressed_noise_probability=0.5),
        {"compressed_noise": Judge.constant(logit)},
        forced=forced,
    )
    assert found.blockiness > 1.5
    assert found.weight("jpeg") == blocks
    assert found.weight("compressed_noise") == (logit > 0)


def test_some_samples_of_a_judge_of_noise_are_whole_works_at_their_own_size_and_reduced(works):
    examined = []

    def network(tile):
        examined.append(tile)
        return 0.1 * (tile - 0.5)

    drawn = [list(judge.samples(works, "noise", network, 4, seed)) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert [len(each) for each in drawn[0]] == [2, 1, 1, 2]  # every third sample is a whole work
    assert drawn[0][0] == drawn[2][0]
    assert all(gain <= 0 for _, gain in drawn[0][0])
    own = to_float(works[0].pixels)
    assert any(np.array_equal(tile[0], own[: tile.shape[1], : tile.shape[2]]) for tile in examined)
    assert [len(each) for each in judge.samples(works, "blur", network, 4, 3)] == [1, 1, 1, 1]
