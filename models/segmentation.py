"""The network `segmentation`: finds damage and its class."""

import keras
from keras import layers

from patina.models import CLASSES
from patina.models.encoder_decoder import (
    encoder_decoder,
    full_size_output,
    subpixel_input,
)

# Channels at a half of the image's size, a quarter, …; blocks on the way down, and up
SHAPES = ((32, 64, 96, 128), (1, 1, 1, 2), (1, 1, 1))
LINES = ((32, 48, 64), (1, 1, 2), (2, 1))


def segmentation(*, width: float = 1.0) -> keras.Model:
    """An image -> the logit of each of CLASSES at each pixel.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 16 -> (N, H, W, len(CLASSES)). width:
    factor for the channels. A shape detector and a line detector share no weights: rare and thin
    damage, such as a scratch, is learnt only by weights without larger gradients from other damage.
    Source: a map of damage before it is filled after Wan et al., "Bringing Old Photos Back to Life"
    (2020), https://arxiv.org/abs/2004.09484; for the blocks see `patina.models.encoder_decoder`.
    """
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    detected = []
    for name, (widths, down, up) in (("shape", SHAPES), ("line", LINES)):
        channels = [max(8, round(each * width)) for each in widths]
        features = subpixel_input(centred, channels[0], name=f"{name}_subpixel")
        detected.append(encoder_decoder(features, channels, down, up, name=name, normed=True))
    both = layers.Concatenate(name="detected")(detected)
    return keras.Model(
        image, full_size_output(both, len(CLASSES), name="classes"), name="segmentation"
    )
