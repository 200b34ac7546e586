"""The recipes of CONTRIBUTING.md, followed with toys in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COPIED = ("crawler", "flows", "models", "patina", "tasks", "tests")
DEGRADATION = '''
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation


@degradation()
def toy_shade(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Everything is darker."""
    return image * np.float32(1 - severity / 2), None
'''
SPIDER = '''
from patina.crawler.spiders.artic import ArticSpider


class ToySpider(ArticSpider):
    """A museum with the interface of another one."""

    name = "toy"
'''
REPLAY = '''
class Toy(Artic):
    """A museum with the interface of another one."""

    source = "toy"


MUSEUMS = (Toy,'''
NETWORK = '''
import keras


def toy(*, width: float = 1.0) -> keras.Model:
    """The network that changes nothing: (N, H, W, 3) -> residual (N, H, W, 3)."""
    image = keras.layers.Input((None, None, 3), name="image")
    output = keras.layers.Conv2D(3, 1, kernel_initializer="zeros", name="residual")(image)
    return keras.Model(image, output, name="toy")
'''
BUILT = """
import numpy as np
from pathlib import Path
from patina import params
from patina.models import registry
assert params.load(Path("params.yaml")).train.network == "toy"
assert not np.asarray(registry.build("toy")(np.ones((1, 16, 16, 3), "float32"))).any()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, of params.yaml, and of the settings of the tests."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("*.keras", "*.bin"))
    for name in ("params.yaml", "pyproject.toml", "scrapy.cfg"):
        shutil.copy(name, folder)
    return folder


def add(tree: Path, name: str, text: str) -> None:
    assert not (tree / name).exists()
    (tree / name).write_text(text.lstrip())


def change(tree: Path, name: str, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, (tree / name).read_text(), count=1)
    assert count, f"{name}: {pattern}"
    (tree / name).write_text(text)


def python(tree: Path, *arguments: str) -> str:
    """The output of Python in the copy, which imports the code of the copy."""
    environment = os.environ | {"PYTHONPATH": str(tree), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, *arguments]
    ran = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_shared_tests_find_a_new_degradation(tree: Path) -> None:
    folder = "tasks/degradations"
    add(tree, f"{folder}/toy_shade.py", DEGRADATION)
    line = "from patina.tasks.degradations import recompression as recompression\n"
    new = line.replace("recompression", "toy_shade")
    change(tree, f"{folder}/__init__.py", line, line + new)
    change(tree, f"{folder}/families.py", r'"light": \(', '"light": ("toy_shade", ')
    change(
        tree,
        "params.yaml",
        r"( +)blur: ",
        r"\1toy_shade: {weight: 1.0, severity: [0.2, 0.8]}\n\g<0>",
    )
    change(
        tree, "tests/test_degradations.py", r'"rescaled_jpeg"\]', '"rescaled_jpeg", "toy_shade"]'
    )
    chosen = "toy_shade or order_of_an_objects_life"
    passed = python(tree, "-m", "pytest", "tests/test_degradations.py", "-k", chosen)
    assert int(re.search(r"(\d+) passed", passed)[1]) > 20
    python(tree, "-c", "from pathlib import Path; from patina.params import load; "
           "assert 'toy_shade' in load(Path('params.yaml')).degrade.steps")  # fmt: skip


@pytest.mark.server
def test_the_shared_tests_find_a_new_museum(tree: Path) -> None:
    add(tree, "crawler/spiders/toy.py", SPIDER)
    change(tree, "crawler/__init__.py", r"MUSEUMS = \(", 'MUSEUMS = ("toy", ')
    change(tree, "tests/replay/museums.py", r"MUSEUMS = \(", REPLAY.lstrip())
    chosen = "(Toy and every_free_work) or those_that_have_a_spider"
    passed = python(tree, "-m", "pytest", "tests/test_museums.py", "-k", chosen)
    assert "2 passed" in passed


@pytest.mark.training
def test_params_accept_a_new_network(tree: Path) -> None:
    add(tree, "models/toy.py", NETWORK)
    change(
        tree,
        "models/__init__.py",
        "NETWORKS = {",
        'NETWORKS = {\n    "toy": "patina.models.toy:toy",',
    )
    change(tree, "params.yaml", "network: detail", "network: toy")
    python(tree, "-c", BUILT)
