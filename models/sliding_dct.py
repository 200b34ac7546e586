"""A first estimate of noise: the small coefficients of sliding 8×8 cosine transforms.

A small network predicts the threshold of each coefficient from the strength of the coefficients
around it; the estimate is the mean of all blocks that cover a pixel.
Sources: Guleryuz, "Weighted overcomplete denoising" (2003), and Yu & Sapiro, "DCT image denoising"
(2011), https://doi.org/10.5201/ipol.2011.ys-dct; predicted strength of the noise after Guo et al.,
"CBDNet" (2019), https://arxiv.org/abs/1807.04686.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from patina.models.encoder_decoder import Tensor

BLOCK_PX, STEP_PX = 8, 2  # side of the transformed blocks, and distance from one to the next
CELLS = BLOCK_PX // STEP_PX  # side of a block in cells of STEP_PX
POOL = 8  # side of the areas, in cells, that share their thresholds
FIRST_SIGMA, THRESHOLD = 12 / 255, 2.7  # noise before training; threshold in standard deviations
LOGS = (-3.0, 7.0)  # limits of the logarithm of 1 / threshold: its fourth power must not overflow
FLOOR = 1e-3  # is added to the strength of the coefficients before its logarithm
COEFFICIENTS = 3 * BLOCK_PX**2


def noise_estimate(cells: Tensor, channels: int) -> Tensor:
    """The noise of an image, (N, h, w, 12) -> (N, h, w, 12).

    cells: the image, sRGB in [0, 1], with each 2×2 pixels as 12 channels (`ops.space_to_depth`); h
    and w are multiples of POOL. channels: of the network that predicts the thresholds. A
    coefficient counts as noise by 1 / (1 + (coefficient / threshold)⁴). The mean of a block is
    never noise. Colours are first transformed to brightness and two differences. The transforms
    are not trained.
    """
    margin = (CELLS - 1, CELLS - 1)
    forward = layers.Conv2D(COEFFICIENTS, CELLS, use_bias=False, trainable=False, name="transform")
    back = layers.Conv2D(12, CELLS, use_bias=False, trainable=False, name="inverse")
    coefficients = forward(ops.pad(cells, ((0, 0), margin, margin, (0, 0)), "symmetric"))
    scaled = coefficients * _inverse_thresholds(coefficients, channels)
    estimate = back(coefficients / (1 + ops.square(ops.square(scaled))))
    kernel = _kernel()
    forward.set_weights([kernel])
    back.set_weights([_inverse_kernel(kernel)])
    return estimate


def _inverse_thresholds(coefficients: Tensor, channels: int) -> Tensor:
    """1 / threshold of each coefficient, the same in an area, (N, h + 3, w + 3, 192) -> same shape.

    It is predicted from the mean strength of the coefficients in this area and around it. channels:
    of the network.
    """
    inner = coefficients[:, 1 : 2 - CELLS, 1 : 2 - CELLS]
    strength = layers.AveragePooling2D(POOL, name="strength")(ops.abs(inner))
    features = layers.Conv2D(channels, 1, name="levels")(ops.log(strength + FLOOR))
    for number in range(2):
        features = layers.LeakyReLU(0.1, name=f"levels_relu_{number}")(features)
        features = layers.Conv2D(
            channels, 3, padding="same", kernel_initializer="he_normal", name=f"levels_{number}"
        )(features)
    features = layers.LeakyReLU(0.1, name="levels_relu_2")(features)
    first = keras.initializers.Constant(-math.log(THRESHOLD * FIRST_SIGMA))
    small = keras.initializers.VarianceScaling(1e-4)
    logs = layers.Conv2D(
        COEFFICIENTS, 1, kernel_initializer=small, bias_initializer=first, name="factors"
    )(features)
    factors = ops.exp(ops.clip(logs, *LOGS))
    factors = ops.pad(factors, ((0, 0), (1, 1), (1, 1), (0, 0)), "symmetric")
    large = layers.UpSampling2D(POOL, interpolation="nearest", name="factors_large")(factors)
    inside = slice(POOL - 1, 2 - POOL)
    return large[:, inside, inside]


def _kernel() -> np.ndarray:
    """The transform of a block and its colours, float32 (4, 4, 12, 192)."""
    colours, places = _cosines(3), _cosines(BLOCK_PX)
    # row (i), column (j) and colour (k) of a pixel in its block -> frequency of the colours (c),
    # down (a) and across (b)
    kernel = np.einsum("ai,bj,kc->ijckab", places, places, colours)
    kernel = kernel.reshape(CELLS, STEP_PX, CELLS, STEP_PX, 3, COEFFICIENTS)
    return kernel.transpose(0, 2, 1, 3, 4, 5).reshape(CELLS, CELLS, 12, COEFFICIENTS)


def _inverse_kernel(kernel: np.ndarray) -> np.ndarray:
    """The mean of all blocks that cover a cell, without their means, float32 (4, 4, 192, 12)."""
    means = np.arange(COEFFICIENTS) % BLOCK_PX**2 == 0
    return (kernel[::-1, ::-1] * ~means).transpose(0, 1, 3, 2) / CELLS**2


def _cosines(size: int) -> np.ndarray:
    """The orthonormal cosine transform, float32 (size, size); its first row is the mean."""
    places = np.arange(size)
    rows = np.cos(np.pi * (2 * places + 1) * places[:, None] / (2 * size)) * math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows.astype(np.float32)
