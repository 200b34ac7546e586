"""Specialists for what a capture loses: `detail` for noise, `blur`, and `jpeg` for compression."""

import keras
from keras import layers

from patina.models.encoder_decoder import encoder_decoder, full_size_output, subpixel_input

DETAIL = ((48, 96, 128), (2, 2, 3), (2, 2))  # channels, blocks down and up, from half size on
JPEG = ((32, 64, 128), (1, 2, 3), (2, 1))
BLUR = ((32, 64), (3, 4), (3,))


def detail(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that takes noise from it.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 8 -> (N, H, W, 3), to be added.
    width: factor on the channels. See `patina.models.encoder_decoder` for the sources.
    """
    return residual_network(*DETAIL, width=width, name="detail")


def jpeg(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that takes JPEG's blocks and rings from it; as `detail`.

    The image must begin where a block of 8×8 pixels begins: the lowest level has a feature for each
    block, so the network knows where in a block a pixel lies.
    """
    return residual_network(*JPEG, width=width, name="jpeg")


def blur(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that takes blur from it; as `detail`.

    Beside noise, blur was not learnt in any number of steps: noise is larger, and pulls at the same
    weights. It sees little around a pixel, as no blur of a capture reaches far.
    """
    return residual_network(*BLUR, width=width, name="blur")


def residual_network(
    widths: tuple[int, ...],
    down: tuple[int, ...],
    up: tuple[int, ...],
    *,
    width: float,
    name: str,
) -> keras.Model:
    """An encoder-decoder from half size on; (N, H, W, 3) -> (N, H, W, 3)."""
    channels = [max(8, round(each * width)) for each in widths]
    image = layers.Input((None, None, 3), name="image")
    features = encoder_decoder(subpixel_input(image, channels[0]), channels, down, up)
    residual = full_size_output(features, 3, name="residual")
    return keras.Model(image, residual, name=name)
