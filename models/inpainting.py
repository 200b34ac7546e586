"""The network `inpainting`: corrects a classical fill, and restores the work under a stain."""

from typing import Any

import keras
from keras import layers, ops

from patina.models.encoder_decoder import encoder_decoder, full_size_output, scaled, subpixel_input

INPAINTING = ((48, 80, 128, 160), (1, 1, 2, 2), (1, 1, 1))


def inpainting(*, width: float = 1.0) -> keras.Model:
    """The encoder-decoder that corrects a classical fill.

    Input: float32 (N, H, W, 7): the damaged image, sRGB in [0, 1] (3 channels); the same image with
    its damage filled by `patina.tasks.restoration.inpainting.classical_fill` (3); the mask of the
    damage, 0 or 1 (1). H and W are multiples of 16. Output: float32 (N, H, W, 4): a residual (3)
    and a weight (1), see `compose`. width: factor for the number of channels.
    Source: ours; correcting a first fill after Yu et al., "Generative Image Inpainting with
    Contextual Attention" (2018), https://arxiv.org/abs/1801.07892.
    """
    widths, down, up = INPAINTING
    channels = scaled(widths, width)
    given = layers.Input((None, None, 7), name="given")
    features = encoder_decoder(subpixel_input(given, channels[0]), channels, down, up)
    return keras.Model(given, full_size_output(features, 4, name="residual"), name="inpainting")


def compose(given: Any, output: Any) -> Any:
    """The filled image, (..., 3): a weighted mean of classical fill and image, plus the residual.

    given, output: input and output of `inpainting`. The fourth channel of the output, plus 0.1 and
    clipped to [0, 1], is the weight of the image; it is high where the work is visible through the
    damage.
    """
    weight = ops.clip(output[..., 3:] + 0.1, 0, 1)
    image, fill = given[..., :3], given[..., 3:6]
    return fill + weight * (image - fill) + output[..., :3]
