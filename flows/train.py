"""Clean works and their twins -> a network that restores, logged to MLflow."""

import csv
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from prefect import flow
from rich.progress import Progress

from patina.flows import tracking
from patina.flows.batches import WORKERS, progress
from patina.flows.places import CACHE, CLEAN, DEGRADED, MODEL
from patina.params import Degrade, Train
from patina.tasks.dataset.recipes import read_recipe
from patina.tasks.imaging.images import read_png, to_float
from patina.tasks.io.atomic import Record, read_jsonl, write_bytes, write_json
from patina.tasks.training.batches import Feed, central, with_target

if TYPE_CHECKING:
    import keras

VALIDATION_PATCHES = 64
CODE = ("models", "tasks/degradations", "tasks/training")  # changed: train anew
HISTORY = ("epoch", "loss", "val_psnr_db", "seconds")
SHOWN = 8  # validation patches logged before and after
SHOWN_EVERY = 5  # epochs
ENDED = 0  # the step of panels after the last: MLflow's grid opens there, and runs differ in length

Batch = tuple[np.ndarray, np.ndarray]


@flow(name="train")
def train(params: Train, mixture: Degrade) -> Path:
    """Train the network of `params`, from its checkpoint on when a run of the same was killed."""
    from patina.flows import mlflow_model  # imports MLflow, which takes seconds

    diary = Diary(training_folder(params, mixture), params)
    settings = {"train": params.model_dump(), "degrade": mixture.model_dump()}
    with tracking.run("train", settings, [CLEAN, DEGRADED], diary.run_id) as run_id:
        diary.begin(run_id)
        network = learn(params, mixture, diary)
        diary.end(network)
        diary.file(network, MODEL)
        mlflow_model.log(MODEL)
    diary.close()
    return MODEL


def learn(params: Train, mixture: Degrade, diary: "Diary") -> "keras.Model":
    """The trained network, in float32. Data are drawn by epoch, so a resumed run is the same."""
    from patina.tasks.training import trainer  # Keras takes seconds to import

    feed = Feed(
        works=[CLEAN / twin for twin in sorted({twin["clean"] for twin in twins_of("train")})],
        mixture=mixture.mixture,
        count=mixture.count,
        seed=params.seed,
    )
    held_out = trainer.stacked(validation_patches(twins_of("validation")))
    with progress() as bar:
        diary.follow(bar, held_out)
        return trainer.learn(params, feed, held_out, diary.folder, diary, processes=WORKERS)


def twins_of(side: str) -> list[Record]:
    """The twins of one side, in the order of the manifest."""
    return [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == side]


def validation_patches(twins: list[Record]) -> list[np.ndarray]:
    """The middles of VALIDATION_PATCHES of `twins`, spread evenly; as `batches.with_target`."""
    chosen = np.linspace(0, len(twins) - 1, min(VALIDATION_PATCHES, len(twins))).astype(int)
    return [validation_patch(twins[index]) for index in chosen.tolist()]


def validation_patch(twin: Record) -> np.ndarray:
    """uint8 (HELD_OUT_PX, HELD_OUT_PX, 7)."""
    from patina.tasks.training.trainer import HELD_OUT_PX

    clean = to_float(read_png(CLEAN / twin["clean"]))
    return central(with_target(clean, read_recipe(DEGRADED / twin["recipe"])), HELD_OUT_PX)


def training_folder(params: Train, mixture: Degrade) -> Path:
    """Where a training with these params on these twins leaves what it needs to be resumed."""
    data = (DEGRADED / "manifest.jsonl").read_bytes() + (CLEAN / "manifest.jsonl").read_bytes()
    settings = json.dumps([params.model_dump(), mixture.model_dump()], sort_keys=True).encode()
    files = [file for room in CODE for file in sorted(Path(room).glob("*.py"))]
    files.append(Path("models/pretrained/weights.json"))
    code = b"".join(file.read_bytes() for file in files)
    return CACHE / "training" / hashlib.sha256(settings + data + code).hexdigest()[:16]


