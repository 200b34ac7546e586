"""The networks `tone` and `tone_full`, which correct colours.

They undo fading, varnish, grime and uneven light.
"""

from typing import Any

import keras
from keras import layers, ops

from patina.models import TONE
from patina.models.encoder_decoder import residual_block

CHANNELS = (32, 48, 64, 96, 128)  # at 1/2, 1/4, … of the view


def tone(*, width: float = 1.0, name: str = "tone") -> keras.Model:
    """The network that predicts a correction of colours from a small view of a whole work.

    Input: float32 (N, 128, 128, 3), sRGB in [0, 1]. Output: float32 (N, 16, 16, 19), with the
    channels of TONE: gain and offset of each colour channel, which vary over the work (6); a 3×4
    matrix that changes all colours (12); the amount, which is the predicted root mean square of the
    change (1); see `compose`. All values are 0 if no correction is needed. width: factor for the
    number of channels. name: of the network.
    Source: ours; global and local corrections from a small view after Gharbi et al., "Deep
    Bilateral Learning for Real-Time Image Enhancement" (2017), https://arxiv.org/abs/1707.02880.
    """
    view = layers.Input((TONE.view_px, TONE.view_px, 3), name="view")
    features = layers.Rescaling(2.0, offset=-1.0, name="centred")(view)
    for level, channels in enumerate(CHANNELS):
        channels = max(8, round(channels * width))
        features = layers.Conv2D(
            channels,
            3,
            strides=2,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"down_{level}",
        )(features)
        features = residual_block(features, name=f"encoder_{level}")
        if features.shape[1] == TONE.grid:
            local = features
    whole = layers.Concatenate(name="whole")(
        [
            layers.GlobalAveragePooling2D(name="mean")(features),
            layers.GlobalMaxPooling2D(name="largest")(features),
        ]
    )
    whole = layers.Dense(160, activation="relu", name="statistics")(whole)
    numbers = _small(layers.Dense, 13, "numbers")(whole)
    everywhere = layers.Reshape((1, 1, 13), name="one_cell")(numbers)
    everywhere = layers.UpSampling2D(TONE.grid, name="all_cells", dtype="float32")(everywhere)
    coarse = layers.UpSampling2D(TONE.grid // features.shape[1], name="coarse")(features)
    shared = layers.Reshape((1, 1, whole.shape[-1]), name="shared_cell")(whole)
    shared = layers.UpSampling2D(TONE.grid, name="shared")(shared)
    local = layers.Concatenate(name="local")([local, coarse, shared])
    local = layers.Conv2D(64, 3, padding="same", activation="relu", name="local_mixed")(local)
    fields = _small(layers.Conv2D, 6, "fields", kernel_size=3, padding="same")(local)
    change = layers.Concatenate(name="change", dtype="float32")([fields, everywhere])
    return keras.Model(view, change, name=name)


def tone_full(*, width: float = 1.0) -> keras.Model:
    """`tone` for a work that is known to be damaged: it is trained on few undamaged works.

    So it predicts the full correction, and does not tell damaged from undamaged works.
    """
    return tone(width=width, name="tone_full")


def _small(layer: type, units: int, name: str, **options: Any) -> keras.layers.Layer:
    """A float32 layer whose output is nearly 0 before training."""
    little = keras.initializers.VarianceScaling(1e-4)
    return layer(units, kernel_initializer=little, dtype="float32", name=name, **options)


def compose(image: Any, change: Any) -> Any:
    """`image` (N, H, W, 3) with corrected colours. change: (N, 16, 16, 19), the output of `tone`.

    First the matrix is applied, the same for all pixels; then gain and offset, interpolated between
    cells. H and W must be multiples of 16; `patina.tasks.restoration.toning` computes the same for
    any size.
    """
    matrix = ops.reshape(ops.mean(change[..., TONE.matrix], axis=(1, 2)), (-1, 3, 4))
    toned = image + ops.einsum("nhwc,ndc->nhwd", image, matrix[..., :3])
    toned = toned + matrix[:, None, None, :, 3]
    fields = ops.image.resize(change[..., :6], image.shape[1:3], interpolation="bilinear")
    return toned * (1 + fields[..., TONE.gain]) + fields[..., TONE.offset]
