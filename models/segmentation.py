"""The specialist `segmentation`: where a work is damaged, in classes."""

import keras
from keras import layers

from patina.models import CLASSES
from patina.models.encoder_decoder import encoder_decoder, full_size_output, subpixel_input

SEGMENTATION = ((32, 64, 96, 128, 128), (1, 1, 2, 2, 2), (2, 1, 1, 1))
RARE_LOGIT = -4.0  # of every class before training: damage is rare


def segmentation(*, width: float = 1.0) -> keras.Model:
    """An image -> the logit of each of CLASSES at each pixel.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 32 -> (N, H, W, len(CLASSES)).
    width: factor on the channels. A map of damage before it is filled is after Wan et al.,
    "Bringing Old Photos Back to Life" (2020), https://arxiv.org/abs/2004.09484.
    """
    widths, down, up = SEGMENTATION
    channels = [max(8, round(each * width)) for each in widths]
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    features = encoder_decoder(subpixel_input(centred, channels[0]), channels, down, up)
    logits = full_size_output(features, len(CLASSES), name="classes")
    rare = layers.Rescaling(1.0, offset=RARE_LOGIT, dtype="float32", name="rare")(logits)
    return keras.Model(image, rare, name="segmentation")
