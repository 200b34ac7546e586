"""Clean works and their twins -> a network that restores, logged to MLflow."""

import csv
import hashlib
import io
import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from prefect import flow
from rich.progress import Progress

from flows import tracking
from flows.batches import progress
from flows.places import CACHE, CLEAN, DEGRADED, MODEL
from params import Train
from tasks.files import Record, read_jsonl, write_bytes, write_json
from tasks.patches import Batch, Pair, reader, training_batches, validation_batches

if TYPE_CHECKING:
    import keras

VALIDATION_PATCHES = 64
VALIDATION_PX = 256
CODE = [  # changed: train anew
    *sorted(Path("models").glob("*.py")),
    Path("models/pretrained/weights.json"),
    Path("tasks/patches.py"),
]
HISTORY = ("epoch", "loss", "val_psnr_db", "seconds")
SHOWN = 4  # validation patches logged before and after
SHOWN_EVERY = 5  # epochs


@flow(name="train")
def train(params: Train, working_px: int) -> Path:
    """Train the network of `params`, from its checkpoint on when a run of the same was killed."""
    diary = Diary(training_folder(params), params)
    with tracking.run("train", params.model_dump(), [CLEAN, DEGRADED], diary.run_id) as run_id:
        diary.begin(run_id)
        network = learn(params, working_px, diary)
        tracking.log_network(network)
    diary.file(network, MODEL)
    return MODEL


def learn(params: Train, working_px: int, diary: "Diary") -> "keras.Model":
    """The trained network, in float32. Data are drawn by epoch, so a resumed run is the same."""
    from models import fit, networks, pretrained  # Keras takes seconds to import

    shape = {"filters": params.filters, "depth": params.depth}
    networks.be_deterministic(params.seed)
    networks.set_precision(params.precision)
    network = networks.build(params.network, **shape)
    if params.start == "pretrained" and not pretrained.give_to(network, params.network):
        print(f"train: no weights are shipped for {shape}; from scratch")  # noqa: T201
    fit.compile_for_training(
        network,
        networks.loss(params.loss),
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps,
        steps=params.epochs * params.steps,
    )
    read, pairs = reader(working_px), pairs_of("train")
    held_out = list(
        validation_batches(
            pairs_of("validation"), read, most=VALIDATION_PATCHES, batch=8, patch_px=VALIDATION_PX
        )
    )
    with progress() as bar:
        diary.follow(bar, held_out)
        network = fit.fit(
            network,
            lambda epoch: training_batches(
                pairs,
                read,
                epoch,
                steps=params.steps,
                seed=params.seed,
                **patches_of(epoch, params),
            ),
            held_out,
            epochs=params.epochs,
            steps=params.steps,
            checkpoint=diary.folder / "checkpoint.keras",
            on_step=diary.step,
            on_epoch=diary.epoch,
            limit_s=params.minutes * 60 or math.inf,
        )
    return networks.in_float32(network, params.network, **shape)


def patches_of(epoch: int, params: Train) -> dict[str, int]:
    """How large the patches of an epoch are, and how many make a batch."""
    side = params.patch_px[epoch * len(params.patch_px) // params.epochs]
    return {"patch_px": side, "batch": round(params.batch * (max(params.patch_px) / side) ** 2)}


def pairs_of(side: str) -> list[Pair]:
    """The degraded and clean files of one side."""
    return [
        (DEGRADED / twin["image"], CLEAN / twin["clean"])
        for twin in read_jsonl(DEGRADED / "manifest.jsonl")
        if twin["side"] == side
    ]


def training_folder(params: Train) -> Path:
    """Where a training with these params on these twins leaves what it needs to be resumed."""
    data = (DEGRADED / "manifest.jsonl").read_bytes() + (CLEAN / "manifest.jsonl").read_bytes()
    settings = json.dumps(params.model_dump(), sort_keys=True).encode()
    code = b"".join(file.read_bytes() for file in CODE)
    return CACHE / "training" / hashlib.sha256(settings + data + code).hexdigest()[:16]


class Diary:
    """What happened in a training, kept beside its checkpoint, told to MLflow and on the screen."""

    def __init__(self, folder: Path, params: Train) -> None:
        self.folder = folder
        self.params = params
        kept = folder / "diary.json"
        diary = json.loads(kept.read_text()) if kept.exists() else {"run_id": None, "epochs": []}
        self.run_id: str | None = diary["run_id"]
        self.epochs: list[Record] = diary["epochs"]

    def begin(self, run_id: str) -> None:
        """Remember the MLflow run, so that a resumed training goes on in it."""
        self.run_id = run_id
        self._keep()

    def _keep(self) -> None:
        write_json(self.folder / "diary.json", {"run_id": self.run_id, "epochs": self.epochs})

    def follow(self, bar: Progress, held_out: list[Batch]) -> None:
        """Show the steps on `bar`, and the first of `held_out` as before/after panels."""
        done = len(self.epochs) * self.params.steps
        total = self.params.epochs * self.params.steps
        self.bar, self.shown = bar, bar.add_task("train", total=total, completed=done, note="")
        self.panels = [patch[:SHOWN] for patch in held_out[0]] if held_out else []

    def step(self, step: int, loss: float) -> None:
        """Advance the bar."""
        self.bar.update(self.shown, completed=step, note=f"loss {loss:.4f}")

    def epoch(self, network: "keras.Model", epoch: int, metrics: dict[str, float]) -> None:
        """Log the epoch's metrics at its own step, and now and then the panels."""
        import mlflow

        self.epochs = [*self.epochs[: epoch - 1], {"epoch": epoch, **metrics}]
        self._keep()
        mlflow.log_metrics(metrics, step=epoch)
        if self.panels and (epoch % SHOWN_EVERY == 0 or epoch == self.params.epochs):
            degraded, clean = self.panels
            restored = np.asarray(network.predict_on_batch(degraded), np.float32)
            for number, images in enumerate(zip(degraded, restored, clean, strict=True)):
                tracking.log_panel(f"before_after_clean_{number}", epoch, *images)

    def file(self, network: "keras.Model", out: Path) -> None:
        """Write the model, its history and its facts to `out`; then the checkpoint may go."""
        out.mkdir(parents=True, exist_ok=True)
        network.save(out / "model.keras")
        rows = io.StringIO()
        table = csv.DictWriter(rows, HISTORY, lineterminator="\n")
        table.writeheader()
        table.writerows(self.epochs)
        write_bytes(out / "history.csv", rows.getvalue().encode())
        facts = {"mlflow_run": self.run_id, "network": self.params.network}
        write_json(out / "model.json", facts | {"parameters": network.count_params()})
        (self.folder / "checkpoint.keras").unlink(missing_ok=True)
        shutil.rmtree(self.folder)
