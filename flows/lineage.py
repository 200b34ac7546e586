"""The origin of a run: code, data, machine, and the settings that the user chose."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from patina.flows.places import LOCK, PARAMS
from patina.tasks.io.parallel import CORES

EXPERIMENT_TAG = "dvc.experiment"
# Parameters of every run; other settings are logged if they differ from the last commit
CHOSEN = ("network", "width", "start", "steps", "learning_rate", "seed")
NAMED = 3  # maximum number of changed settings in the name of a run


def chosen() -> dict[str, Any]:
    """CHOSEN of the section train, and all changed settings. PARAMS has all settings."""
    now = _settings()
    keys = [f"train.{name}" for name in CHOSEN]
    return {key: now[key] for key in keys if key in now} | _changed(now)


def _changed(now: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `now` that differ from the last commit.

    They were edited, or changed by `dvc exp run -S`. Empty if there is no commit.
    """
    before = _flat(yaml.safe_load(_git("show", f"HEAD:./{PARAMS}")) or {})
    return {key: value for key, value in now.items() if before and before.get(key) != value}


def run_name() -> str:
    """The name of a run: its network, the changed settings, and the DVC experiment, if any."""
    now = _settings()
    differing = _changed(now)
    differing.pop("train.network", None)
    named = [f"{key.removeprefix('train.')}={_short(value)}" for key, value in differing.items()]
    more = [f"and {len(named) - NAMED} more"] if len(named) > NAMED else []
    experiment = os.environ.get("DVC_EXP_NAME")
    ending = [f"({experiment})"] if experiment else []
    return " ".join([now["train.network"], *named[:NAMED], *more, *ending])


def _short(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _settings() -> dict[str, Any]:
    """All settings of PARAMS, by names joined with dots."""
    return _flat(yaml.safe_load(PARAMS.read_text(encoding="utf-8")))


def _flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """`params` with nested sections as one dict, with names joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": part for name, part in _flat(value).items()}
        else:
            flat[key] = value
    return flat


def lineage() -> dict[str, str]:
    """The state of code and data from which a run started."""
    return {
        "git.revision": _git("rev-parse", "HEAD"),
        # DVC writes its lock after each stage
        "git.dirty": str(bool(_git("status", "--porcelain", "--", ".", ":!dvc.lock"))).lower(),
        "dvc.lock.sha256": hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.exists() else "",
        EXPERIMENT_TAG: os.environ.get("DVC_EXP_NAME", ""),
    }


def hardware() -> dict[str, str]:
    """The hardware of a run."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {
        "hardware.cpu": _processor(),
        "hardware.gpu": ", ".join(_gpus()),
        "hardware.cores": str(CORES),
        "hardware.memory_gib": f"{memory:.0f}",
        "hardware.system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _gpus() -> list[str]:
    """The names of the NVIDIA GPUs."""
    command = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    if not shutil.which(command[0]):
        return []
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    return asked.stdout.splitlines() if asked.returncode == 0 else []


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def dataset(place: Path) -> Any:
    """The output of a stage as an MLflow dataset, with its path and DVC hash."""
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    source = CodeDatasetSource(tags={"dvc.path": str(place), "dvc.md5": dvc_md5(place)})
    return MetaDataset(source, name=place.name, digest=dvc_md5(place)[:32] or None)  # type: ignore[abstract]


def dvc_md5(place: Path) -> str:
    """The hash of a stage's output in dvc.lock; "" if there is none yet."""
    stages = yaml.safe_load(LOCK.read_text())["stages"] if LOCK.exists() else {}
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    return next((out["md5"] for out in outs if out["path"] == str(place)), "")
