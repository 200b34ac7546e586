"""The U-Net that Patina started from."""

from typing import Any

import keras
from keras import layers

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)

FILTERS, DEPTH = 16, 4


def unet(*, width: float = 1.0) -> keras.Model:
    """Encoder-decoder with skips.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 16 -> (N, H, W, 3), the residual to
    be added. width: factor for the channels. Source: Ronneberger, Fischer and Brox, "U-Net" (2015),
    https://arxiv.org/abs/1505.04597, figure 1. Changed: "same" padding; nearest-neighbour
    up-sampling followed by a convolution (no checkerboard; it exports with any size); leaky ReLU,
    because plain ReLUs can die with a residual that starts at zero; the input is centred; the
    output is a residual, which starts at zero.
    """
    filters = max(4, round(FILTERS * width))
    image = layers.Input((None, None, 3), name="image")
    features, skips = layers.Rescaling(4.0, offset=-2.0, name="centred")(image), []
    for level in range(DEPTH):
        features, skip = encoder_block(features, filters * 2**level, name=f"encoder_{level}")
        skips.append(skip)
    features = convolutions(features, filters * 2**DEPTH, name="bottleneck")
    for level in reversed(range(DEPTH)):
        features = decoder_block(
            features, skips[level], filters * 2**level, name=f"decoder_{level}"
        )
    small = keras.initializers.VarianceScaling(1e-4)
    residual = layers.Conv2D(
        3, 3, padding="same", kernel_initializer=small, dtype="float32", name="residual"
    )(features)
    return keras.Model(image, residual, name="unet")


def encoder_block(features: Tensor, filters: int, *, name: str) -> tuple[Tensor, Tensor]:
    """Convolutions, whose output is also the skip; then half the size."""
    skip = convolutions(features, filters, name=name)
    return layers.MaxPooling2D(name=f"{name}_half")(skip), skip


def decoder_block(features: Tensor, skip: Tensor, filters: int, *, name: str) -> Tensor:
    """Twice the size, concatenated with the skip; then convolutions."""
    doubled = layers.UpSampling2D(interpolation="nearest", name=f"{name}_double")(features)
    joined = layers.Concatenate(name=f"{name}_join")([skip, doubled])
    return convolutions(joined, filters, name=name)


def convolutions(features: Tensor, filters: int, *, name: str) -> Tensor:
    """Two 3×3 convolutions with leaky ReLU."""
    for turn in ("first", "second"):
        features = layers.Conv2D(
            filters,
            3,
            padding="same",
            activation="leaky_relu",
            kernel_initializer="he_normal",
            name=f"{name}_{turn}",
        )(features)
    return features
