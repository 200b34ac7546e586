"""A network as MLflow serves it: a picture in, the picture restored out."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow.models import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import Schema, TensorSpec

PICTURE = Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, 3))])
EXAMPLE = np.full((64, 64, 3), 128, np.uint8)


class Restoring(PythonModel):
    """uint8 (H, W, 3), sRGB -> the same, restored; needs an environment with Patina."""

    def load_context(self, context: Any) -> None:
        """Load the network from its graph."""
        from params import Restore
        from tasks.restoring import load_restorer

        model = Path(context.artifacts["network"]) / "model.keras"
        self.restorer = load_restorer(model, **Restore().applied)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """One picture, whole. Without type hints, which MLflow would read as a schema."""
        return self.restorer.restored(np.asarray(model_input, np.uint8))


def log(folder: Path) -> None:
    """Log the network filed in `folder`, with its graph, to the active run."""
    mlflow.pyfunc.log_model(
        name="restorer",
        python_model=Restoring(),
        artifacts={"network": str(folder)},
        signature=ModelSignature(inputs=PICTURE, outputs=PICTURE),
        input_example=EXAMPLE,
        pip_requirements=["patina"],
    )
