"""The network `inpainting`: corrects a classical fill, and recovers what a stain still shows."""

from typing import Any

import keras
from keras import layers, ops

from patina.models.encoder_decoder import encoder_decoder, full_size_output, subpixel_input

INPAINTING = ((48, 80, 128, 160), (1, 1, 2, 2), (1, 1, 1))


def inpainting(*, width: float = 1.0) -> keras.Model:
    """A damaged image, the classical fill of its damage, and the mask -> a residual and a weight.

    (N, H, W, 7) float32: sRGB in [0, 1], the same image with its damage filled, and the mask, 0 or
    1; H and W multiples of 16 -> (N, H, W, 4), see `compose`. width: factor for the channels.
    Source: ours; the idea of correcting a first fill after Yu et al., "Generative Image Inpainting
    with Contextual Attention" (2018), https://arxiv.org/abs/1801.07892.
    """
    widths, down, up = INPAINTING
    channels = [max(8, round(each * width)) for each in widths]
    given = layers.Input((None, None, 7), name="given")
    features = encoder_decoder(subpixel_input(given, channels[0]), channels, down, up)
    return keras.Model(given, full_size_output(features, 4, name="residual"), name="inpainting")


def compose(given: Any, output: Any) -> Any:
    """The filled image, (..., 3): a mean of the classical fill and the image, plus the residual.

    given, output: input and output of `inpainting`. The fourth output is the weight of the image,
    from 0 at -0.1 to 1 at 0.9; it is high where the work is visible through the damage.
    """
    weight = ops.clip(output[..., 3:] + 0.1, 0, 1)
    image, fill = given[..., :3], given[..., 3:6]
    return fill + weight * (image - fill) + output[..., :3]
