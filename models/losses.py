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
