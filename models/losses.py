"""Losses on image batches (N, H, W, 3), [0, 1]; each gives a value for each image: (N,)."""

from typing import Any

import keras
from keras import ops

from patina.models import TONE, tone
from patina.models.inpainting import compose


@keras.saving.register_keras_serializable("patina")
def decibels(target: Any, residual: Any) -> Any:
    """Logarithm of each image's squared error; 10⁻⁵ is added, 50 dB.

    So every image and every family of damage counts alike, whatever was done to it.
    """
    return _log_error(target - residual, 1e-5)


@keras.saving.register_keras_serializable("patina")
def coarse_decibels(target: Any, residual: Any) -> Any:
    """As `decibels`, 10⁻⁴ added, 40 dB.

    Blur is hard to tell from none: near the truth the logarithm is steep, and images that are
    hardly blurred would hold the network at doing nothing.
    """
    return _log_error(target - residual, 1e-4)


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
    entropy = _entropy(masks, logits)
    entropy = entropy * (1 + (weight - 1) * masks)
    mean = ops.mean(entropy, axis=(1, 2, 3))
    return mean + 0.5 * ops.sqrt(ops.mean(ops.square(entropy), axis=(1, 2, 3)) + 1e-8)


@keras.saving.register_keras_serializable("patina")
def area_error(target: Any, logits: Any) -> Any:
    """Binary cross-entropy of every class, with one less the Dice coefficient of the whole batch.

    target: (N, H, W, classes + 1), the masks, and how much each pixel counts. The coefficient is of
    the batch: most works have no such damage, and theirs alone would teach to find nothing.
    Source: Milletari et al., "V-Net" (2016), https://arxiv.org/abs/1606.04797.
    """
    masks, counts = target[..., :-1], target[..., -1:]
    entropy = _entropy(masks, logits)
    entropy = ops.mean(entropy * counts * (1 + 2 * masks), axis=(1, 2, 3))
    found, true = counts * ops.sigmoid(logits), counts * masks
    both, all_of = (ops.sum(each, axis=(0, 1, 2)) for each in (found * true, found + true))
    return entropy + 0.5 * (1 - ops.mean((2 * both + 1) / (all_of + 1)))


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


def _entropy(masks: Any, logits: Any) -> Any:
    """Binary cross-entropy of each value."""
    return ops.maximum(logits, 0) - logits * masks + ops.log1p(ops.exp(-ops.abs(logits)))


def _log_error(error: Any, floor: float) -> Any:
    return ops.log(ops.mean(ops.square(error), axis=(1, 2, 3)) + floor)


def _root(error: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(error), axis=(1, 2, 3)) + 1e-5)
