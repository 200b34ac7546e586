"""A tiled result is the whole one."""

import numpy as np
import pytest

from crawler.painting import paint
from models import DAMAGE, DETAIL, FILL
from models.interventions import mend
from tasks.images import to_float
from tasks.tiling import apply_tiled


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 5), (64, 64), (200, 333), (513, 130)])
@pytest.mark.parametrize("overlap_px", [0, 32, 64])
def test_tiles_of_an_unchanged_image_give_it_back(size: tuple[int, int], overlap_px: int) -> None:
    image = noise(*size, 3)
    seen: list[tuple[int, ...]] = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.shape)
        return tile

    result = apply_tiled(network, image, tile_px=128, overlap_px=overlap_px)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, image, atol=1e-6)
    assert all(height % 16 == 0 and width % 16 == 0 for _, height, width, _ in seen)
    assert all(height <= 128 and width <= 128 for _, height, width, _ in seen)


def test_tiles_agree_with_the_whole_within_one_step_of_eight_bits() -> None:
    from models import networks, pretrained

    network = networks.load(pretrained.shipped()).get_layer("interventions")
    image = to_float(paint(0)[0][:400, :560])
    damaged = np.clip(image + np.random.default_rng(0).normal(0, 0.1, image.shape), 0, 1)

    def run(tile: np.ndarray) -> np.ndarray:
        parts = np.asarray(network.predict_on_batch(tile))
        damage = 1 / (1 + np.exp(-parts[..., DAMAGE]))
        return mend(tile, damage, parts[..., DETAIL], parts[..., FILL])

    whole = apply_tiled(run, damaged.astype(np.float32), tile_px=1024, overlap_px=128)
    tiled = apply_tiled(run, damaged.astype(np.float32), tile_px=256, overlap_px=128)
    assert np.abs(whole - damaged).mean() > 0.03
    assert np.abs(whole - tiled).max() < 1 / 255
