"""The weights that come with Patina, in `patina.models.pretrained`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from patina.errors import InputError
from patina.models import pretrained
from patina.tasks.io.atomic import sha256_of

FOLDER = Path(pretrained.__file__).parent
DEFAULT = "conservator"


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


def named(model: Path) -> dict[str, str]:
    """The "network" filed at `model` and its "version": the day that it was shipped, or the MLflow
    run in which it was trained; nothing if it is not told there.
    """
    if model.parent == FOLDER:
        return {"network": model.stem, "version": index()[model.stem]["version"]}
    with suppress(OSError, ValueError, LookupError, TypeError):
        # As the flows `train` and `promote` write it
        facts = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
        return {"network": facts["network"], "version": facts["mlflow_run"]}
    return {}


def index() -> dict[str, Any]:
    """What is shipped, by the network's name: its "version" and its "files" with their SHA-256."""
    read: dict[str, Any] = json.loads((FOLDER / "weights.json").read_text(encoding="utf-8"))
    return read
