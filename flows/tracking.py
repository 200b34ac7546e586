"""Logs runs to MLflow."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pyvips

from patina.flows.lineage import (
    EXPERIMENT_TAG,
    LOCK,
    PARAMS,
    chosen,
    dataset,
    hardware,
    lineage,
    run_name,
)
from patina.flows.places import MLRUNS
from patina.tasks.evaluation.reports import captioned

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

EXPERIMENT = "patina"
IMAGES, HAS_IMAGES = "images", "mlflow.loggedImages"  # as MLflow's UI expects them
SHOWN_QUALITY = 90  # of WebP
KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on runs, not on traces


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or else the SQLite database in mlruns/."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{MLRUNS / 'mlflow.db'}"


@contextmanager
def run(stage: str, inputs: Sequence[Path], run_id: str | None = None) -> Iterator[str]:
    """An MLflow run: `run_id`, resumed if it belongs to this experiment, or else a new run.

    Yields its id. Its parameters are the settings that the user chose, see `chosen`; the file
    lineage/params.yaml has all settings. inputs: outputs of DVC stages, logged as its datasets.
    """
    import mlflow  # takes seconds

    connect()
    run_id = run_id if run_id and _is_ours(run_id) else None
    with mlflow.start_run(run_id=run_id, run_name=run_name()) as active:
        if not run_id:
            mlflow.set_tags(lineage() | hardware())
        logged = active.data.params
        # MLflow allows no changed parameters; the file has those of a later evaluation
        mlflow.log_params({key: value for key, value in chosen().items() if key not in logged})
        for file in (PARAMS, LOCK):
            if file.exists():
                mlflow.log_artifact(str(file), "lineage")
        for place in inputs:
            mlflow.log_input(dataset(place), context=stage)
        yield active.info.run_id


def found(run_id: str) -> "Run | None":
    """The run, if MLflow has it; a model from `dvc pull` was trained elsewhere."""
    from mlflow import MlflowClient, MlflowException

    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _is_ours(run_id: str) -> bool:
    """Whether MLflow has the run, and it belongs to the current DVC experiment.

    DVC may take the network from the cache of another experiment, whose figures must not change.
    """
    run = found(run_id)
    present = os.environ.get("DVC_EXP_NAME", "")
    return run is not None and run.data.tags.get(EXPERIMENT_TAG, "") == present


def connect() -> "Experiment":
    """Connect MLflow to its server or database; returns the experiment of the project."""
    import mlflow

    MLRUNS.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri())
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        ours = tracking_uri().startswith("sqlite:")
        place = (MLRUNS / "artifacts").as_uri() if ours else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=place)
    experiment = mlflow.set_experiment(EXPERIMENT)
    if not KIND.items() <= experiment.tags.items():
        mlflow.set_experiment_tags(KIND)
    return experiment


def log_panel(key: str, pictures: Mapping[str, np.ndarray]) -> None:
    """Log four pictures, by their captions, in a 2 by 2 panel for the comparison grid.

    pictures: uint8 (H, W, 3), all of the same size.

    `mlflow.log_image` would reduce them to 256 pixels in the grid. All panels have one step,
    because the grid opens at that step and runs differ in length. An earlier panel is replaced.
    """
    import mlflow

    images = [captioned(picture, caption) for caption, picture in pictures.items()]
    rows = [np.concatenate(pair, axis=1) for pair in (images[:2], images[2:])]
    panel = pyvips.Image.new_from_array(np.concatenate(rows))
    name = re.sub(r"[^\w/.-]", "-", key, flags=re.A).replace("/", "~")
    file = f"{name}+step+0+timestamp+0+{uuid5(NAMESPACE_OID, key)}"
    with TemporaryDirectory() as folder:
        panel.write_to_file(f"{folder}/{file}.png")
        panel.write_to_file(f"{folder}/{file}+compressed.webp", Q=SHOWN_QUALITY)
        mlflow.log_artifacts(folder, IMAGES)
    mlflow.set_tag(HAS_IMAGES, "True")
