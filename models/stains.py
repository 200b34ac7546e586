"""The network `stains`: corrects stains, spills and tape inside a mask."""

from typing import Any

import keras
from keras import layers, ops

from patina.models import STAINS
from patina.models.areas import decoded, encoded
from patina.models.encoder_decoder import scaled

CHANNELS = (32, 64, 80, 96)  # at 1/2, 1/4, … of the size of the view


def stains(*, width: float = 1.0) -> keras.Model:
    """A U-Net of residual blocks: from a view of a work with marked stains to their correction.

    Input: float32 (N, h, w, STAINS.channels) in [0, 1], from
    `patina.tasks.restoration.stain_input`: colours and textures; the mask, which covers the
    stains and some of their surroundings; and a first estimate of the gain. h and w are multiples
    of 16. Output: float32 (N, h, w, 4): a correction of the estimate (3), and the logit of the
    weight of the estimate (1), see `gain`. width: factor for the number of channels.

    A stain mostly absorbs light, and what was painted can still be seen through it. So its
    correction is a gain. Without the first estimate, the network learned nothing in 1,000 steps.
    Source: Ronneberger et al., "U-Net" (2015), https://arxiv.org/abs/1505.04597. Changed: residual
    blocks with batch normalisation.
    """
    channels = scaled(CHANNELS, width)
    view = layers.Input((None, None, STAINS.channels), name="view")
    features = decoded(*encoded(view, channels), channels)
    output = layers.Conv2DTranspose(
        4,
        4,
        strides=2,
        padding="same",
        kernel_initializer="zeros",
        dtype="float32",
        name="correction",
    )(features)
    return keras.Model(view, output, name="stains")


def gain(given: Any, output: Any) -> Any:
    """The logarithm of the gain of each colour, (..., 3), for the inside of the mask.

    given, output: input and output of `stains`.
    """
    estimate = (given[..., STAINS.estimate] - 0.5) * STAINS.estimate_scale
    return ops.sigmoid(output[..., 3:]) * estimate + output[..., :3]


def corrected(given: Any, output: Any) -> Any:
    """The view with its stains corrected, (..., 3). given, output: as for `gain`."""
    return (given[..., :3] + STAINS.floor) * ops.exp(gain(given, output)) - STAINS.floor
