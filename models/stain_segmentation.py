"""The network `stain_segmentation`: detects stains through which the work is still visible."""

import keras
from keras import layers

from patina.models import STAIN_MAPS
from patina.models.encoder_decoder import encoder_decoder, scaled, subpixel_input
from patina.models.segmentation import SHAPES

RARE = -2.5  # logit before training, because only a small part of a work is stained


def stain_segmentation(*, width: float = 1.0) -> keras.Model:
    """A U-Net of residual blocks that gives logits of stains and of their outlines.

    Input: float32 (N, h, w, 3), sRGB in [0, 1], a work of about 512 pixels on its long side; h and
    w are multiples of 16. Output: float32 (N, h / 2, w / 2, len(STAIN_MAPS)), the logit of each map
    at each pixel. width: factor for the number of channels.

    The outline is a target of its own, because a stain differs from the work mainly there: its
    colours change at a line that has nothing to do with what is painted. Source: as the shape
    detector of `patina.models.segmentation`, with whose weights its training began; from random
    weights it learned nothing in 900 steps.
    """
    channels, down, up = SHAPES
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    features = subpixel_input(centred, scaled(channels, width)[0])
    features = encoder_decoder(features, scaled(channels, width), down, up, normed=True)
    logits = layers.Conv2D(
        len(STAIN_MAPS),
        3,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(1e-2),
        bias_initializer=keras.initializers.Constant(RARE),
        dtype="float32",
        name="maps",
    )(features)
    return keras.Model(image, logits, name="stain_segmentation")
