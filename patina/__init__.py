"""Patina restores deteriorated images of artworks, and trains its networks.

In a checkout, its other packages, such as tasks/, are beside this folder and not in it.
"""

import os
import sys
from pathlib import Path

if sys.version_info >= (3, 14):  # without TensorFlow: see pyproject.toml
    os.environ.setdefault("KERAS_BACKEND", "jax")
# OpenVINO would send usage data, from a forked process that can hang at the end; a module that
# cannot be imported makes it use its own stub, which sends nothing
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
if not (Path(__file__).parent / "tasks").is_dir():
    __path__.append(str(Path(__file__).parents[1]))
