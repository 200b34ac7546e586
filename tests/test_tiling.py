"""A tiled result equals that of one large tile."""

import numpy as np
import pytest

from patina.crawler.sample.strokes import paint
from patina.params import Restore
from patina.tasks.degradations import DEGRADATIONS
from patina.tasks.imaging.images import to_float
from patina.tasks.restoration import inference, weights
from patina.tasks.restoration.tiling import apply_tiled, self_ensemble


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 5), (64, 64), (200, 333), (513, 130)])
@pytest.mark.parametrize("overlap_px", [0, 32, 64])
def test_tiling_with_the_identity_gives_the_image(size: tuple[int, int], overlap_px: int) -> None:
    image = noise(*size, 3)
    seen: list[tuple[int, ...]] = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.shape)
        return tile

    result = apply_tiled(network, image, tile_px=128, overlap_px=overlap_px)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image, atol=1e-6)
    assert all(height % 16 == 0 and width % 16 == 0 for _, height, width, _ in seen)
    assert all(height * width <= 128**2 for _, height, width, _ in seen)


@pytest.mark.parametrize("role", ["noise", "segmentation"])
def test_tiles_differ_from_the_whole_image_by_less_than_one_8_bit_step(role: str) -> None:
    network = inference.Networks(weights.shipped(), "f32")[role]
    overlap_px = Restore().overlap_px
    image = to_float(paint(0)[0][:480, :800])
    noisy, _ = DEGRADATIONS["gaussian_noise"](image, np.random.default_rng(0), severity=0.6)

    def given(tile_px: int) -> np.ndarray:
        made = apply_tiled(network, noisy, tile_px=tile_px, overlap_px=overlap_px, stride_px=32)
        return made if role == "noise" else 1 / (1 + np.exp(-made))

    whole, tiled = given(2048), given(2 * overlap_px)
    assert np.abs(whole).max() > 0.05
    assert np.abs(whole - tiled).max() < (1 / 255 if role == "noise" else 0.05)


def test_the_self_ensemble_averages_over_the_mirrored_versions() -> None:
    def sided(tile: np.ndarray) -> np.ndarray:
        return tile + np.linspace(0, 1, tile.shape[2], dtype=np.float32)[:, None]

    tile = noise(1, 32, 48, 3)
    mean = self_ensemble(sided)(tile)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, tile + 0.5, atol=1e-6)
    np.testing.assert_allclose(self_ensemble(lambda tile: tile)(tile), tile, atol=1e-7)


def test_without_a_border_the_network_sees_the_image_alone() -> None:
    image = np.random.default_rng(0).random((40, 64, 3), np.float32)
    seen: list[np.ndarray] = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile)
        return tile

    result = apply_tiled(network, image, tile_px=128, overlap_px=32, border_px=0)
    np.testing.assert_array_equal(result, image)
    (tile,) = seen
    assert tile.shape == (1, 48, 64, 3)  # multiples of the stride
    np.testing.assert_array_equal(tile[0, :40], image)
