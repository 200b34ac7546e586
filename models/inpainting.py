"""The specialist `inpainting`: what a classical fill lacks, and what shows through a stain."""

from typing import Any

import keras
from keras import layers, ops

from patina.models.encoder_decoder import encoder_decoder, full_size_output, subpixel_input

INPAINTING = ((48, 80, 128, 160), (1, 1, 2, 2), (1, 1, 1))


def inpainting(*, width: float = 1.0) -> keras.Model:
    """A damaged image, the classical fill of its damage, and the mask -> a residual and a weight.

    (N, H, W, 7) float32: sRGB in [0, 1], the same with its damage filled, the mask, 0 or 1; H and
    W multiples of 16 -> (N, H, W, 4), see `compose`. width: factor on the channels.
    Source: ours; the idea of correcting a first fill after Yu et al., "Generative Image
    Inpainting with Contextual Attention" (2018), https://arxiv.org/abs/1801.07892.
    """
    widths, down, up = INPAINTING
    channels = [max(8, round(each * width)) for each in widths]
    given = layers.Input((None, None, 7), name="given")
    features = encoder_decoder(subpixel_input(given, channels[0]), channels, down, up)
    return keras.Model(given, full_size_output(features, 4, name="residual"), name="inpainting")


def compose(given: Any, output: Any) -> Any:
    """What lies under the mask, (..., 3): the classical fill, or as far as damage can be seen
    through, the image itself, and the residual added to either.

    given, output: as `inpainting` takes and gives them. The fourth output is the weight of the
    image, 0 to 1 between -0.1 and 0.9.
    """
    weight = ops.clip(output[..., 3:] + 0.1, 0, 1)
    image, fill = given[..., :3], given[..., 3:6]
    return fill + weight * (image - fill) + output[..., :3]
