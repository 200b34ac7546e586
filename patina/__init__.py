"""Patina restores deteriorated images of artworks, and trains what restores them.

In a checkout the folders of its packages, such as tasks/, lie beside this one, not in it.
"""

import os
import sys
from pathlib import Path

if sys.version_info >= (3, 14):  # for which there is no TensorFlow: see pyproject.toml
    os.environ.setdefault("KERAS_BACKEND", "jax")
if not (Path(__file__).parent / "tasks").is_dir():
    __path__.append(str(Path(__file__).parents[1]))
