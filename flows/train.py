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
from flows.batches import WORKERS, progress
from flows.places import CACHE, CLEAN, DEGRADED, MODEL
from params import Degrade, Train
from tasks.feeding import Feed, Feeder, with_target
from tasks.files import Record, read_jsonl, write_bytes, write_json
from tasks.images import read_png, to_float
from tasks.recipes import read_recipe

if TYPE_CHECKING:
    import keras

VALIDATION_PATCHES = 64
VALIDATION_PX = 256
VIEWS = 64  # in a batch
CODE = [  # changed: train anew
    *sorted(Path("models").glob("*.py")),
    Path("models/pretrained/weights.json"),
    Path("tasks/feeding.py"),
    *sorted(Path("tasks/degradations").glob("*.py")),
]
HISTORY = ("epoch", "loss", "val_psnr_db", "seconds")
SHOWN = 4  # validation patches logged before and after
SHOWN_EVERY = 5  # epochs

Batch = tuple[np.ndarray, np.ndarray]


@flow(name="train")
def train(params: Train, mixture: Degrade) -> Path:
    """Train the network of `params`, from its checkpoint on when a run of the same was killed."""
    diary = Diary(training_folder(params, mixture), params)
    with tracking.run("train", params.model_dump(), [CLEAN, DEGRADED], diary.run_id) as run_id:
        diary.begin(run_id)
        network = learn(params, mixture, diary)
        tracking.log_network(network)
    diary.file(network, MODEL)
    return MODEL


def learn(params: Train, mixture: Degrade, diary: "Diary") -> "keras.Model":
    """The trained network, in float32. Data are drawn by epoch, so a resumed run is the same."""
    from models import colour, networks, pretrained  # Keras takes seconds to import

    networks.be_deterministic(params.seed)
    networks.set_precision(params.precision)
    network = networks.whole(networks.build(params.network, width=params.width), colour.estimate())
    if params.start == "pretrained" and not pretrained.give_to(network, params.network):
        print("train: no weights are shipped for this network; from scratch")  # noqa: T201
    feed = Feed(
        works=[CLEAN / twin for twin in sorted({twin["clean"] for twin in twins_of("train")})],
        mixture={name: (mix.weight, mix.severity) for name, mix in mixture.steps.items()},
        count=mixture.count,
        seed=params.seed,
    )
    limit_s = params.minutes * 60 or math.inf
    with progress() as bar:
        diary.follow(bar, validation_batches(twins_of("validation")))
        learn_colour(network, feed, params, diary, limit_s=limit_s / 4)
        learn_interventions(network, feed, params, diary, limit_s=limit_s * 3 / 4)
    return networks.in_float32(network, params.network, params.width)


def learn_colour(
    network: "keras.Model", feed: Feed, params: Train, diary: "Diary", limit_s: float
) -> None:
    """Train what decides on the colours of a work."""
    from models import colour, fit, losses

    estimate = network.get_layer("estimate")
    training = colour.for_training(estimate)
    fit.compile_for_training(
        training,
        losses.rms,
        optimizer=params.optimizer,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps,
        steps=params.colour_epochs * params.steps,
    )
    with Feeder(feed, steps=params.steps, batch=VIEWS, processes=WORKERS) as feeder:
        training = fit.fit(
            training,
            lambda epoch: feeder.views(epoch, colour.VIEW_PX),
            [],
            epochs=params.colour_epochs,
            steps=params.steps,
            checkpoint=diary.folder / "colour.keras",
            on_step=diary.step,
            on_epoch=diary.colour_epoch,
            limit_s=limit_s,
        )
    estimate.set_weights(training.get_layer("estimate").get_weights())


def learn_interventions(
    network: "keras.Model", feed: Feed, params: Train, diary: "Diary", limit_s: float
) -> None:
    """Train what sees damage, fills it, and corrects detail."""
    from models import fit, interventions, losses, networks

    tile = network.get_layer("interventions")
    training = interventions.for_training(tile)
    fit.compile_for_training(
        training,
        losses.Interventions(networks.loss(params.loss)),
        optimizer=params.optimizer,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps,
        steps=params.epochs * params.steps,
    )
    with Feeder(feed, steps=params.steps, batch=params.batch, processes=WORKERS) as feeder:
        training = fit.fit(
            training,
            lambda epoch: feeder.patches(epoch, params.patch_px),
            diary.held_out,
            epochs=params.epochs,
            steps=params.steps,
            checkpoint=diary.folder / "interventions.keras",
            on_step=diary.step,
            on_epoch=diary.epoch,
            limit_s=limit_s,
        )
    tile.set_weights(training.get_layer("interventions").get_weights())


