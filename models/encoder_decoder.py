"""The encoder-decoder that the specialists share: blocks from tensor to tensor."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)


def encoder_decoder(
    features: Tensor,
    widths: Sequence[int],
    down: Sequence[int],
    up: Sequence[int],
    *,
    name: str = "",
    normed: bool = False,
) -> Tensor:
    """Features of the size and width of `features`, seen at every level of a pyramid.

    features: (N, h, w, widths[0]), h and w multiples of 2 ** (len(widths) - 1). widths: channels
    at full size, a half, a quarter, …; down, up: residual blocks at each level on the way down,
    and on the way up (one level fewer: the last one is the bottleneck). name: of its layers, where
    a network has several. normed: see `residual_block`.
    No pooling over the whole: what a tile gives depends only on what is near.
    Source: blocks after Lim et al., "EDSR" (2017), https://arxiv.org/abs/1707.02921; added skips
    after Zhang et al., "DRUNet" (2021), https://arxiv.org/abs/2008.13751.
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
    """`features` (N, h, w, C) and what two 3×3 convolutions find in them.

    normed: each pixel's features are first brought to a root mean square of 1.
    """
    channels = features.shape[-1]
    given = layers.RMSNormalization(name=f"{name}_norm")(features) if normed else features
    found = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_first"
    )(given)
    # Plain ReLUs die by the hundred in a network without normalisation
    found = layers.LeakyReLU(0.1, name=f"{name}_relu")(found)
    # A sum of many blocks must not grow with their number
    small = keras.initializers.VarianceScaling(0.1)
    found = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=small, name=f"{name}_second"
    )(found)
    return layers.Add(name=name)([features, found])


def subpixel_input(image: Tensor, channels: int, *, name: str = "subpixel") -> Tensor:
    """(N, H, W, C) -> (N, H/2, W/2, channels): features at full size cost most and see least.

    Source: Zhang et al., "FFDNet" (2018), https://arxiv.org/abs/1710.04026.
    """
    return layers.Conv2D(channels, 6, strides=2, padding="same", name=name)(image)


def full_size_output(features: Tensor, channels: int, *, name: str) -> Tensor:
    """(N, h, w, C) -> (N, 2h, 2w, channels), float32, near 0 before training."""
    return layers.Conv2DTranspose(
        channels,
        4,
        strides=2,
        padding="same",
        dtype="float32",
        kernel_initializer=keras.initializers.VarianceScaling(1e-4),
        name=name,
    )(features)
