"""The model that MLflow serves: an image in, the restored image out."""

import shutil
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import Schema, TensorSpec

import patina
from patina import params

SOURCE = Path(__file__).parents[1]
PICTURE = Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, 3))])
EXAMPLE = np.full((64, 64, 3), 128, np.uint8)


class Restoring(PythonModel):
    """uint8 (H, W, 3), sRGB -> the restored image in the same form."""

    def load_context(self, context: Any) -> None:
        """Load the network from its graph."""
        from patina.tasks.restoration.batch import load_restorer

        model = Path(context.artifacts["network"]) / "model.keras"
        self.restorer = load_restorer(model, **params.Restore().loading)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Restore one image. MLflow would read type hints as a schema, so there are none."""
        return self.restorer.restored(np.asarray(model_input, np.uint8))


def log(folder: Path) -> None:
    """Log the network in `folder`, with its graph, to the active run."""
    with TemporaryDirectory() as code:
        mlflow.pyfunc.log_model(
            name="restorer",
            python_model=Restoring(),
            artifacts={"network": str(folder)},
            signature=ModelSignature(inputs=PICTURE, outputs=PICTURE),
            input_example=EXAMPLE,
            code_paths=[str(copy) for copy in _code(Path(code))],
            pip_requirements=_requirements(),
        )


def _code(folder: Path) -> list[Path]:
    """The code of the restoration, copied to `folder` without the shipped weights."""
    ignored = shutil.ignore_patterns("__pycache__", "*.keras", "*.xml", "*.bin")
    package = folder / "patina"
    for room in ("flows", "models", "tasks"):
        shutil.copytree(SOURCE / room, package / room, ignore=ignored)
    for module in Path(patina.__file__).parent.glob("*.py"):
        shutil.copy(module, package)
    return [package]


def _requirements() -> list[str]:
    """The dependencies of the restoration, without Patina itself."""
    named = metadata.requires("patina-restoration") or []
    return [requirement for requirement in named if "extra ==" not in requirement]
