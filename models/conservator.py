"""Patina's own network."""

from typing import Any

import keras
from keras import layers

from models.interventions import head

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)

WIDTHS = (48, 80, 128, 192)  # at a half of the image's size, a quarter, …
BLOCKS_DOWN, BLOCKS_UP = (1, 1, 1, 2), (2, 1, 1)


def conservator(*, width: float = 1.0) -> keras.Model:
    """An encoder-decoder of residual blocks on half the image's size and less.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 16 -> (N, H, W, 7), see
    `models.interventions`. width: factor on the channels. Features at full size would cost most and
    see least. No normalisation and no pooling over the whole: what a tile gives depends only on
    what is near. Source: sub-pixel input after Zhang et al., "FFDNet" (2018),
    https://arxiv.org/abs/1710.04026; blocks after Lim et al., "EDSR" (2017),
    https://arxiv.org/abs/1707.02921; added skips after Zhang et al., "DRUNet" (2021),
    https://arxiv.org/abs/2008.13751.
    """
    widths = [max(8, round(channels * width)) for channels in WIDTHS]
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    features = layers.Conv2D(widths[0], 6, strides=2, padding="same", name="half_size")(centred)
    skips = []
    for level, blocks in enumerate(BLOCKS_DOWN):
        if level:
            skips.append(features)
            features = layers.Conv2D(widths[level], 2, strides=2, name=f"down_{level}")(features)
        for block in range(blocks):
            features = residual_block(features, name=f"down_{level}_{block}")
    for level in reversed(range(len(skips))):
        narrow = layers.Conv2D(widths[level], 1, name=f"up_{level}")(features)
        doubled = layers.UpSampling2D(interpolation="nearest", name=f"double_{level}")(narrow)
        features = layers.Add(name=f"join_{level}")([skips[level], doubled])
        for block in range(BLOCKS_UP[level]):
            features = residual_block(features, name=f"up_{level}_{block}")
    parts = head(layers.Conv2DTranspose, 4, strides=2)(features)
    return keras.Model(image, parts, name="interventions")


def residual_block(features: Tensor, *, name: str) -> Tensor:
    """`features` and what two 3×3 convolutions find in them."""
    found = layers.Conv2D(
        features.shape[-1],
        3,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"{name}_first",
    )(features)
    found = layers.Conv2D(
        features.shape[-1],
        3,
        padding="same",
        # A sum of many blocks must not grow with their number
        kernel_initializer=keras.initializers.VarianceScaling(0.1),
        name=f"{name}_second",
    )(found)
    return layers.Add(name=name)([features, found])
