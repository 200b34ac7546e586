"""Callbacks of a training: the history beside the checkpoint, MLflow, and the progress bar."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress

from patina.flows import tracking
from patina.tasks.imaging.images import to_uint8
from patina.tasks.io.atomic import Record, read_jsonl, write_jsonl

if TYPE_CHECKING:
    from patina.tasks.training.curriculum import Sample
    from patina.tasks.training.training import Training

FIRST = ("step", "minutes", "loss")
CURVES = ("step", "kind", "gain_db")
MEAN = "mean"  # key of the mean gain
SHOWN = 8  # number of validation samples that are logged


class HistoryCallback:
    """Saves loss and gains by step in the training's folder; it survives interruptions."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "history.jsonl"

    def on_step(self, training: "Training", loss: float) -> None:
        """Save nothing."""

    def on_check(self, training: "Training", gains: Mapping[str, float], loss: float) -> None:
        """Save a row; rows of later steps belong to a killed run and are removed."""
        rows = [row for row in self.rows() if row["step"] < training.done]
        row = {"step": training.done, "minutes": round(training.seconds / 60, 2)}
        row |= {} if math.isnan(loss) else {"loss": round(loss, 4)}
        gained = {name: round(gain, 3) for name, gain in with_mean(gains).items()}
        write_jsonl(self.file, [*rows, row | gained])

    def rows(self) -> list[Record]:
        """All rows; the first is from before the first step."""
        return read_jsonl(self.file) if self.file.exists() else []

    def table(self) -> bytes:
        """The rows as CSV, with a column for each kind."""
        rows = self.rows()
        return _csv([*FIRST, *self._gained()], rows)

    def curves(self) -> bytes:
        """The gains as CSV, a row for each step and kind, as plots by kind need them."""
        gained = self._gained()
        points = [(row["step"], name, row[name]) for row in self.rows() for name in gained]
        return _csv(CURVES, [dict(zip(CURVES, point, strict=True)) for point in points])

    def _gained(self) -> list[str]:
        return [name for name in self.rows()[0] if name not in FIRST]


def _csv(columns: Sequence[str], rows: Sequence[Record]) -> bytes:
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()


class MLflowCallback:
    """Logs loss and gains by kind to the active run."""

    def on_step(self, training: "Training", loss: float) -> None:
        """Log nothing."""

    def on_check(self, training: "Training", gains: Mapping[str, float], loss: float) -> None:
        """Log loss and gains at the current step."""
        import mlflow  # takes seconds

        metrics = {f"training/gain.{name}": gain for name, gain in with_mean(gains).items()}
        metrics |= {} if math.isnan(loss) else {"training/loss": loss}
        mlflow.log_metrics(metrics, step=training.done)


class ProgressCallback:
    """A progress bar of the steps, with the loss and the mean gain."""

    def __init__(self, bar: Progress, steps: int) -> None:
        self.bar, self.shown = bar, bar.add_task("train", total=steps, note="")
        self.gain = ""

    def on_step(self, training: "Training", loss: float) -> None:
        """Advance the bar."""
        self.bar.update(self.shown, completed=training.done, note=f"loss {loss:.3f}{self.gain}")

    def on_check(self, training: "Training", gains: Mapping[str, float], loss: float) -> None:
        """Remember the mean gain."""
        self.gain = f", gain {with_mean(gains)[MEAN]:+.2f} dB"


def with_mean(gains: Mapping[str, float]) -> dict[str, float]:
    """The gains of the kinds, and their mean."""
    return {**gains, MEAN: sum(gains.values()) / len(gains)}


def log_samples(training: "Training", held_back: "Mapping[str, Sample]") -> None:
    """Log the output of the network for some validation samples, of each kind in turn.

    For the four pictures see `Specialist.pictures`.
    """
    kinds = list(held_back)
    for number in range(SHOWN):
        kind, index = kinds[number % len(kinds)], number // len(kinds)
        arrays = tuple(array[index : index + 1] for array in held_back[kind])
        given, target = training.specialist.targets(arrays)
        pictures = training.specialist.pictures(given, target, training.outputs(given))
        shown = {caption: to_uint8(picture[0]) for caption, picture in pictures.items()}
        tracking.log_panel(f"samples/{number}-{kind}", shown)
