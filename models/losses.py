"""Losses on image batches (N, H, W, 3), [0, 1]; each gives one value a pixel and channel mean."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("patina")
def charbonnier(clean: Any, restored: Any) -> Any:
    """Smooth L1, √(d² + ε²), ε = 10⁻³: (N, H, W).

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms"
    (1994); ε after Lai et al., "LapSRN" (2017).
    """
    return ops.mean(ops.sqrt(ops.square(clean - restored) + 1e-6), axis=-1)


@keras.saving.register_keras_serializable("patina")
def l1(clean: Any, restored: Any) -> Any:
    """Mean absolute difference: (N, H, W)."""
    return ops.mean(ops.abs(clean - restored), axis=-1)
