"""What MLflow is told of a run."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from patina.flows.places import MLRUNS
from patina.tasks.io.parallel import CORES

if TYPE_CHECKING:
    from mlflow.entities import Experiment, Run

EXPERIMENT = "patina"
REGISTERED = "restorer"
EXPERIMENT_TAG = "dvc.experiment"


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, else the SQLite database under mlruns/."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{MLRUNS / 'mlflow.db'}"


@contextmanager
def run(
    name: str, params: Mapping[str, Any], inputs: Sequence[Path], run_id: str | None = None
) -> Iterator[str]:
    """An MLflow run: `run_id` gone on with where it is of this experiment, else a new one.

    Gives its id. name: of the stage. params: by section, which is their prefix. inputs: DVC outs,
    logged as the run's datasets.
    """
    import mlflow  # takes seconds

    connect()
    run_id = run_id if run_id and _is_ours(run_id) else None
    with mlflow.start_run(run_id=run_id, run_name=os.environ.get("DVC_EXP_NAME")) as active:
        if not run_id:
            mlflow.set_tags(lineage() | hardware())
        logged = active.data.params
        given = _flat(params)
        # MLflow lets none be changed; those of a later evaluation are in the file
        mlflow.log_params({key: value for key, value in given.items() if key not in logged})
        for file in (Path("params.yaml"), Path("dvc.lock")):
            if file.exists():
                mlflow.log_artifact(str(file), "lineage")
        for place in inputs:
            mlflow.log_input(_dataset(place), context=name)
        yield active.info.run_id


def _flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` of sections and of what is in them, by names joined with dots."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": part for name, part in _flat(value).items()}
        else:
            flat[key] = value
    return flat


def found(run_id: str) -> "Run | None":
    """The run, where MLflow has it; a model that came by `dvc pull` was trained elsewhere."""
    from mlflow import MlflowClient, MlflowException

    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _is_ours(run_id: str) -> bool:
    """Whether MLflow has the run, of the present one of DVC's experiments, or of none as now.

    DVC may have had the network in its cache, from an experiment whose figures are to stay its own.
    """
    run = found(run_id)
    present = os.environ.get("DVC_EXP_NAME", "")
    return run is not None and run.data.tags.get(EXPERIMENT_TAG, "") == present


def connect() -> "Experiment":
    """Point MLflow at its server or database, and at the project's experiment, which it gives."""
    import mlflow

    MLRUNS.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri())
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        ours = tracking_uri().startswith("sqlite:")
        place = (MLRUNS / "artifacts").as_uri() if ours else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=place)
    return mlflow.set_experiment(EXPERIMENT)


def lineage() -> dict[str, str]:
    """From which state of code and data a run came."""
    lock = Path("dvc.lock")
    return {
        "git.revision": _git("rev-parse", "HEAD"),
        # DVC writes its lock after each stage
        "git.dirty": str(bool(_git("status", "--porcelain", "--", ".", ":!dvc.lock"))).lower(),
        "dvc.lock.sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        EXPERIMENT_TAG: os.environ.get("DVC_EXP_NAME", ""),
    }


def hardware() -> dict[str, str]:
    """On what a run was computed."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "hardware.cpu": _processor(),
        "hardware.gpu": ", ".join(_gpus()),
        "hardware.cores": str(CORES),
        "hardware.memory_gib": f"{memory:.0f}",
        "hardware.system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _gpus() -> list[str]:
    """The names of NVIDIA's, if there are any."""
    command = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    if not shutil.which(command[0]):
        return []
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.splitlines() if asked.returncode == 0 else []


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


def register(run_id: str) -> None:
    """Make the network of the run `restorer@challenger`, where it is there."""
    import mlflow

    client = mlflow.MlflowClient()
    if (version := version_of(run_id)) is None:
        logged = mlflow.search_logged_models(
            experiment_ids=[connect().experiment_id],
            filter_string=f"source_run_id = '{run_id}'",
            output_format="list",
        )
        if not logged:
            return
        version = mlflow.register_model(f"models:/{logged[-1].model_id}", REGISTERED).version
    client.set_registered_model_alias(REGISTERED, "challenger", str(version))


def crown(run_id: str) -> None:
    """Make the network of the run `restorer@champion`, if this MLflow has it registered."""
    import mlflow

    connect()
    if (version := version_of(run_id)) is not None:
        mlflow.MlflowClient().set_registered_model_alias(REGISTERED, "champion", version)


def version_of(run_id: str) -> str | None:
    """Under which version the network of the run is registered."""
    import mlflow

    versions = mlflow.MlflowClient().search_model_versions(f"run_id = '{run_id}'")
    return str(versions[0].version) if versions else None


def log_panel(key: str, step: int, *images: np.ndarray) -> None:
    """Log four pictures, two above two, each float (H, W, 3) in [0, 1], for the comparison grid.

    Its cells are square.
    """
    import mlflow

    rows = [np.concatenate(pair, axis=1) for pair in (images[:2], images[2:])]
    panel = np.clip(np.concatenate(rows), 0, 1)
    mlflow.log_image((panel * 255).astype(np.uint8), key=key, step=step)
