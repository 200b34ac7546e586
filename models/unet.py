"""A U-Net, to compare with the other networks."""

import keras
from keras import layers

from patina.models.encoder_decoder import Tensor, residual_output

FILTERS, DEPTH = 16, 4


def unet(*, width: float = 1.0) -> keras.Model:
    """U-Net: an encoder-decoder with skip connections.

    Input: float32 (N, H, W, 3), sRGB in [0, 1]; H and W are multiples of 16. Output: float32
    (N, H, W, 3), the residual that is added to the input. width: factor for the number of channels.

    Source: Ronneberger, Fischer and Brox, "U-Net" (2015), https://arxiv.org/abs/1505.04597, figure
    1. Changed: "same" padding; nearest-neighbour up-sampling followed by a convolution, which gives
    no checkerboard pattern and can be exported for any size of image; leaky ReLU; the input is
    scaled to [-2, 2]; the output is a residual, nearly 0 before training.
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
    residual = residual_output(features, 3, name="residual")
    return keras.Model(image, residual, name="unet")


def encoder_block(features: Tensor, filters: int, *, name: str) -> tuple[Tensor, Tensor]:
    """Two convolutions, then max pooling; (N, h, w, C) -> (N, h/2, w/2, filters), and the skip.

    The skip (N, h, w, filters) is the output of the convolutions.
    """
    skip = convolutions(features, filters, name=name)
    return layers.MaxPooling2D(name=f"{name}_half")(skip), skip


def decoder_block(features: Tensor, skip: Tensor, filters: int, *, name: str) -> Tensor:
    """Up-sampling, concatenation with the skip, two convolutions; -> (N, 2h, 2w, filters).

    features: (N, h, w, C). skip: (N, 2h, 2w, filters), of the encoder block of the same level.
    """
    doubled = layers.UpSampling2D(interpolation="nearest", name=f"{name}_double")(features)
    joined = layers.Concatenate(name=f"{name}_join")([skip, doubled])
    return convolutions(joined, filters, name=name)


def convolutions(features: Tensor, filters: int, *, name: str) -> Tensor:
    """Two 3×3 convolutions with leaky ReLU; (N, h, w, C) -> (N, h, w, filters)."""
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
