"""Networks for damage of the capture: `detail` for noise, `blur`, and `jpeg` for compression."""

import keras
from keras import layers

from patina.models.encoder_decoder import encoder_decoder, full_size_output, subpixel_input

DETAIL = ((48, 96, 128), (2, 2, 3), (2, 2))  # channels, blocks down and up, from half size on
JPEG = ((32, 64, 128), (1, 2, 3), (2, 1))
BLUR = ((32, 64), (3, 4), (3,))


def detail(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that removes noise.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 8 -> (N, H, W, 3), to be added.
    width: factor for the channels. See `patina.models.encoder_decoder` for the sources.
    """
    return residual_network(*DETAIL, width=width, name="detail")


def jpeg(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that removes JPEG's blocking and ringing; otherwise like `detail`.

    The image must start at the start of an 8×8 block: the lowest level has one feature for each
    block, so the network knows the position of a pixel in its block.
    """
    return residual_network(*JPEG, width=width, name="jpeg")


def blur(*, width: float = 1.0) -> keras.Model:
    """An image -> the residual that removes blur; otherwise like `detail`.

    Blur has its own network: together with noise it was not learnt in any number of steps, because
    the gradients of noise are larger. The receptive field is small, because the blur of a capture
    is.
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
    """An encoder-decoder that starts at half size; (N, H, W, 3) -> (N, H, W, 3)."""
    channels = [max(8, round(each * width)) for each in widths]
    image = layers.Input((None, None, 3), name="image")
    features = encoder_decoder(subpixel_input(image, channels[0]), channels, down, up)
    residual = full_size_output(features, 3, name="residual")
    return keras.Model(image, residual, name=name)
