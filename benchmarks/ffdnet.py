"""FFDNet, a network against noise, for comparison.

Source: Zhang et al., "FFDNet" (2018), https://arxiv.org/abs/1710.04026.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from patina.tasks.imaging.images import to_float, to_uint8


def ffdnet(file: Path) -> Callable[[np.ndarray, float], np.ndarray]:
    """A function of a picture, uint8 (H, W, 3), and σ in 8-bit steps; it returns the denoised
    picture.

    file: the published colour weights, an .npz with w0, b0, w1, …
    """
    weights = np.load(file)
    count = sum(name.startswith("w") for name in weights)
    network = keras.Sequential([layers.Input((None, None, weights["w0"].shape[2]))])
    for number in range(count):
        kernel = weights[f"w{number}"]
        relu = "relu" if number < count - 1 else None
        layer = layers.Conv2D(kernel.shape[3], 3, padding="same", activation=relu, dtype="float32")
        network.add(layer)
        layer.set_weights([kernel, weights[f"b{number}"]])
    corners = ((0, 0), (1, 0), (0, 1), (1, 1))

    def denoise(noisy: np.ndarray, sigma_255: float) -> np.ndarray:
        height, width = noisy.shape[:2]
        even = np.pad(noisy, ((0, height % 2), (0, width % 2), (0, 0)), mode="symmetric")
        view = to_float(even)
        planes = [view[row::2, column::2, c] for c in range(3) for row, column in corners]
        level = np.full_like(planes[0], sigma_255 / 255)
        found = np.asarray(network.predict_on_batch(np.stack([*planes, level], axis=-1)[None]))[0]
        result = np.empty_like(view)
        for plane, (c, (row, column)) in enumerate((c, p) for c in range(3) for p in corners):
            result[row::2, column::2, c] = found[..., plane]
        return to_uint8(result[:height, :width])

    return denoise
