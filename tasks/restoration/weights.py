"""The shipped weights, in `patina.models.pretrained`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from patina.errors import InputError
from patina.models import present_role, pretrained
from patina.tasks.io.atomic import json_object, sha256_of

FOLDER = Path(pretrained.__file__).parent
DEFAULT = "restorer"
INDEX = "weights.json"


class DamagedWeightsError(InputError):
    """A weights file differs from the shipped one."""


def shipped() -> Path:
    """The graph (.xml) of the shipped weights; its .bin is beside it.

    Raises DamagedWeightsError if a file was changed.
    """
    for file, sha256 in index()[DEFAULT]["files"].items():
        if sha256_of(FOLDER / file) != sha256:
            raise DamagedWeightsError(
                f"{FOLDER / file}: the file differs from the shipped one; install Patina again"
            )
    return FOLDER / f"{DEFAULT}.xml"


def version_of(model: Path) -> dict[str, Any]:
    """Facts about the model at `model`; empty if they are unknown.

    "network": the trained one. "version": the day of shipping, or the MLflow run of the training.
    "networks": SHA-256 of the weights of each network, by role.
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
    """Whether the model is a single network for all damage, which needs no gate."""
    return bool(facts_of(model).get("single"))


def facts_of(model: Path) -> dict[str, Any]:
    """The facts that the flows `train` and `promote` wrote beside a model; empty without them."""
    with suppress(OSError):
        return with_present_roles(json_object(model.with_suffix(".json").read_bytes()))
    return {}


def with_present_roles(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts about a model, of any version of Patina, with the present names of its networks."""
    renamed = dict(facts)
    if isinstance(name := facts.get("network"), str):
        renamed["network"] = present_role(name)
    for key in ("networks", "training", "parameters"):
        if isinstance(by_role := facts.get(key), dict):
            renamed[key] = {present_role(role): value for role, value in by_role.items()}
    return renamed


def shipped_facts(folder: Path) -> dict[str, Any]:
    """What `index` has of the weights in `folder`; empty if none were shipped there."""
    known = index(folder) if (folder / INDEX).exists() else {}
    return with_present_roles(known.get(DEFAULT, {}))


def index(folder: Path = FOLDER) -> dict[str, Any]:
    """The weights shipped in `folder`, by name: "version", and "files" with their SHA-256."""
    weights: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    return weights
