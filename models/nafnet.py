"""NAFNet, a network without nonlinear activation functions, to compare with the others."""

import keras
from keras import layers

from patina.models.encoder_decoder import Tensor, residual_output

WIDTH, BLOCKS_DOWN, MIDDLE, BLOCKS_UP = 16, (1, 1, 2), 2, (1, 1, 1)
NEAR_PX = 2  # side of the windows that have one channel attention each, in cells of a level


def nafnet(*, width: float = 1.0) -> keras.Model:
    """NAFNet: a U-Net of NAF blocks.

    Input: float32 (N, H, W, 3), sRGB in [0, 1]; H and W are multiples of 16. Output: float32
    (N, H, W, 3), the residual that is added to the input. width: factor for the number of channels.

    Source: Chen et al., "Simple Baselines for Image Restoration" (2022),
    https://arxiv.org/abs/2204.04676, figures 2 and 3. Changed: the channel attention uses the mean
    of a small window instead of the whole image, so that tiles give the same result as the whole
    image (Chu et al., "Improving Image Restoration by Revisiting Global Information Aggregation",
    2021, https://arxiv.org/abs/2112.04491). Up-sampling is nearest-neighbour, which can be exported
    for any size of image.
    """
    channels = max(8, 2 * round(WIDTH * width / 2))
    image = layers.Input((None, None, 3), name="image")
    features, skips = layers.Conv2D(channels, 3, padding="same", name="intro")(image), []
    for level, blocks in enumerate(BLOCKS_DOWN):
        for block in range(blocks):
            features = naf_block(features, name=f"down_{level}_{block}")
        skips.append(features)
        wide = 2 * features.shape[-1]
        features = layers.Conv2D(wide, 2, strides=2, name=f"down_{level}")(features)
    for block in range(MIDDLE):
        features = naf_block(features, name=f"middle_{block}")
    for level in reversed(range(len(skips))):
        narrow = layers.Conv2D(skips[level].shape[-1], 1, name=f"up_{level}")(features)
        doubled = layers.UpSampling2D(interpolation="nearest", name=f"double_{level}")(narrow)
        features = layers.Add(name=f"join_{level}")([skips[level], doubled])
        for block in range(BLOCKS_UP[level]):
            features = naf_block(features, name=f"up_{level}_{block}")
    residual = residual_output(features, 3, name="residual")
    return keras.Model(image, residual, name="nafnet")


def naf_block(features: Tensor, *, name: str) -> Tensor:
    """The NAF block: channel attention, then a feed-forward part; (N, h, w, C) -> (N, h, w, C).

    Both parts are residual, with gates in place of activation functions. Before training, the block
    is nearly the identity. Source: figure 3c of the paper.
    """
    channels = features.shape[-1]
    found = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_1")(features)
    found = layers.Conv2D(2 * channels, 1, name=f"{name}_expand_1")(found)
    found = layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(found)
    found = gate(found, name=f"{name}_gate_1")
    near = layers.AveragePooling2D(NEAR_PX, name=f"{name}_near")(found)
    near = layers.Conv2D(channels, 1, name=f"{name}_attention")(near)
    near = layers.UpSampling2D(NEAR_PX, interpolation="nearest", name=f"{name}_spread")(near)
    found = layers.Multiply(name=f"{name}_weighed")([found, near])
    features = layers.Add(name=f"{name}_1")([features, starting_at_zero(found, f"{name}_out_1")])
    found = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm_2")(features)
    found = gate(
        layers.Conv2D(2 * channels, 1, name=f"{name}_expand_2")(found), name=f"{name}_gate_2"
    )
    return layers.Add(name=f"{name}_2")([features, starting_at_zero(found, f"{name}_out_2")])


def gate(features: Tensor, *, name: str) -> Tensor:
    """SimpleGate, figure 4c of the paper: one half of the channels times the other half.

    (N, h, w, 2 C) -> (N, h, w, C).
    """
    half = features.shape[-1] // 2
    return layers.Multiply(name=name)([features[..., :half], features[..., half:]])


def starting_at_zero(features: Tensor, name: str) -> Tensor:
    """A 1×1 convolution whose output is nearly 0 before training; (N, h, w, C) -> the same."""
    small = keras.initializers.VarianceScaling(1e-6)
    return layers.Conv2D(features.shape[-1], 1, kernel_initializer=small, name=name)(features)
