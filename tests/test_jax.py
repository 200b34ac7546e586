"""Training on JAX, which is in TensorFlow's place in the extra `train` and on Python 3.14."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
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


def test_jax_trains_with_compiled_steps_and_without_tensorflow(tmp_path: Path) -> None:
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result["compiled"] is True
    assert result["tensorflow"] is False
    assert result["losses"][-1] < result["losses"][0]
    assert result["resumed"] == 10
