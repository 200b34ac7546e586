"""The network `areas`: detects blots, tape, holes, losses and stains, which cover a larger area."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from patina.models import AREA_CLASSES, TEXTURED_CHANNELS
from patina.models.encoder_decoder import scaled

CHANNELS = (32, 64, 64, 96, 128)  # at 1/2, 1/4, … of the size of the view
RARE = -3.0  # logit before training, because only a small part of a work is damaged


def areas(*, width: float = 1.0) -> keras.Model:
    """A U-Net of residual blocks that maps a small view of a whole work to logits of damage.

    Input: float32 (N, h, w, TEXTURED_CHANNELS) in [0, 1], colours and textures from
    `patina.tasks.restoration.textured`; h and w are multiples of 32. Output: float32
    (N, h, w, len(AREA_CLASSES)), the logit of each class at each pixel. width: factor for the
    number of channels.

    Texture is part of the input, because a layer that covers a work also hides its brushwork.
    Source: Ronneberger et al., "U-Net" (2015), https://arxiv.org/abs/1505.04597. Changed: residual
    blocks, and the mean of the features of the whole view is added in the bottleneck.
    """
    channels = scaled(CHANNELS, width)
    view = layers.Input((None, None, TEXTURED_CHANNELS), name="view")
    features, skips = encoded(view, channels)
    whole = layers.GlobalAveragePooling2D(keepdims=True, name="whole")(features)
    whole = layers.Conv2D(channels[-1], 1, name="of_whole")(whole)
    features = residual_block(layers.Add(name="with_whole")([features, whole]), "bottleneck")
    features = decoded(features, skips, channels)
    logits = layers.Conv2DTranspose(
        len(AREA_CLASSES),
        4,
        strides=2,
        padding="same",
        bias_initializer=keras.initializers.Constant(RARE),
        dtype="float32",
        name="classes",
    )(features)
    return keras.Model(view, logits, name="areas")


def encoded(view: Any, channels: Sequence[int]) -> tuple[Any, list[Any]]:
    """The encoder of a U-Net: its last features, and the features of the levels above.

    view: (N, h, w, C) in [0, 1]. channels: of each level; the first is at half of the size.
    """
    centred = layers.Rescaling(4.0, offset=-2.0, name="centred")(view)
    features = convolved(centred, channels[0], "entry", kernel_size=5, strides=2)
    skips = []
    for level, deeper in enumerate(channels[1:], 1):
        skips.append(features)
        features = convolved(features, deeper, f"down_{level}", strides=2)
        features = residual_block(features, f"encoder_{level}")
    return features, skips


def decoded(features: Any, skips: Sequence[Any], channels: Sequence[int]) -> Any:
    """The decoder for `encoded`; (N, h, w, channels[-1]) -> the size of the first of `skips`."""
    for level in reversed(range(len(skips))):
        doubled = layers.UpSampling2D(interpolation="nearest", name=f"up_{level}")(features)
        narrow = layers.Conv2D(channels[level], 1, name=f"narrow_{level}")(doubled)
        both = layers.Concatenate(name=f"skip_{level}")([narrow, skips[level]])
        features = convolved(both, channels[level], f"merged_{level}")
        if level:
            features = residual_block(features, f"decoder_{level}")
    return features


def convolved(features: Any, channels: int, name: str, **options: Any) -> Any:
    """A convolution, batch normalisation and ReLU. options: arguments of Conv2D."""
    options = {"kernel_size": 3, "padding": "same", "use_bias": False} | options
    features = layers.Conv2D(channels, name=name, **options)(features)
    features = layers.BatchNormalization(momentum=0.95, name=f"{name}_normed")(features)
    return layers.ReLU(name=f"{name}_relu")(features)


def residual_block(features: Any, name: str) -> Any:
    """Two 3×3 convolutions with a skip connection; (N, h, w, C) -> (N, h, w, C).

    Source: He et al., "Deep Residual Learning" (2015), https://arxiv.org/abs/1512.03385, figure 2.
    """
    channels = features.shape[-1]
    residual = convolved(features, channels, f"{name}_first")
    residual = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"{name}_second")(
        residual
    )
    residual = layers.BatchNormalization(momentum=0.95, name=f"{name}_normed")(residual)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=name)([features, residual]))