def twins_of(side: str) -> list[Record]:
    """The twins of one side, in the order of the manifest."""
    return [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == side]


def validation_batches(twins: list[Record]) -> list[Batch]:
    """The central patches of VALIDATION_PATCHES of `twins`, spread evenly; always the same."""
    chosen = np.linspace(0, len(twins) - 1, min(VALIDATION_PATCHES, len(twins))).astype(int)
    patches = [validation_patch(twins[index]) for index in chosen.tolist()]
    stacks = (np.stack(patches[start : start + 8]) for start in range(0, len(patches), 8))
    return [(to_float(stack[..., :3]), to_float(stack[..., 3:])) for stack in stacks]


def validation_patch(twin: Record) -> np.ndarray:
    """uint8 (VALIDATION_PX, VALIDATION_PX, 7), as `feeding.with_target`; reflected if smaller."""
    clean = to_float(read_png(CLEAN / twin["clean"]))
    layers = with_target(clean, read_recipe(DEGRADED / twin["recipe"]))
    short = [(0, max(0, VALIDATION_PX - size)) for size in layers.shape[:2]]
    layers = np.pad(layers, (*short, (0, 0)), mode="symmetric")
    top, left = ((size - VALIDATION_PX) // 2 for size in layers.shape[:2])
    return layers[top : top + VALIDATION_PX, left : left + VALIDATION_PX]


def training_folder(params: Train, mixture: Degrade) -> Path:
    """Where a training with these params on these twins leaves what it needs to be resumed."""
    data = (DEGRADED / "manifest.jsonl").read_bytes() + (CLEAN / "manifest.jsonl").read_bytes()
    settings = json.dumps([params.model_dump(), mixture.model_dump()], sort_keys=True).encode()
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
        total = self.params.epochs * self.params.steps
        self.bar, self.shown = bar, bar.add_task("train", total=total, note="")
        self.held_out = held_out

    def step(self, step: int, loss: float) -> None:
        """Advance the bar."""
        self.bar.update(self.shown, completed=step, note=f"loss {loss:.4f}")

    def colour_epoch(self, _: "keras.Model", epoch: int, metrics: dict[str, float]) -> None:
        """Log the epoch's metrics at its own step."""
        import mlflow

        mlflow.log_metrics({f"colour.{name}": value for name, value in metrics.items()}, step=epoch)

    def epoch(self, network: "keras.Model", epoch: int, metrics: dict[str, float]) -> None:
        """Log the epoch's metrics at its own step, and now and then the panels."""
        import mlflow

        self.epochs = [*self.epochs[: epoch - 1], {"epoch": epoch, **metrics}]
        self._keep()
        mlflow.log_metrics(metrics, step=epoch)
        if self.held_out and (epoch % SHOWN_EVERY == 0 or epoch == self.params.epochs):
            degraded, target = (layers[:SHOWN] for layers in self.held_out[0])
            mended = np.asarray(network.predict_on_batch(degraded), np.float32)
            damage = np.repeat(1 / (1 + np.exp(-mended[..., 3:])), 3, axis=-1)
            panels = zip(degraded, mended[..., :3], target[..., :3], damage, strict=True)
            for number, images in enumerate(panels):
                tracking.log_panel(f"before_after_clean_damage_{number}", epoch, *images)

    def file(self, network: "keras.Model", out: Path) -> None:
        """Write the model, its graph, history and facts to `out`; then the checkpoint may go."""
        from models import graph

        out.mkdir(parents=True, exist_ok=True)
        network.save(out / "model.keras")
        graph.export(network, out / "model.keras")
        rows = io.StringIO()
        table = csv.DictWriter(rows, HISTORY, lineterminator="\n")
        table.writeheader()
        table.writerows(self.epochs)
        write_bytes(out / "history.csv", rows.getvalue().encode())
        facts = {"mlflow_run": self.run_id, "network": self.params.network}
        write_json(out / "model.json", facts | {"parameters": network.count_params()})
        shutil.rmtree(self.folder)
