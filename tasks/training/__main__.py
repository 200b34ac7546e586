"""The program that trains, with Keras alone.

    KERAS_BACKEND=jax python -m patina.tasks.training WORKS -o OUT --held-out OTHERS --minutes 9

It alone in `tasks` reads params. It needs Keras, a backend, NumPy, OpenCV, pydantic and PyYAML, and
neither TensorFlow, Prefect, MLflow nor DVC.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from patina import params as params_file
from patina.tasks.io.atomic import write_json
from patina.tasks.io.parallel import CORES
from patina.tasks.training import loop
from patina.tasks.training.batches import Feed, central, drawn_twin
from patina.tasks.training.trainer import HELD_OUT_PX, learn, stacked


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
        "python -m patina.tasks.training",
        description="Train a network. A training that was killed goes on when OUT is the same.",
        epilog="Example: python -m patina.tasks.training data/clean -o trained --minutes 60",
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
