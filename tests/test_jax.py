"""Training on JAX, which is in TensorFlow's place in the extra `train` and on Python 3.14."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from patina.models.graphs import weights_in
from patina.tasks.restoration.inference import Networks
from patina.tasks.restoration.weights import shipped

TRAINING = """
import dataclasses, json, sys
from pathlib import Path

import numpy as np

from patina.tasks.training.specialists import SPECIALISTS
from patina.tasks.training.training import Schedule, Training

specialist = dataclasses.replace(SPECIALISTS["blur"], width=0.125)
training = Training(specialist, Path(sys.argv[1]), Schedule(steps=100, learning_rate=0.002))
clean = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
losses = [training.step((clean * np.float32(0.9), clean)) for _ in range(10)]
training.save()
resumed = Training(specialist, Path(sys.argv[1]), Schedule(steps=100, learning_rate=0.002))
print(json.dumps({
    "compiled": training.network.jit_compile,
    "tensorflow": "tensorflow" in sys.modules,
    "losses": losses,
    "resumed": resumed.done,
}))
"""

WRITING = """
import json, sys
from pathlib import Path

import numpy as np

from patina.models import registry
from patina.tasks.restoration.weights import shipped
from patina.tasks.training import ship

networks = registry.networks_of(registry.load(shipped()))
for role in ("tone", "segmentation"):
    weights = [each * np.float32(0.9) for each in networks[role].get_weights()]
    networks[role].set_weights(weights)
    ship.round_weights(networks[role], eight_bits=True)
    np.savez(Path(sys.argv[1]) / f"{role}.npz", *networks[role].get_weights())
ship.write_graph(networks, Path(sys.argv[1]) / "trained.xml")
print(json.dumps({"tensorflow": "tensorflow" in sys.modules}))
"""


def run(program: str, folder: Path) -> dict[str, Any]:
    """Run `program` with JAX as the backend of Keras; returns what it prints last, as JSON."""
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", program, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return result


def test_jax_trains_with_compiled_steps_and_without_tensorflow(tmp_path: Path) -> None:
    result = run(TRAINING, tmp_path)
    assert result["compiled"] is True
    assert result["tensorflow"] is False
    assert result["losses"][-1] < result["losses"][0]
    assert result["resumed"] == 10


def test_without_tensorflow_the_graph_of_a_trained_model_is_written(tmp_path: Path) -> None:
    assert run(WRITING, tmp_path) == {"tensorflow": False}
    before, after = weights_in(shipped()), weights_in(tmp_path / "trained.xml")
    assert set(after) == set(before)
    for role, weights in after.items():
        trained = tmp_path / f"{role}.npz"
        expected = [*np.load(trained).values()] if trained.exists() else before[role]
        for one, same in zip(weights, expected, strict=True):
            np.testing.assert_array_equal(one, same)
    tile = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    former, trained = (
        Networks(file)["segmentation"](tile) for file in (shipped(), tmp_path / "trained.xml")
    )
    assert np.abs(former - trained).max() > 0.01
