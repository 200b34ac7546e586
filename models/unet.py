"""The U-Net that Patina started from."""

from typing import Any

import keras
from keras import layers

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)


def unet(*, filters: int = 16, depth: int = 3) -> keras.Model:
    """Encoder-decoder with skips that predicts what to add to the image.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 2^depth -> the same, restored.
    Source: Ronneberger, Fischer and Brox, "U-Net" (2015), https://arxiv.org/abs/1505.04597,
    figure 1. Changed: "same" padding, nearest-neighbour up-sampling followed by a convolution
    (no checkerboard; it exports with any size); leaky ReLU, for a residual that starts at zero
    can starve plain ones for good; the input is centred; and the output is a
    residual, a gain on the image and an offset, that starts at zero: an untrained network leaves
    an image as it is, and faded or yellowed colours need no copy of the picture in the features.
    """
    image = layers.Input((None, None, 3), name="image")
    features, skips = layers.Rescaling(4.0, offset=-2.0, name="centred")(image), []
    for level in range(depth):
        features, skip = encoder_block(features, filters * 2**level, name=f"encoder_{level}")
        skips.append(skip)
    features = convolutions(features, filters * 2**depth, name="bottleneck")
    for level in reversed(range(depth)):
        features = decoder_block(
            features, skips[level], filters * 2**level, name=f"decoder_{level}"
        )
    gain, offset = (starting_at_zero(features, name=name) for name in ("gain", "offset"))
    scaled = layers.Multiply(dtype="float32", name="scaled")([gain, image])
    restored = layers.Add(dtype="float32", name="restored")([image, scaled, offset])
    return keras.Model(image, restored, name="unet")


def encoder_block(features: Tensor, filters: int, *, name: str) -> tuple[Tensor, Tensor]:
    """Convolutions, whose result is also the skip; then half the size."""
    skip = convolutions(features, filters, name=name)
    return layers.MaxPooling2D(name=f"{name}_half")(skip), skip


def decoder_block(features: Tensor, skip: Tensor, filters: int, *, name: str) -> Tensor:
    """Twice the size, joined with the skip; then convolutions."""
    doubled = layers.UpSampling2D(interpolation="nearest", name=f"{name}_double")(features)
    joined = layers.Concatenate(name=f"{name}_join")([skip, doubled])
    return convolutions(joined, filters, name=name)


def starting_at_zero(features: Tensor, *, name: str) -> Tensor:
    """A map of three channels, in float32 whatever the network computes in."""
    return layers.Conv2D(
        3, 3, padding="same", kernel_initializer="zeros", dtype="float32", name=name
    )(features)


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