class Diary:
    """What happened in a training, kept beside its checkpoint, told to MLflow and on the screen."""

    def __init__(self, folder: Path, params: Train) -> None:
        self.folder = folder
        self.params = params
        kept = folder / "diary.json"
        diary = json.loads(kept.read_text()) if kept.exists() else {}
        self.run_id: str | None = diary.get("run_id")
        self.colour_epochs: list[Record] = diary.get("colour_epochs", [])
        self.epochs: list[Record] = diary.get("epochs", [])

    def begin(self, run_id: str) -> None:
        """Remember the MLflow run, so that a resumed training goes on in it."""
        self.run_id = run_id
        self._keep()

    def _keep(self) -> None:
        names = ("run_id", "colour_epochs", "epochs")
        write_json(self.folder / "diary.json", {name: getattr(self, name) for name in names})

    def follow(self, bar: Progress, held_out: list[Batch]) -> None:
        """Show the steps on `bar`, and the first of `held_out` as before/after panels."""
        total = self.params.epochs * self.params.steps
        self.bar, self.shown = bar, bar.add_task("train", total=total, note="")
        self.held_out = held_out

    def step(self, step: int, loss: float) -> None:
        """Advance the bar."""
        self.bar.update(self.shown, completed=step, note=f"loss {loss:.4f}")

    def colour_epoch(self, _: "keras.Model", epoch: int, metrics: dict[str, float]) -> None:
        """Log the epoch's metrics at its own step."""
        import mlflow

        self.colour_epochs = [*self.colour_epochs[: epoch - 1], metrics]
        self._keep()
        mlflow.log_metrics({f"colour.{name}": value for name, value in metrics.items()}, step=epoch)

    def epoch(self, network: "keras.Model", epoch: int, metrics: dict[str, float]) -> None:
        """Log the epoch's metrics at its own step, and now and then panels."""
        import mlflow

        self.epochs = [*self.epochs[: epoch - 1], {"epoch": epoch, **metrics}]
        self._keep()
        mlflow.log_metrics(metrics, step=epoch)
        if epoch % SHOWN_EVERY == 0 and epoch < self.params.epochs:
            self._show(network, "learning", epoch)

    def _show(self, training: "keras.Model", section: str, step: int) -> None:
        """Log panels of held-out patches: before, after, clean, damage as it is seen."""
        for degraded, target in self.held_out[:1]:
            before, clean = degraded[:SHOWN], target[:SHOWN, ..., :3]
            mended = np.asarray(training.predict_on_batch(before), np.float32)
            damage = np.repeat(1 / (1 + np.exp(-mended[..., 3:])), 3, axis=-1)
            panels = zip(before, mended[..., :3], clean, damage, strict=True)
            for number, images in enumerate(panels):
                tracking.log_panel(f"{section}/{number}", step, *images)

    def end(self, network: "keras.Model") -> None:
        """Log what the trained network makes of the panels, and how long training took in all.

        However often it was killed, and whatever else went on in the run.
        """
        import mlflow

        from patina.models.heads import for_training

        self._show(for_training(network.get_layer("interventions")), "panels", ENDED)
        seconds = sum(epoch["seconds"] for epoch in [*self.colour_epochs, *self.epochs])
        mlflow.log_metric("train.seconds", seconds)

    def file(self, network: "keras.Model", out: Path) -> None:
        """Write the model, its graph, history and facts to `out`."""
        from patina.tasks.restoration import inference

        out.mkdir(parents=True, exist_ok=True)
        network.save(out / "model.keras")
        inference.export(network, out / "model.keras")
        rows = io.StringIO()
        table = csv.DictWriter(rows, HISTORY, lineterminator="\n")
        table.writeheader()
        table.writerows(self.epochs)
        write_bytes(out / "history.csv", rows.getvalue().encode())
        facts = {"mlflow_run": self.run_id, "network": self.params.network}
        write_json(out / "model.json", facts | {"parameters": network.count_params()})

    def close(self) -> None:
        """The training is filed: its checkpoints may go."""
        shutil.rmtree(self.folder)
