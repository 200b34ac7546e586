"""The stage train: which changes restart a training that was interrupted."""

import shutil
from pathlib import Path

import pytest
import yaml

from patina.flows import train
from patina.flows.places import CLEAN, DEGRADED
from patina.params import Params

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """The params of the project, in a copy of its code with two manifests."""
    for folder in ("flows", "models", "patina", "tasks"):
        ignored = shutil.ignore_patterns("*.keras", "*.bin", "*.xml", "*.ttf", "__pycache__")
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(PROJECT / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for folder in (CLEAN, DEGRADED):
        folder.mkdir(parents=True)
        (folder / "manifest.jsonl").write_text("{}\n")
    return Params(**yaml.safe_load((PROJECT / "params.yaml").read_text()))


@pytest.mark.parametrize(
    "changed",
    [
        "models/losses.py",
        "tasks/training/library.py",
        "tasks/evaluation/hard_works/sea.py",
        "tasks/restoration/inpainting.py",
        "tasks/restoration/stain_input.py",
        "tasks/restoration/textured.py",
        "models/pretrained/weights.json",
    ],
)
def test_a_training_restarts_after_a_change_of_what_it_uses(changed: str, params: Params) -> None:
    before = train.training_folder(params.train, params.degrade)
    with Path(changed).open("a") as file:
        file.write("\n")
    assert train.training_folder(params.train, params.degrade) != before


def test_a_training_is_resumed_after_a_change_of_other_code(params: Params) -> None:
    before = train.training_folder(params.train, params.degrade)
    with Path("tasks/restoration/undo.py").open("a") as file:
        file.write("\n")
    assert train.training_folder(params.train, params.degrade) == before
