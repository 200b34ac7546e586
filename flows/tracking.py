"""What MLflow is told of a run."""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from flows.places import MLRUNS

if TYPE_CHECKING:
    import keras

EXPERIMENT = "patina"


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else the SQLite database under mlruns/."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{MLRUNS / 'mlflow.db'}"


@contextmanager
def run(
    name: str, params: Mapping[str, Any], inputs: Sequence[Path], run_id: str | None = None
) -> Iterator[str]:
    """An MLflow run: `run_id` gone on with where this MLflow has it, else a new one; gives its id.

    params: logged with `name` as their prefix. inputs: DVC outs, logged as the run's datasets.
    """
    import mlflow  # takes seconds

    connect()
    run_id = run_id if run_id and _is_there(run_id) else None
    with mlflow.start_run(run_id=run_id, run_name=os.environ.get("DVC_EXP_NAME")) as active:
        if not run_id:
            mlflow.log_params({f"{name}.{key}": value for key, value in params.items()})
            mlflow.set_tags(lineage())
            for place in inputs:
                mlflow.log_input(_dataset(place), context=name)
        yield active.info.run_id


def _is_there(run_id: str) -> bool:
    """Whether MLflow has the run; a model that came by `dvc pull` was trained elsewhere."""
    from mlflow import MlflowClient, MlflowException

    try:
        return bool(MlflowClient().get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException:
        return False


def connect() -> None:
    """Point MLflow at its server or database, and at the project's experiment."""
    import mlflow

    MLRUNS.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri())
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        ours = tracking_uri().startswith("sqlite:")
        place = (MLRUNS / "artifacts").as_uri() if ours else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=place)
    mlflow.set_experiment(EXPERIMENT)


def lineage() -> dict[str, str]:
    """From which state of code and data a run came."""
    lock = Path("dvc.lock")
    return {
        "git.revision": _git("rev-parse", "HEAD"),
        "git.dirty": str(bool(_git("status", "--porcelain"))).lower(),
        "dvc.lock.sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        "dvc.experiment": os.environ.get("DVC_EXP_NAME", ""),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _dataset(place: Path) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    source = CodeDatasetSource(tags={"dvc.path": str(place), "dvc.md5": dvc_md5(place)})
    return MetaDataset(source, name=place.name, digest=dvc_md5(place)[:32] or None)  # type: ignore[abstract]


def dvc_md5(place: Path) -> str:
    """The hash under which dvc.lock knows a stage's out; empty where it does not yet."""
    lock = Path("dvc.lock")
    stages = yaml.safe_load(lock.read_text())["stages"] if lock.exists() else {}
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    return next((out["md5"] for out in outs if out["path"] == str(place)), "")


def log_network(network: "keras.Model") -> None:
    """Log the network with its signature: float32 in [0, 1], the names and shapes of its inputs."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def tensors(keras_tensors: Sequence[Any]) -> Schema:
        return Schema(
            [
                TensorSpec(np.dtype(np.float32), tuple(size or -1 for size in one.shape), one.name)
                for one in keras_tensors
            ]
        )

    mlflow.keras.log_model(
        network,
        name="model",
        signature=ModelSignature(inputs=tensors(network.inputs), outputs=tensors(network.outputs)),
        pip_requirements=["keras", "tensorflow"],
    )


def log_panel(key: str, step: int, *images: np.ndarray) -> None:
    """Log pictures side by side, each float (H, W, 3) in [0, 1], for the comparison grid."""
    import mlflow

    panel = np.clip(np.concatenate(images, axis=1), 0, 1)
    mlflow.log_image((panel * 255).astype(np.uint8), key=key, step=step)
