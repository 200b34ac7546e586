"""The networks `noise`, `compressed_noise`, `blur` and `jpeg`: remove faults of a capture."""

import keras
from keras import layers, ops

from patina.models.encoder_decoder import (
    encoder_decoder,
    full_size_output,
    residual_output,
    scaled,
    subpixel_input,
)
from patina.models.sliding_dct import noise_estimate

# Channels at 1/2, 1/4, … of the image's size; number of blocks in the encoder, and in the decoder
NOISE = ((48, 96, 128), (2, 2, 3), (2, 2))
JPEG = ((32, 64, 128), (1, 2, 3), (2, 1))
BLUR = ((32, 64), (3, 4), (3,))
FIRST_SHARE = 2.0  # logit of the used share of the first estimate, before training


def noise(*, width: float = 1.0, name: str = "noise") -> keras.Model:
    """The network that predicts the residual which removes noise.

    Input: float32 (N, H, W, 3), sRGB in [0, 1]; H and W are multiples of 16. Output: float32
    (N, H, W, 3), the residual: the restored image is the input plus the residual. width: factor for
    the number of channels. name: of the network.

    It gets a first estimate of the noise, and predicts for each pixel and colour the share of the
    estimate that is noise, and a residual for what it lacks. Sources: see
    `patina.models.encoder_decoder` and `patina.models.sliding_dct`.
    """
    widths, down, up = NOISE
    channels = scaled(widths, width)
    image = layers.Input((None, None, 3), name="image")
    cells = ops.space_to_depth(image, 2)
    estimate = noise_estimate(cells, channels[0])
    given = layers.Concatenate(name="given")([cells, estimate])
    features = layers.Conv2D(channels[0], 3, padding="same", name="subpixel")(given)
    features = encoder_decoder(features, channels, down, up)
    output = residual_output(features, 24, name="correction")
    lacking, share = output[..., :12], ops.sigmoid(output[..., 12:] + FIRST_SHARE)
    residual = layers.Subtract(dtype="float32", name="cells_residual")([lacking, share * estimate])
    return keras.Model(image, ops.depth_to_space(residual, 2), name=name)


def compressed_noise(*, width: float = 1.0) -> keras.Model:
    """As `noise`, for noise that was compressed as JPEG afterwards, and for that of sensors.

    It is trained with such noise in a third of its samples.
    """
    return noise(width=width, name="compressed_noise")


def jpeg(*, width: float = 1.0) -> keras.Model:
    """As `noise`, without an estimate, for the blocking and ringing of JPEG compression.

    The first pixel of the input must be the first of an 8×8 block. The lowest level has one feature
    vector for each block, so the network knows the position of each pixel in its block.
    """
    return residual_network(*JPEG, width=width, name="jpeg")


def blur(*, width: float = 1.0) -> keras.Model:
    """As `jpeg`, for blur; H and W are multiples of 4.

    Blur has its own network, because a network trained for noise and blur together learnt only to
    remove noise, whose gradients are larger. The receptive field is small, as is the blur of a
    capture.
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
    """An encoder-decoder at half size: (N, H, W, 3) -> the residual (N, H, W, 3).

    widths: channels at 1/2, 1/4, … of the image's size. down, up: numbers of blocks, see
    `encoder_decoder`. width: factor for `widths`. name: of the model.
    """
    channels = scaled(widths, width)
    image = layers.Input((None, None, 3), name="image")
    features = encoder_decoder(subpixel_input(image, channels[0]), channels, down, up)
    residual = full_size_output(features, 3, name="residual")
    return keras.Model(image, residual, name=name)
