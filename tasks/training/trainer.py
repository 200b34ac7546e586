"""A whole training, of the colours and then of the rest, with Keras alone.

It needs Keras, a backend, NumPy and OpenCV, and neither TensorFlow, Prefect, MLflow nor DVC. The
program `python -m patina.tasks.training` and the stage `train` do the same with it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import keras
import numpy as np

from patina.models import colour, heads, losses, registry
from patina.tasks.imaging.images import to_float
from patina.tasks.io.parallel import CORES
from patina.tasks.training import loop
from patina.tasks.training.batches import Feed, Feeder
from patina.tasks.training.initial import begin_from

VIEWS = 32  # in a batch
HELD_OUT_PX = 256

Batch = loop.Batch


class Settings(Protocol):
    """How to train: what the section train of params.yaml says, see `patina.params.Train`."""

    network: str
    width: float
    start: str
    looking: Literal["kept", "learnt"]
    loss: str
    optimizer: Literal["adam", "lion"]
    patch_px: tuple[int, ...]
    batch: int
    epochs: int
    colour_epochs: int
    steps: int
    learning_rate: float
    warmup_steps: int
    precision: Literal["auto", "float32", "mixed_bfloat16"]
    minutes: float
    seed: int


class Witness(Protocol):
    """What is told of a training; steps and epochs are numbered from 1."""

    def step(self, step: int, loss: float) -> None:
        """A batch was learnt from."""

    def colour_epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """An epoch of the colours is over."""

    def epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """An epoch of what sees and mends damage is over."""


def learn(
    params: Settings,
    feed: Feed,
    held_out: Sequence[Batch],
    checkpoints: Path,
    witness: Witness,
    *,
    processes: int = CORES,
) -> keras.Model:
    """The trained `registry.whole`, in float32.

    held_out: batches for validation. checkpoints: a folder from which a training that was killed,
    whenever that was, goes on to the same end. processes: that make the batches.
    """
    registry.be_deterministic(params.seed)
    network = begun(params)
    limit_s = params.minutes * 60 or math.inf
    with Feeder(feed, steps=params.steps, batch=VIEWS, processes=processes) as feeder:
        learn_colour(network, feeder, params, checkpoints, witness, limit_s / 4)
    with Feeder(feed, steps=params.steps, batch=params.batch, processes=processes) as feeder:
        learn_interventions(
            network, feeder, params, held_out, checkpoints, witness, limit_s * 3 / 4
        )
    return registry.in_float32(network, params.network, params.width)


def begun(params: Settings) -> keras.Model:
    """The `registry.whole` that a training begins with; what is to be kept is not trainable."""
    registry.set_precision(params.precision)
    network = registry.whole(registry.build(params.network, width=params.width), colour.estimate())
    given = begin_from(params.start, network, params.network)
    tile = network.get_layer("interventions")
    if given and params.looking == "kept" and heads.looks_apart(tile):
        tile.get_layer("looking").trainable = False
    return network


def learn_colour(
    network: keras.Model,
    feeder: Feeder,
    params: Settings,
    checkpoints: Path,
    witness: Witness,
    limit_s: float,
) -> None:
    """Train what decides on the colours of a work."""
    estimate = network.get_layer("estimate")
    training = _fitted(
        colour.for_training(estimate),
        losses.rms,
        lambda epoch: feeder.views(epoch, colour.VIEW_PX),
        params,
        params.colour_epochs,
        validation=[],
        checkpoint=checkpoints / "colour.keras",
        on_step=witness.step,
        on_epoch=witness.colour_epoch,
        limit_s=limit_s,
    )
    estimate.set_weights(training.get_layer("estimate").get_weights())


def learn_interventions(
    network: keras.Model,
    feeder: Feeder,
    params: Settings,
    held_out: Sequence[Batch],
    checkpoints: Path,
    witness: Witness,
    limit_s: float,
) -> None:
    """Train what sees damage, fills it, and corrects detail."""
    tile = network.get_layer("interventions")
    training = _fitted(
        heads.for_training(tile),
        losses.Interventions(registry.loss(params.loss)),
        lambda epoch: feeder.patches(epoch, params.patch_px),
        params,
        params.epochs,
        validation=held_out,
        checkpoint=checkpoints / "interventions.keras",
        on_step=witness.step,
        on_epoch=witness.epoch,
        weigh=loop.importance,
        limit_s=limit_s,
    )
    tile.set_weights(training.get_layer("interventions").get_weights())


def _fitted(
    training: keras.Model,
    loss: Callable,
    batches: Callable[[int], Iterable[Batch]],
    params: Settings,
    epochs: int,
    **told: Any,
) -> keras.Model:
    loop.compile_for_training(
        training,
        loss,
        optimizer=params.optimizer,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps,
        steps=epochs * params.steps,
    )
    return loop.fit(training, batches, epochs=epochs, steps=params.steps, **told)


def stacked(patches: Sequence[np.ndarray]) -> list[Batch]:
    """Patches, each uint8 (H, W, 7) as `batches.with_target` gives, in batches of eight."""
    stacks = (np.stack(patches[start : start + 8]) for start in range(0, len(patches), 8))
    return [(to_float(stack[..., :3]), to_float(stack[..., 3:])) for stack in stacks]
