"""Damage is filled from its surroundings, and the network corrects the fill."""

import numpy as np
import pytest

from patina.tasks.restoration.inpainting import classical_fill, fill_residual
from patina.tasks.restoration.tiling import Network

GREY, BLACK = 0.5, 0.1
SPOT = np.s_[60:66, 70:76]


def tile(*, stain: bool = False) -> np.ndarray:
    """(1, 160, 160, 5): grey with a black spot, the fill map, the share seen through a stain."""
    given = np.zeros((1, 160, 160, 5), np.float32)
    given[..., :3] = GREY
    given[0][SPOT] = (BLACK, BLACK, BLACK, 1, float(stain))
    return given


def giving(*output: float) -> Network:
    return lambda given: np.broadcast_to(np.float32(output), (*given.shape[:3], 4))


def test_without_a_network_damage_gets_the_colour_of_its_surroundings() -> None:
    change = fill_residual(None, tile())
    np.testing.assert_allclose(change[0][SPOT], GREY - BLACK, atol=1 / 255)
    assert np.abs(change[0, :50]).max() == 0


def test_a_network_corrects_the_classical_fill() -> None:
    change = fill_residual(giving(0.1, 0.1, 0.1, -1), tile())
    np.testing.assert_allclose(change[0][SPOT], GREY - BLACK + 0.1, atol=1 / 255)


@pytest.mark.parametrize("stain", [False, True])
def test_the_image_is_used_where_it_is_visible_through_a_stain(stain: bool) -> None:
    change = fill_residual(giving(0.1, 0.1, 0.1, 0.9 if not stain else -1), tile(stain=stain))
    np.testing.assert_allclose(change[0][SPOT], 0.1, atol=1e-5)


def test_the_network_gets_the_image_its_fill_and_the_mask_with_context() -> None:
    seen = []

    def network(given: np.ndarray) -> np.ndarray:
        seen.append(given)
        return np.zeros((*given.shape[:3], 4), np.float32)

    fill_residual(network, tile())
    (given,) = seen
    assert given.shape[1] % 16 == given.shape[2] % 16 == 0
    assert given.shape[1] < 160
    assert given[..., :3].min() == np.float32(BLACK)
    np.testing.assert_allclose(given[..., 3:6], GREY, atol=1 / 255)
    assert set(np.unique(given[..., 6])) == {0, 1}
    assert 36 <= given[..., 6].sum() <= 64


def test_a_tile_without_damage_is_not_processed() -> None:
    sound = tile()
    sound[..., 3:] = 0
    assert not fill_residual(lambda given: 1 / 0, sound).any()  # type: ignore[arg-type, return-value]


def test_the_classical_fill_does_not_modify_its_image() -> None:
    image = np.full((40, 40, 3), 128, np.uint8)
    image[18:22, 18:22] = 0
    before = image.copy()
    mask = (image[..., 0] == 0).astype(np.uint8)
    np.testing.assert_allclose(classical_fill(image, mask), 128, atol=1)
    np.testing.assert_array_equal(image, before)
