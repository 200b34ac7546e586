"""What every network gives for a tile: what is damaged, what corrects detail, what fills.

Each is kept apart, and can be left out, scaled and written down. Colour is no part of it: it is
decided once for a work, see `patina.models.colour`.
"""

from typing import Any

import keras
from keras import layers, ops

from patina.models import DAMAGE, DETAIL, FILL

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


def looks_apart(network: keras.Model) -> bool:
    """Whether a part of its own looks for damage."""
    return "looking" in {layer.name for layer in network.layers}


def apart(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """What looks for damage, and what treats a tile of which the damage is known.

    (N, H, W, 3) -> its logit, (N, H, W, 1); and (N, H, W, 4), an image and that logit ->
    (N, H, W, 7), as the network itself gives, the logit as it was given. Damage is as large as the
    work is, noise as fine as the scan: so the first may be shown the work at another size. A
    network that does not part the two corrects and fills by what it finds itself.
    """
    known = layers.Input((None, None, 4), name="known")
    image, logit = known[..., :3], known[..., 3:]
    if looks_apart(network):
        look, mend = network.get_layer("looking"), network.get_layer("mending")
        changes = mend(ops.concatenate([image, ops.sigmoid(logit)], axis=-1))
    else:
        look = keras.Model(network.input, network.output[..., DAMAGE], name="looking")
        changes = network(image)[..., DAMAGE.stop :]
    treat = keras.Model(known, ops.concatenate([logit, changes], axis=-1), name="treating")
    return look, treat


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
