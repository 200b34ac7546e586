"""Patina's own network."""

from typing import Any

import keras
from keras import layers, ops

from patina.models.heads import head

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)

# Channels at a half of the image's size, a quarter, …; blocks on the way down, and up
THIN = ((32, 48, 64), (1, 1, 2), (2, 1))
SEEING = ((32, 64, 96, 128), (1, 1, 1, 2), (1, 1, 1))
MENDING = ((48, 80, 128, 192), (2, 1, 1, 2), (5, 1, 1))


def conservator(*, width: float = 1.0) -> keras.Model:
    """Two encoder-decoders look for damage, a third one mends, and is shown what they found.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 16 -> (N, H, W, 7), see
    `patina.models.heads`. width: factor on the channels. The first looks for what has a shape,
    the second for lines: hairs, creases and scratches. The three share no weights: what is rare
    and thin, as a scratch, is learnt only by weights that nothing louder pulls at. They work on
    half the image's size and less: features at full size would cost most and see least. No
    normalisation and no pooling over the whole: what a tile gives depends only on what is near.
    Source: sub-pixel input after Zhang et al., "FFDNet" (2018), https://arxiv.org/abs/1710.04026;
    blocks after Lim et al., "EDSR" (2017), https://arxiv.org/abs/1707.02921; added skips after
    Zhang et al., "DRUNet" (2021), https://arxiv.org/abs/2008.13751; a map of damage before its
    filling after Wan et al., "Bringing Old Photos Back to Life" (2020),
    https://arxiv.org/abs/2004.09484.
    """
    image = layers.Input((None, None, 3), name="image")
    logit = looking(width)(image)
    shown = layers.Concatenate(name="shown")([image, ops.stop_gradient(ops.sigmoid(logit))])
    mended = mending(width)(shown)
    parts = layers.Concatenate(name="parts", dtype="float32")([logit, mended])
    return keras.Model(image, parts, name="interventions")


def looking(width: float) -> keras.Model:
    """An image -> the logit of its damage, (N, H, W, 1)."""
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    logits = []
    for name, sizes, found in (("seeing", SEEING, "damage"), ("thin", THIN, "hairlines")):
        seen = encoder_decoder(centred, *sizes, width=width, name=name, normed=True)
        logits.append(head(layers.Conv2DTranspose, 4, strides=2, channels=1, name=found)(seen))
    return keras.Model(image, layers.Maximum(name="found")(logits), name="looking")


def mending(width: float) -> keras.Model:
    """An image and how likely its damage is, (N, H, W, 4) -> what changes it, (N, H, W, 6)."""
    shown = layers.Input((None, None, 4), name="shown")
    image = layers.Rescaling(2.0, offset=-1.0, name="centred")(shown[..., :3])
    centred = layers.Concatenate(name="centred_shown")([image, shown[..., 3:]])
    mended = encoder_decoder(centred, *MENDING, width=width, name="mend", normed=False)
    changes = head(layers.Conv2DTranspose, 4, strides=2, channels=6, name="changes")(mended)
    return keras.Model(shown, changes, name="mending")


def encoder_decoder(
    image: Tensor,
    widths: tuple[int, ...],
    blocks_down: tuple[int, ...],
    blocks_up: tuple[int, ...],
    *,
    width: float,
    name: str,
    normed: bool,
) -> Tensor:
    """Features (N, H/2, W/2, widths[0] · width) of `image` (N, H, W, C)."""
    widths = tuple(max(8, round(channels * width)) for channels in widths)
    features = layers.Conv2D(widths[0], 6, strides=2, padding="same", name=f"{name}_half_size")(
        image
    )
    skips = []
    for level, blocks in enumerate(blocks_down):
        if level:
            skips.append(features)
            features = layers.Conv2D(widths[level], 2, strides=2, name=f"{name}_down_{level}")(
                features
            )
        for block in range(blocks):
            features = residual_block(features, name=f"{name}_down_{level}_{block}", normed=normed)
    for level in reversed(range(len(skips))):
        narrow = layers.Conv2D(widths[level], 1, name=f"{name}_up_{level}")(features)
        doubled = layers.UpSampling2D(interpolation="nearest", name=f"{name}_double_{level}")(
            narrow
        )
        features = layers.Add(name=f"{name}_join_{level}")([skips[level], doubled])
        for block in range(blocks_up[level]):
            features = residual_block(features, name=f"{name}_up_{level}_{block}", normed=normed)
    return features


def residual_block(features: Tensor, *, name: str, normed: bool) -> Tensor:
    """`features` and what two 3×3 convolutions find in them.

    normed: each pixel's features are first brought to a root mean square of 1.
    """
    found = layers.RMSNormalization(name=f"{name}_even")(features) if normed else features
    found = layers.Conv2D(
        features.shape[-1],
        3,
        padding="same",
        kernel_initializer="he_normal",
        name=f"{name}_first",
    )(found)
    # Plain ReLUs die by the hundred in a network without normalisation
    found = layers.LeakyReLU(0.1, name=f"{name}_bent")(found)
    found = layers.Conv2D(
        features.shape[-1],
        3,
        padding="same",
        # A sum of many blocks must not grow with their number
        kernel_initializer=keras.initializers.VarianceScaling(0.1),
        name=f"{name}_second",
    )(found)
    return layers.Add(name=name)([features, found])
