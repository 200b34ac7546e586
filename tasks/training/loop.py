"""The training loop: Keras and NumPy alone, resumable after every epoch.

Resumed or not, the same batches meet the same weights: batches are drawn by epoch number, and the
checkpoint holds the optimizer.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import keras
import numpy as np

from patina.errors import ServiceError
from patina.tasks.io.atomic import move_whole

Batch = tuple[np.ndarray, np.ndarray]
Epoch = dict[str, float]


class DivergedError(ServiceError):
    """The loss is no number any more, or has burst."""


USUAL_STEPS, BURST = 20, 100  # with which an epoch begins; times their median loss
AVERAGED_SHARE = 0.05  # of the steps, that the mean of the weights looks back over, at most
AVERAGED_STEPS = 1000
SLIGHT = 2 / 255  # mean difference: what is less is hardly seen
# A short memory of the squares keeps Adam from bursts where rare damage comes up, as in NAFNet's
# training (Chen et al., 2022)
OPTIMIZERS = {"adam": partial(keras.optimizers.Adam, beta_2=0.9), "lion": keras.optimizers.Lion}


def compile_for_training(
    network: keras.Model,
    loss: Callable,
    *,
    optimizer: str = "adam",
    learning_rate: float,
    warmup_steps: int,
    steps: int,
) -> None:
    """A cosine schedule: up over `warmup_steps`, then down to nothing at `steps`.

    What `fit` returns in the end is the moving mean of the weights. optimizer: of OPTIMIZERS.
    """
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate / 100,
        warmup_target=learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=max(steps - warmup_steps, 1),
    )
    averaged = min(AVERAGED_STEPS, max(1, AVERAGED_SHARE * steps))
    descent = OPTIMIZERS[optimizer](
        schedule, clipnorm=1.0, use_ema=True, ema_momentum=1 - 1 / averaged
    )
    network.compile(optimizer=descent, loss=loss, jit_compile=False)


def fit(
    network: keras.Model,
    batches: Callable[[int], Iterable[Batch]],
    validation: Iterable[Batch],
    *,
    epochs: int,
    steps: int,
    checkpoint: Path,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    on_epoch: Callable[[keras.Model, int, Epoch], None] = lambda network, epoch, metrics: None,
    weigh: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    limit_s: float = math.inf,
) -> keras.Model:
    """Train `network` (compiled), from `checkpoint` on where there is one.

    batches: epoch number (from 0) -> at least `steps` batches of (degraded, target), float32
    (N, h, w, 3 and more) in [0, 1]; drawn in a thread while the network computes. validation:
    batches, the same for every epoch. on_step(step, loss) and
    on_epoch(network, epoch, metrics): told after each, numbered from 1.
    weigh(degraded, target): how much each image of a batch counts, such as `importance`.
    limit_s: seconds after which no further epoch is begun.
    Returns the network, its weights averaged, which is another object than was given when it was
    resumed.
    Raises DivergedError when the loss is not finite, or BURST times what it was.
    """
    begun = time.monotonic()
    held_out = list(validation)
    if checkpoint.exists():
        network = keras.saving.load_model(checkpoint, safe_mode=True)
    done = int(network.optimizer.iterations) // steps
    for epoch in range(done, epochs):
        if time.monotonic() - begun > limit_s:
            break
        started = time.monotonic()
        drawn = ahead(islice(batches(epoch), steps))
        loss = _train_epoch(network, drawn, epoch * steps, on_step, weigh)
        seconds = time.monotonic() - started
        metrics = {"loss": loss, **validate(network, held_out), "seconds": seconds}
        on_epoch(network, epoch + 1, metrics)  # again, rather than not at all, after a kill
        save(network, checkpoint)
    if int(network.optimizer.iterations):
        network.optimizer.finalize_variable_values(network.trainable_variables)
    return network


def _train_epoch(
    network: keras.Model,
    batches: Iterable[Batch],
    first_step: int,
    on_step: Callable[[int, float], None],
    weigh: Callable[[np.ndarray, np.ndarray], np.ndarray] | None,
) -> float:
    losses = []
    for step, (degraded, clean) in enumerate(batches, first_step + 1):
        weights = weigh(degraded, clean) if weigh else None
        losses.append(float(network.train_on_batch(degraded, clean, sample_weight=weights)))
        usual = float(np.median(losses[:USUAL_STEPS]))
        if not losses[-1] <= BURST * usual < math.inf:
            raise DivergedError(
                f"loss is {losses[-1]} at step {step}; lower train.learning_rate, then run again"
            )
        on_step(step, losses[-1])
    return float(np.mean(losses))


def importance(degraded: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How much each image of a batch counts, 1 on the mean: the less, the more was done to it.

    A loss in [0, 1] then counts by the share of the damage that is left, as decibels do; else
    strong noise would be all that is learnt, and a scratch or a faint stain nothing.
    """
    done = np.abs(degraded - target[..., :3]).mean(axis=(1, 2, 3))
    weights = 1 / (done + SLIGHT)
    return (weights / weights.mean()).astype(np.float32)


def validate(network: keras.Model, batches: Iterable[Batch]) -> Epoch:
    """Mean PSNR (dB) over the images of `batches`, their first three channels: `val_psnr_db`."""
    scores = []
    for degraded, target in batches:
        restored = np.clip(np.asarray(network.predict_on_batch(degraded))[..., :3], 0, 1)
        errors = np.mean((restored - target[..., :3]) ** 2, axis=(1, 2, 3))
        scores.extend(-10 * np.log10(np.maximum(errors, 1e-10)))
    return {"val_psnr_db": float(np.mean(scores))} if scores else {}


def ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches, the next one drawn in a thread while this one is used."""
    source = iter(batches)
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield batch


def save(network: keras.Model, path: Path) -> None:
    """Write the network with its optimizer, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    network.save(draft)
    move_whole(draft, path)
