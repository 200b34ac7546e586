"""The recipes of CONTRIBUTING.md, followed with toys in a copy of the project."""

import os
import re
import shutil

import pytest
import yaml
from conftest import Workspace

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
SPECIALIST = '''
import keras


def toy_polish(*, width: float = 1.0) -> keras.Model:
    """A network for one kind of damage: (N, H, W, 3) -> residual (N, H, W, 3)."""
    image = keras.layers.Input((None, None, 3), name="image")
    inner = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")(image)
    output = keras.layers.Conv2D(3, 1, kernel_initializer="zeros", name="residual")(inner)
    return keras.Model(image, output, name="toy_polish")
'''
TRAINING = "{start: scratch, steps: 9, batch: 2, learning_rate: 0.001, minutes: 1}"
DRAWN = """
from pathlib import Path
from patina.params import load
assert "toy_shade" in load(Path("params.yaml")).degrade.steps
"""
BUILT = """
import numpy as np
from pathlib import Path
from patina import params
from patina.models import registry
assert params.load(Path("params.yaml")).train.network == "toy"
assert not np.asarray(registry.build("toy")(np.ones((1, 16, 16, 3), "float32"))).any()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the code, of params.yaml, and of the settings of the tests."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("*.keras", "*.bin"))
    (folder / "docs").mkdir()
    for name in ("params.yaml", "pyproject.toml", "scrapy.cfg", "docs/formats.md"):
        shutil.copy(name, folder / name)
    return Workspace(folder)


def add(tree: Workspace, name: str, text: str) -> None:
    assert not (tree.folder / name).exists()
    (tree.folder / name).write_text(text.lstrip())


def change(tree: Workspace, name: str, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, (tree.folder / name).read_text(), count=1)
    assert count, f"{name}: {pattern}"
    (tree.folder / name).write_text(text)


def test_the_shared_tests_find_a_new_degradation(tree: Workspace) -> None:
    folder = "tasks/degradations"
    add(tree, f"{folder}/toy_shade.py", DEGRADATION)
    line = "from patina.tasks.degradations import recompression as recompression\n"
    new = line.replace("recompression", "toy_shade")
    change(tree, f"{folder}/__init__.py", line, line + new)
    change(tree, f"{folder}/families.py", r'"light": \(', '"light": ("toy_shade", ')
    steps = yaml.safe_load((tree.folder / "params.yaml").read_text())["degrade"]["steps"]
    toy = {"toy_shade": {"weight": 1.0, "severity": [0.2, 0.8]}}
    tree.set(degrade={"steps": steps | toy})
    change(
        tree, "tests/test_degradations.py", r'"rescaled_jpeg"\]', '"rescaled_jpeg", "toy_shade"]'
    )
    chosen = "toy_shade or order_of_an_objects_life"
    passed = re.search(
        r"(\d+) passed", tree.run("pytest", "tests/test_degradations.py", "-k", chosen)
    )
    assert passed
    assert int(passed[1]) > 20
    add(tree, "drawn.py", DRAWN)
    tree.run("drawn")


@pytest.mark.server
def test_the_shared_tests_find_a_new_museum(tree: Workspace) -> None:
    add(tree, "crawler/spiders/toy.py", SPIDER)
    change(tree, "crawler/__init__.py", r"MUSEUMS = \(", 'MUSEUMS = ("toy", ')
    change(tree, "tests/replay/museums.py", r"MUSEUMS = \(", REPLAY.lstrip())
    chosen = "(Toy and every_free_work) or those_that_have_a_spider"
    assert "2 passed" in tree.run("pytest", "tests/test_museums.py", "-k", chosen)


@pytest.mark.training
def test_params_accept_a_new_network(tree: Workspace) -> None:
    add(tree, "models/toy.py", NETWORK)
    toy = 'NETWORKS = {\n    "toy": "patina.models.toy:toy",'
    change(tree, "models/__init__.py", "NETWORKS = {", toy)
    tree.set(train={"network": "toy"})
    add(tree, "built.py", BUILT)
    tree.run("built")


@pytest.mark.training
def test_the_shared_tests_find_a_new_specialist(tree: Workspace) -> None:
    add(tree, "models/toy_polish.py", SPECIALIST)
    toy = 'NETWORKS = {\n    "toy_polish": "patina.models.toy_polish:toy_polish",'
    change(tree, "models/__init__.py", "NETWORKS = {", toy)
    change(tree, "models/__init__.py", r"ROLES = \(\n", 'ROLES = (\n    "toy_polish",\n')
    toy = 'SPECIALISTS = {\n    "toy_polish": Specialist("toy_polish", curriculum.JPEG, *RESIDUAL),'
    change(tree, "tasks/training/specialists.py", "SPECIALISTS = {", toy)
    toy = f"networks:\n  toy_polish: {TRAINING}"
    change(tree, "models/pretrained/recipe.yaml", "networks:", toy)
    chosen = "(learns and toy_polish) or recipe_of_the_shipped_weights"
    printed = tree.run("pytest", "tests/test_training.py", "tests/test_weights.py", "-k", chosen)
    assert "2 passed" in printed


def test_the_table_of_formats_gets_a_new_output_format(tree: Workspace) -> None:
    toy = 'ENCODINGS = {\n    ".avif": ".avif[lossless=true,effort=0]",'
    change(tree, "tasks/imaging/filing.py", "ENCODINGS = {", toy)
    toy = '    "AVIF": (painted(), "a.avif", {"lossless": True, "effort": 0}),\n    "WebP":'
    change(tree, "tests/test_scans.py", '    "WebP":', toy)
    places = (tree.folder, tree.folder / "tests")
    tree.run("test_formats", PYTHONPATH=os.pathsep.join(map(str, places)))
    row = "| AVIF | RGB, 8 bit | AVIF | RGB, 8 bit | exact | kept | EXIF kept |  |"
    assert row in (tree.folder / "docs/formats.md").read_text()
