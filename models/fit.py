"""A whole training, of the colours and then of the rest; as a program, with Keras alone.

    KERAS_BACKEND=jax python -m models.fit WORKS -o OUT --held-out OTHERS --minutes 9

It needs Keras, a backend, NumPy, OpenCV, pydantic and PyYAML, and neither TensorFlow, Prefect,
MLflow nor DVC. The stage `train` does the same with them.
"""

import argparse
import csv
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import keras
import numpy as np

from models import colour, interventions, loop, losses, networks, pretrained
from tasks.feeding import Feed, Feeder, central, drawn_twin
from tasks.files import write_json
from tasks.images import to_float
from tasks.processes import CORES

if TYPE_CHECKING:
    from params import Train

VIEWS = 32  # in a batch
HELD_OUT_PX = 256

Batch = loop.Batch


class Witness(Protocol):
    """What is told of a training; steps and epochs are numbered from 1."""

    def step(self, step: int, loss: float) -> None:
        """A batch was learnt from."""

    def colour_epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """An epoch of the colours is over."""

    def epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """An epoch of what sees and mends damage is over."""


def learn(
    params: "Train",
    feed: Feed,
    held_out: Sequence[Batch],
    checkpoints: Path,
    witness: Witness,
    *,
    processes: int = CORES,
) -> keras.Model:
    """The trained `networks.whole`, in float32.

    held_out: batches for validation. checkpoints: a folder from which a training that was killed,
    whenever that was, goes on to the same end. processes: that make the batches.
    """
    networks.be_deterministic(params.seed)
    network = begun(params)
    limit_s = params.minutes * 60 or math.inf
    with Feeder(feed, steps=params.steps, batch=VIEWS, processes=processes) as feeder:
        learn_colour(network, feeder, params, checkpoints, witness, limit_s / 4)
    with Feeder(feed, steps=params.steps, batch=params.batch, processes=processes) as feeder:
        learn_interventions(
            network, feeder, params, held_out, checkpoints, witness, limit_s * 3 / 4
        )
    return networks.in_float32(network, params.network, params.width)


def begun(params: "Train") -> keras.Model:
    """The `networks.whole` that a training begins with; what is to be kept is not trainable."""
    networks.set_precision(params.precision)
    network = networks.whole(networks.build(params.network, width=params.width), colour.estimate())
    given = pretrained.begin_from(params.start, network, params.network)
    tile = network.get_layer("interventions")
    if given and params.looking == "kept" and interventions.looks_apart(tile):
        tile.get_layer("looking").trainable = False
    return network


def learn_colour(
    network: keras.Model,
    feeder: Feeder,
    params: "Train",
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
    params: "Train",
    held_out: Sequence[Batch],
    checkpoints: Path,
    witness: Witness,
    limit_s: float,
) -> None:
    """Train what sees damage, fills it, and corrects detail."""
    tile = network.get_layer("interventions")
    training = _fitted(
        interventions.for_training(tile),
        losses.Interventions(networks.loss(params.loss)),
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
    params: "Train",
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
    """Patches, each uint8 (H, W, 7) as `feeding.with_target` gives, in batches of eight."""
    stacks = (np.stack(patches[start : start + 8]) for start in range(0, len(patches), 8))
    return [(to_float(stack[..., :3]), to_float(stack[..., 3:])) for stack in stacks]


class Printed:
    """A line for each epoch, and all of them in history.csv."""

    def __init__(self, out: Path) -> None:
        self.history = out / "history.csv"
        self.begun = time.monotonic()

    def step(self, step: int, loss: float) -> None:
        """Nothing to say."""

    def colour_epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """Say how far the colours are."""
        self._say("colour", epoch, metrics)

    def epoch(self, network: keras.Model, epoch: int, metrics: loop.Epoch) -> None:
        """Say how far the rest is."""
        self._say("epoch", epoch, metrics)
        with self.history.open("a", encoding="utf-8") as file:
            csv.writer(file).writerow([epoch, *metrics.values()])

    def _say(self, what: str, epoch: int, metrics: loop.Epoch) -> None:
        figures = "  ".join(f"{name} {value:.5g}" for name, value in metrics.items())
        minutes = (time.monotonic() - self.begun) / 60
        print(f"{what} {epoch}  {figures}  at {minutes:.1f} min", flush=True)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the sections `train` and `degrade` of a params.yaml say; write OUT/model.keras."""
    import params as params_file  # the program reads them, not the package

    asked = _arguments(arguments)
    changes = {"train": {"minutes": asked.minutes}} if asked.minutes is not None else {}
    params = params_file.load(asked.params, **changes)
    degrade = params.degrade
    works = sorted(asked.works.glob("*.png"))
    if not works:
        sys.exit(f"{asked.works}: no PNG files; `patina run` prepares works in data/clean")
    feed = Feed(works, degrade.mixture, degrade.count, params.train.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    _keep_settings(asked.out / "settings.json", params.train.model_dump(), degrade.model_dump())
    held_out = sorted(asked.held_out.glob("*.png")) if asked.held_out else []
    patches = [central(drawn_twin(feed, work), HELD_OUT_PX) for work in held_out]
    network = learn(
        params.train,
        feed,
        stacked(patches),
        asked.out,
        Printed(asked.out),
        processes=asked.processes,
    )
    loop.save(network, asked.out / "model.keras")
    print(asked.out / "model.keras")  # noqa: T201


def _keep_settings(place: Path, train: dict[str, Any], degrade: dict[str, Any]) -> None:
    """Remember how the training in a folder is made: it goes on, or is another one's place."""
    settings = json.loads(json.dumps({"train": train, "degrade": degrade}))
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else settings
    changed = [
        f"{section}.{name}"
        for section, values in settings.items()
        for name, value in values.items()
        if before[section].get(name) != value and name not in ("minutes", "twins")
    ]
    if changed:
        sys.exit(
            f"{place.parent}: holds a training with another {', '.join(changed)}; give another "
            "--out, or empty it"
        )
    write_json(place, settings)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m models.fit",
        description="Train a network. A training that was killed goes on when OUT is the same.",
        epilog="Example: python -m models.fit data/clean -o trained --minutes 60",
    )
    parser.add_argument("works", type=Path, help="folder of sound works, PNG")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for what is learnt")
    parser.add_argument("--held-out", type=Path, help="folder of works to validate on, PNG")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--minutes", type=float, help="instead of train.minutes")
    parser.add_argument("--processes", type=int, default=CORES, help="that make the batches")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
