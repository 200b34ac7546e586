"""Losses on image batches (N, H, W, 3), [0, 1]; each gives a value for each image: (N,)."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from patina.models import TONE, tone
from patina.models.inpainting import compose

LEAST_SHARE, MOST_WEIGHT = 0.05, 20


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
def rms(clean: Any, restored: Any) -> Any:
    """Root mean squared difference of each image; 10⁻⁵ is added to the square."""
    return ops.sqrt(ops.mean(ops.square(clean - restored), axis=(1, 2, 3)) + 1e-5)


@keras.saving.register_keras_serializable("patina")
class Interventions(keras.losses.Loss):
    """What networks are trained by: a loss of the mended image, its gradients, and its damage map.

    Compares (N, H, W, 4): the sound image (3) and the damage mask (1), with the mended image (3)
    and the logit of its damage (1). Gradients are what brush texture is made of. The weights give
    the three terms slopes of the same order; under a loss whose slope is many times that of the
    cross-entropy, such as the logarithm of the squared error, damage is never learnt.
    """

    def __init__(self, image: Callable, **options: Any) -> None:
        super().__init__(**options)
        self.image = image

    def call(self, target: Any, output: Any) -> Any:
        """Source: Keras; (N,)."""
        clean, mended = target[..., :3], output[..., :3]
        return (
            self.image(clean, mended)
            + 0.3 * slopes(clean, mended)
            + 0.5 * cross_entropy(target[..., 3:], output[..., 3:])
        )

    def get_config(self) -> dict[str, Any]:
        """What Keras files."""
        image = keras.saving.serialize_keras_object(self.image)
        return super().get_config() | {"image": image}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Interventions":
        """What Keras filed."""
        image = keras.saving.deserialize_keras_object(config.pop("image"))
        return cls(image, **config)


def slopes(clean: Any, restored: Any) -> Any:
    """The absolute difference of the gradients, down and across."""
    error = clean - restored
    down = ops.abs(error[:, 1:] - error[:, :-1])
    across = ops.abs(error[:, :, 1:] - error[:, :, :-1])
    return ops.mean(down, axis=(1, 2, 3)) + ops.mean(across, axis=(1, 2, 3))


def cross_entropy(mask: Any, logit: Any) -> Any:
    """Binary, of a soft mask in [0, 1]; damage counts more than what is sound, for it is rare.

    It counts twice, and where a mask covers little, so many times that it weighs as much as
    LEAST_SHARE of the pixels: a hairline, too, is worth finding.
    """
    sound = ops.maximum(logit, 0) + ops.log1p(ops.exp(-ops.abs(logit)))  # of a mask that is 0
    share = ops.mean(mask, axis=(1, 2, 3), keepdims=True)
    weight = ops.clip(LEAST_SHARE / (share + 1e-4), 2, MOST_WEIGHT)
    entropy = weight * mask * (sound - logit) + (1 - mask) * sound
    return ops.mean(entropy, axis=(1, 2, 3))


@keras.saving.register_keras_serializable("patina")
def decibels(target: Any, residual: Any) -> Any:
    """Logarithm of each image's squared error; 10⁻⁵ is added, 50 dB.

    So every image and every family of damage counts alike, whatever was done to it.
    """
    return ops.log(ops.mean(ops.square(target - residual), axis=(1, 2, 3)) + 1e-5)


@keras.saving.register_keras_serializable("patina")
def masked_decibels(target: Any, output: Any) -> Any:
    """As `decibels`, inside a mask, 10⁻⁴ added.

    target: (N, H, W, 10), what `models.inpainting` is given (7), and the sound image (3).
    """
    given, clean = target[..., :7], target[..., 7:]
    mask = given[..., 6:]
    error = ops.sum(mask * ops.square(compose(given, output) - clean), axis=(1, 2, 3))
    return ops.log(error / (3 * ops.sum(mask, axis=(1, 2, 3)) + 1) + 1e-4)


@keras.saving.register_keras_serializable("patina")
def class_entropy(masks: Any, logits: Any) -> Any:
    """Binary cross-entropy of every class, (N, H, W, classes), with its root mean square.

    The root mean square weighs what is surely wrong: a false alarm that paints over a sound work
    is worse than many doubts. Where a class covers little, it counts up to twenty times.
    """
    share = ops.mean(masks, axis=(1, 2), keepdims=True)
    weight = ops.clip(0.05 / (share + 1e-4), 2, 20)
    entropy = ops.maximum(logits, 0) - logits * masks + ops.log1p(ops.exp(-ops.abs(logits)))
    entropy = entropy * (1 + (weight - 1) * masks)
    mean = ops.mean(entropy, axis=(1, 2, 3))
    return mean + 0.5 * ops.sqrt(ops.mean(ops.square(entropy), axis=(1, 2, 3)) + 1e-8)


@keras.saving.register_keras_serializable("patina")
def colour_error(target: Any, change: Any) -> Any:
    """Root mean square of the error in colour and, once more, in chroma; and of the amount.

    target: (N, H, W, 6), a view as `models.tone.tone` is given it, and the sound one. change: what
    it gives for it. The logarithm does not suit tone: with it nothing was learnt.
    """
    view, clean = target[..., :3], target[..., 3:]
    error = tone.compose(view, change) - clean
    chroma = error - ops.mean(error, axis=3, keepdims=True)
    done = ops.sqrt(ops.mean(ops.square(view - clean), axis=(1, 2, 3)) + 1e-6)
    amount = ops.mean(change[..., TONE.amount], axis=(1, 2, 3))
    return _root(error) + 0.7 * _root(chroma) + 0.5 * ops.abs(amount - done)


def _root(error: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(error), axis=(1, 2, 3)) + 1e-5)
