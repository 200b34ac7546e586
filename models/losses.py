"""Losses on batches of images; each returns one value for each image, float32 (N,).

Images are (N, H, W, 3), sRGB in [0, 1], unless a docstring says otherwise. The sources are ours
unless a paper is named.
"""

from typing import Any

import keras
from keras import ops

from patina.models import STAINS, TONE, stains, tone
from patina.models.inpainting import compose


@keras.saving.register_keras_serializable("patina")
def decibels(target: Any, residual: Any) -> Any:
    """The logarithm of the mean squared error of each image, after adding 10⁻⁵ (50 dB).

    target, residual: (N, H, W, 3), the true residual and the predicted one. With the logarithm all
    images and all kinds of damage have the same influence, whether the damage is slight or strong.
    """
    return _log_error(target - residual, 1e-5)


@keras.saving.register_keras_serializable("patina")
def coarse_decibels(target: Any, residual: Any) -> Any:
    """As `decibels`, after adding 10⁻⁴ (40 dB).

    It is used for blur. The logarithm is steep near an error of 0, so with a smaller number images
    with hardly any blur would dominate, and the network would learn to do nothing.
    """
    return _log_error(target - residual, 1e-4)


@keras.saving.register_keras_serializable("patina")
def masked_decibels(target: Any, output: Any) -> Any:
    """As `decibels`, inside a mask.

    target: (N, H, W, 10), the input of `models.inpainting` (7 channels) and the undamaged image (3
    channels). output: (N, H, W, 4), the output of `models.inpainting`.
    """
    damaged, clean = target[..., :7], target[..., 7:]
    mask = damaged[..., 6:]
    error = ops.sum(mask * ops.square(compose(damaged, output) - clean), axis=(1, 2, 3))
    return ops.log(error / (3 * ops.sum(mask, axis=(1, 2, 3)) + 1) + 1e-5)


@keras.saving.register_keras_serializable("patina")
def class_entropy(masks: Any, logits: Any) -> Any:
    """The mean binary cross-entropy, plus half of its root mean square.

    masks, logits: (N, H, W, classes), the true masks, 0 to 1, and the predicted logits. The root
    mean square adds weight to errors that are certain and wrong, because a false detection damages
    an undamaged work. The pixels of a class that covers a small share of the image have a higher
    weight, 2 to 20.
    """
    share = ops.mean(masks, axis=(1, 2), keepdims=True)
    weight = ops.clip(0.05 / (share + 1e-4), 2, 20)
    entropy = _entropy(masks, logits)
    entropy = entropy * (1 + (weight - 1) * masks)
    mean = ops.mean(entropy, axis=(1, 2, 3))
    return mean + 0.5 * ops.sqrt(ops.mean(ops.square(entropy), axis=(1, 2, 3)) + 1e-8)


@keras.saving.register_keras_serializable("patina")
def area_error(target: Any, logits: Any) -> Any:
    """The mean binary cross-entropy, plus half of 1 minus the Dice coefficient of the batch.

    target: (N, H, W, classes + 1), the true masks, 0 to 1, and a weight for each pixel. logits:
    (N, H, W, classes). The Dice coefficient is that of the whole batch, because most works have no
    such damage: with a coefficient of each image the network would learn to find nothing.
    Source: Milletari et al., "V-Net" (2016), https://arxiv.org/abs/1606.04797.
    """
    masks, counts = target[..., :-1], target[..., -1:]
    entropy = _entropy(masks, logits)
    entropy = ops.mean(entropy * counts * (1 + 2 * masks), axis=(1, 2, 3))
    found, true = counts * ops.sigmoid(logits), counts * masks
    both, all_of = (ops.sum(each, axis=(0, 1, 2)) for each in (found * true, found + true))
    return entropy + 0.5 * (1 - ops.mean((2 * both + 1) / (all_of + 1)))


@keras.saving.register_keras_serializable("patina")
def stain_decibels(target: Any, output: Any) -> Any:
    """As `decibels`, inside the mask, after adding 3·10⁻⁴.

    target: (N, H, W, STAINS.channels + 3): the input of `models.stains`, and the view without
    stains. output: of `models.stains`.
    """
    given, clean = target[..., : STAINS.channels], target[..., STAINS.channels :]
    mask = given[..., STAINS.mask]
    error = ops.sum(mask * ops.square(stains.corrected(given, output) - clean), axis=(1, 2, 3))
    return ops.log(error / (3 * ops.sum(mask, axis=(1, 2, 3)) + 1) + 3e-4)


@keras.saving.register_keras_serializable("patina")
def colour_error(target: Any, change: Any) -> Any:
    """The root mean square errors of colour and of chroma, plus the error of the amount.

    target: (N, H, W, 6), the input of `models.tone.tone` (3 channels) and the undamaged view (3
    channels). change: the output of `models.tone.tone`. With the logarithm of `decibels` nothing
    was learnt.
    """
    view, clean = target[..., :3], target[..., 3:]
    error = tone.compose(view, change) - clean
    chroma = error - ops.mean(error, axis=3, keepdims=True)
    true_amount = ops.sqrt(ops.mean(ops.square(view - clean), axis=(1, 2, 3)) + 1e-6)
    amount = ops.mean(change[..., TONE.amount], axis=(1, 2, 3))
    return _root(error) + 0.7 * _root(chroma) + 0.5 * ops.abs(amount - true_amount)


def _entropy(masks: Any, logits: Any) -> Any:
    """Binary cross-entropy of each value."""
    return ops.maximum(logits, 0) - logits * masks + ops.log1p(ops.exp(-ops.abs(logits)))


def _log_error(error: Any, floor: float) -> Any:
    return ops.log(ops.mean(ops.square(error), axis=(1, 2, 3)) + floor)


def _root(error: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(error), axis=(1, 2, 3)) + 1e-5)
