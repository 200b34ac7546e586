"""Losses on image batches (N, H, W, 3), [0, 1]; each gives a value for each image: (N,)."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("patina")
def charbonnier(clean: Any, restored: Any) -> Any:
    """Smooth L1, √(d² + ε²), ε = 10⁻³, the mean of each image.

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms"
    (1994); ε after Lai et al., "LapSRN" (2017).
    """
    return ops.mean(ops.sqrt(ops.square(clean - restored) + 1e-6), axis=(1, 2, 3))


@keras.saving.register_keras_serializable("patina")
def l1(clean: Any, restored: Any) -> Any:
    """Mean absolute difference of each image."""
    return ops.mean(ops.abs(clean - restored), axis=(1, 2, 3))


@keras.saving.register_keras_serializable("patina")
def psnr(clean: Any, restored: Any) -> Any:
    """The natural logarithm of each image's mean squared error: its PSNR, but for sign and scale.

    What a picture counts for does not depend on how badly it was damaged, so a network learns to
    spare sound works as eagerly as it learns to mend. 3·10⁻⁵ is added: over 45 dB little is gained.
    Source: the loss of Chen et al., "HINet" (2021), https://arxiv.org/abs/2105.06086, section 4.
    """
    return ops.log(ops.mean(ops.square(clean - restored), axis=(1, 2, 3)) + 3e-5)
