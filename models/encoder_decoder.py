"""The encoder-decoder of the networks, and its blocks: functions from tensor to tensor."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)


def scaled(channels: Sequence[int], width: float) -> list[int]:
    """Each number of channels times `width`, rounded, and at least 8."""
    return [max(8, round(each * width)) for each in channels]


def encoder_decoder(
    features: Tensor,
    widths: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    *,
    name: str = "",
    normed: bool = False,
) -> Tensor:
    """A U-Net of residual blocks; (N, h, w, widths[0]) -> (N, h, w, widths[0]).

    features: h and w are multiples of 2 ** (len(widths) - 1). widths: channels at each level, at 1,
    1/2, 1/4, … of the size. down: number of residual blocks at each level of the encoder; the last
    level is the bottleneck. up: the same of the decoder, without the bottleneck. name: prefix of
    the layers' names, for a network with several encoder-decoders. normed: see `residual_block`.

    There is no pooling over the whole image, so a pixel of the output depends only on its
    surroundings, and tiles give the same result as the whole image. Source: residual blocks after
    Lim et al., "EDSR" (2017), https://arxiv.org/abs/1707.02921; skips that are added after Zhang et
    al., "DRUNet" (2021), https://arxiv.org/abs/2008.13751.
    """
    name = f"{name}_" if name else ""
    skips = []
    for level, (width, blocks) in enumerate(zip(widths, down, strict=True)):
        if level:
            skips.append(features)
            features = layers.Conv2D(width, 2, strides=2, name=f"{name}down_{level}")(features)
        for block in range(blocks):
            features = residual_block(
                features, name=f"{name}encoder_{level}_{block}", normed=normed
            )
    for level in reversed(range(len(skips))):
        narrow = layers.Conv2D(widths[level], 1, name=f"{name}narrow_{level}")(features)
        doubled = layers.UpSampling2D(interpolation="nearest", name=f"{name}up_{level}")(narrow)
        features = layers.Add(name=f"{name}skip_{level}")([skips[level], doubled])
        for block in range(up[level]):
            features = residual_block(
                features, name=f"{name}decoder_{level}_{block}", normed=normed
            )
    return features


def residual_block(features: Tensor, *, name: str, normed: bool = False) -> Tensor:
    """Two 3×3 convolutions with a skip connection; (N, h, w, C) -> (N, h, w, C).

    normed: the features of each pixel are first scaled to a root mean square of 1.
    Source: Lim et al., "EDSR" (2017), https://arxiv.org/abs/1707.02921, figure 2c. Changed: leaky
    ReLU, and a small initial scale of the second convolution in place of a constant factor.
    """
    channels = features.shape[-1]
    residual = layers.RMSNormalization(name=f"{name}_norm")(features) if normed else features
    residual = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_first"
    )(residual)
    # Leaky, because without normalisation many ReLUs would always give 0 after some training
    residual = layers.LeakyReLU(0.1, name=f"{name}_relu")(residual)
    # Small, so that the sum of the blocks does not grow with their number
    small = keras.initializers.VarianceScaling(0.1)
    residual = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=small, name=f"{name}_second"
    )(residual)
    return layers.Add(name=name)([features, residual])


def subpixel_input(image: Tensor, channels: int, *, name: str = "subpixel") -> Tensor:
    """A strided 6×6 convolution to half size; (N, H, W, C) -> (N, H/2, W/2, channels).

    Features at full size would need most of the time, and have the smallest receptive field.
    Source: Zhang et al., "FFDNet" (2018), https://arxiv.org/abs/1710.04026.
    """
    return layers.Conv2D(channels, 6, strides=2, padding="same", name=name)(image)


def full_size_output(features: Tensor, channels: int, *, name: str) -> Tensor:
    """A transposed convolution to full size; (N, h, w, C) -> float32 (N, 2h, 2w, channels).

    Before training, its output is nearly 0.
    """
    return layers.Conv2DTranspose(
        channels,
        4,
        strides=2,
        padding="same",
        dtype="float32",
        kernel_initializer=keras.initializers.VarianceScaling(1e-4),
        name=name,
    )(features)


def residual_output(features: Tensor, channels: int, *, name: str) -> Tensor:
    """A 3×3 convolution; (N, h, w, C) -> float32 (N, h, w, channels).

    Before training, its output is nearly 0.
    """
    small = keras.initializers.VarianceScaling(1e-4)
    return layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=small, dtype="float32", name=name
    )(features)
