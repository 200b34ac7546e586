"""The specialist `stain`: what a spill, foxing or mould did to the colours where it lies."""

from typing import Any

import keras
from keras import layers

from patina.models.encoder_decoder import wide_unet

STAIN = (32, 64, 96, 128)  # channels from a quarter of the size on


def stain(*, width: float = 1.0) -> keras.Model:
    """An image -> a gain and an offset of each channel at each pixel, see `compose`.

    (N, H, W, 3) float32, sRGB in [0, 1], H and W multiples of 32 -> (N, H, W, 6), 0 where there is
    no stain. It begins at a quarter of the size: how a place looked before it was stained is told
    by what lies around it. width: factor on the channels. Source: ours; a stain as light that is
    absorbed after Beer and Lambert.
    """
    widths = [max(8, round(each * width)) for each in STAIN]
    image = layers.Input((None, None, 3), name="image")
    change = wide_unet(image, widths, channels=6)
    return keras.Model(image, change, name="stain")


def compose(image: Any, change: Any) -> Any:
    """`image` (..., 3) without its stains; change: (..., 6), see `stain`."""
    return image * (1 + change[..., :3]) + change[..., 3:]
