"""The weights that come with Patina, in `patina.models.pretrained`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from patina.errors import InputError
from patina.models import pretrained
from patina.tasks.io.atomic import sha256_of

FOLDER = Path(pretrained.__file__).parent
DEFAULT = "restorer"


class DamagedWeightsError(InputError):
    """A weights file does not hold the bytes that it was shipped with."""


def shipped(name: str = DEFAULT) -> Path:
    """The file of the weights of the network `name`.

    Raises KeyError when none are shipped for it; DamagedWeightsError when they are not what they
    were.
    """
    for file, sha256 in index()[name]["files"].items():
        if sha256_of(FOLDER / file) != sha256:
            raise DamagedWeightsError(
                f"{FOLDER / file}: not the bytes that were shipped; install Patina anew"
            )
    return FOLDER / f"{name}.keras"


def named(model: Path) -> dict[str, Any]:
    """Which model is filed at `model`, as its facts say; nothing where they say nothing.

    "network": the one that was trained. "version": the day that it was shipped, or the MLflow run
    in which it was trained. "networks": SHA-256 of the weights of each, by role.
    """
    if model.parent == FOLDER:
        facts = index()[model.stem]
        return {
            "network": model.stem,
            "version": facts["version"],
            "networks": facts.get("networks", {}),
        }
    facts = facts_of(model)
    if not {"network", "mlflow_run"} <= facts.keys():
        return {}
    return {
        "network": facts["network"],
        "version": facts["mlflow_run"],
        "networks": facts.get("networks", {}),
    }


def is_single(model: Path) -> bool:
    """Whether the model is one network that does all by itself, and needs no gate."""
    return bool(facts_of(model).get("single"))


def facts_of(model: Path) -> dict[str, Any]:
    """What the flows `train` and `promote` wrote beside a model; nothing where they did not."""
    with suppress(OSError, ValueError):
        facts = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) else {}
    return {}


def index() -> dict[str, Any]:
    """What is shipped, by the network's name: its "version" and its "files" with their SHA-256."""
    read: dict[str, Any] = json.loads((FOLDER / "weights.json").read_text(encoding="utf-8"))
    return read
