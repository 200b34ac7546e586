"""The first estimate of noise by sliding cosine transforms."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from patina.models.sliding_dct import noise_estimate

Change = Callable[[np.ndarray], np.ndarray]  # of the coefficients of a block


def estimated(factor: float, image: np.ndarray) -> np.ndarray:
    """The estimate for an image (h, w, 3), with the same predicted factor everywhere."""
    view = keras.Input((None, None, 3))
    change = ops.depth_to_space(noise_estimate(ops.space_to_depth(view, 2), 8), 2)
    model = keras.Model(view, change)
    layer = model.get_layer("factors")
    kernel, bias = layer.get_weights()
    layer.set_weights([0 * kernel, np.full_like(bias, np.log(factor))])
    return np.asarray(model(image[None]))[0]


def noise_below(threshold: float) -> Change:
    return lambda coefficients: coefficients / (1 + (coefficients / threshold) ** 4)


def by_definition(image: np.ndarray, change: Change) -> np.ndarray:
    """The mean over all blocks that cover a pixel, with the transform as the DCT-II defines it."""

    def cosines(size: int) -> np.ndarray:
        rows = [
            np.cos(np.pi * (2 * np.arange(size) + 1) * number / (2 * size))
            for number in range(size)
        ]
        return np.array([row / np.linalg.norm(row) for row in rows])

    places, colours = cosines(8), cosines(3)
    height, width = image.shape[:2]
    # A margin of three cells of 2×2 pixels is reflected cell by cell
    cells = image.astype(np.float64).reshape(height // 2, 2, width // 2, 2, 3)
    padded = np.pad(cells, ((3, 3), (0, 0), (3, 3), (0, 0), (0, 0)), "symmetric")
    padded = padded.reshape(height + 12, width + 12, 3)
    total, count = np.zeros_like(padded), np.zeros((*padded.shape[:2], 1))
    for top in range(0, height + 5, 2):
        for left in range(0, width + 5, 2):
            block = padded[top : top + 8, left : left + 8]
            spectrum = np.einsum("ai,bj,kc,ijc->abk", places, places, colours, block)
            changed = change(spectrum)
            changed[0, 0] = 0
            back = np.einsum("ai,bj,kc,abk->ijc", places, places, colours, changed)
            total[top : top + 8, left : left + 8] += back
            count[top : top + 8, left : left + 8] += 1
    return (total / count)[6:-6, 6:-6]


def test_the_estimate_is_the_mean_over_all_blocks_of_their_small_coefficients() -> None:
    image = np.random.default_rng(1).uniform(0, 1, (32, 48, 3)).astype(np.float32)
    found = estimated(1 / 0.4, image)
    np.testing.assert_allclose(found, by_definition(image, noise_below(0.4)), atol=3e-5)


def test_most_of_white_noise_is_found_and_an_edge_is_kept() -> None:
    rng = np.random.default_rng(2)
    edge = np.zeros((64, 64, 3), np.float32)
    edge[:, 29:] = 0.8
    noise = rng.normal(0, 0.05, edge.shape).astype(np.float32)
    left = noise - estimated(1 / (2.7 * 0.05), edge + noise)
    assert left.std() < 0.45 * noise.std()
