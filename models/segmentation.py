"""The network `segmentation`: detects damage and its class at each pixel."""

import keras
from keras import layers

from patina.models import CLASSES
from patina.models.encoder_decoder import (
    encoder_decoder,
    full_size_output,
    scaled,
    subpixel_input,
)

# Channels at 1/2, 1/4, … of the image's size; number of blocks in the encoder, and in the decoder
SHAPES = ((32, 64, 96, 128), (1, 1, 1, 2), (1, 1, 1))
LINES = ((32, 48, 64), (1, 1, 2), (2, 1))


def segmentation(*, width: float = 1.0) -> keras.Model:
    """Two encoder-decoders, a shape detector and a line detector, that give logits of damage.

    Input: float32 (N, H, W, 3), sRGB in [0, 1]; H and W are multiples of 16. Output: float32
    (N, H, W, len(CLASSES)), the logit of each class at each pixel. width: factor for the number of
    channels.

    The two detectors share no weights. With shared weights scratches, which cover few pixels, were
    not learnt, because other damage gives larger gradients. Source: detecting damage before filling
    it, after Wan et al., "Bringing Old Photos Back to Life" (2020),
    https://arxiv.org/abs/2004.09484; for the blocks see `patina.models.encoder_decoder`.
    """
    image = layers.Input((None, None, 3), name="image")
    centred = layers.Rescaling(2.0, offset=-1.0, name="centred")(image)
    detected = []
    for name, (widths, down, up) in (("shape", SHAPES), ("line", LINES)):
        channels = scaled(widths, width)
        features = subpixel_input(centred, channels[0], name=f"{name}_subpixel")
        detected.append(encoder_decoder(features, channels, down, up, name=name, normed=True))
    both = layers.Concatenate(name="detected")(detected)
    return keras.Model(
        image, full_size_output(both, len(CLASSES), name="classes"), name="segmentation"
    )
