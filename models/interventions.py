"""What every network gives for a tile: what is damaged, what corrects detail, what fills.

Each is kept apart, and can be left out, scaled and written down. Colour is no part of it: it is
decided once for a work, see `models.colour`.
"""

from typing import Any

import keras
from keras import layers, ops

from models import DAMAGE, DETAIL, FILL

Tensor = Any  # a symbolic Keras tensor (N, H, W, C)

CHANNELS = 7  # as DAMAGE, DETAIL and FILL part them


def mend(image: Any, damage: Any, detail: Any, fill: Any) -> Any:
    """`image` with the fill where there is damage, and the correction of detail elsewhere.

    damage: (N, H, W, 1) in [0, 1]; the others (N, H, W, 3), detail and fill as what is added.
    """
    return image + (1 - damage) * detail + damage * fill


def for_training(network: keras.Model) -> keras.Model:
    """An image -> it mended (3), and the logit of its damage (1), which `losses` compare.

    network: its layer "interventions" afterwards; shares its weights.
    """
    image = layers.Input((None, None, 3), name="image")
    parts = network(image)
    logit = parts[..., DAMAGE]
    # The masks alone teach what damage is: a map that also served the image would blur
    damage = ops.stop_gradient(ops.sigmoid(logit))
    mended = mend(image, damage, parts[..., DETAIL], parts[..., FILL])
    return keras.Model(image, ops.concatenate([mended, logit], axis=-1), name="training")


def head(
    layer: type[layers.Layer],
    size: int,
    *,
    channels: int = CHANNELS,
    name: str = "parts",
    **options: Any,
) -> layers.Layer:
    """The last layer: `channels` in float32, that at first change nothing."""
    return layer(
        channels,
        size,
        padding="same",
        kernel_initializer=keras.initializers.VarianceScaling(1e-6),
        dtype="float32",
        name=name,
        **options,
    )
