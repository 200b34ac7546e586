"""Degrading one image by hand, and repeating it from a recipe."""

import json
import shutil
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from patina.tasks import degradations
from patina.tasks.dataset import recipes, twins
from patina.tasks.dataset.recipes import read_recipe, recipe_by_hand
from patina.tasks.dataset.twins import degrade_file
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import png_bytes, read_png, to_uint8


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work.png"
    small = np.random.default_rng(3).uniform(0.1, 0.9, (6, 4, 3)).astype(np.float32)
    path.write_bytes(png_bytes(to_uint8(cv2.resize(small, (120, 160)))))
    return path


def test_a_recipe_reproduces_a_degraded_copy_of_the_command(work: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    recipe = recipe_by_hand("work", "scratches:0.7, yellow_varnish:0.4", seed=5)
    degrade_file(work, first, recipe)
    degrade_file(work, again, read_recipe(tmp_path / "first.recipe.json"))
    assert first.read_bytes() == again.read_bytes()
    assert (tmp_path / "first.mask.png").read_bytes() == (tmp_path / "again.mask.png").read_bytes()
    assert np.any(read_png(first) != read_png(work))
    steps = json.loads((tmp_path / "first.recipe.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["scratches", "yellow_varnish"]


def test_overwriting_a_degraded_copy_removes_its_mask_and_recipe(
    work: Path, tmp_path: Path
) -> None:
    twin, mask = tmp_path / "twin.png", tmp_path / "twin.mask.png"
    degrade_file(work, twin, recipe_by_hand("work", "scratches:0.7", seed=5))
    assert mask.exists()
    degrade_file(work, twin, recipe_by_hand("work", "fading:0.7", seed=5))
    assert not mask.exists()
    assert "fading" in (tmp_path / "twin.recipe.json").read_text()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("varnsh:0.5", "unknown degradation 'varnsh'; known: "),
        ("blur", "give names with severities"),
        ("blur:heavy", "give names with severities"),
        ("blur:1.5", "less than or equal to 1"),
    ],
)
def test_invalid_steps_are_an_error(steps: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        recipe_by_hand("work", steps, seed=0)


def test_the_version_of_degraded_copies_changes_with_the_code_of_the_degradations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = twins.version.__wrapped__()
    room = Path(shutil.copytree(Path(degradations.__file__).parent, tmp_path / "degradations"))
    copied = ModuleType("degradations")
    copied.__file__ = str(room / "__init__.py")
    monkeypatch.setattr(twins, "CODE", (copied, recipes))
    assert twins.version.__wrapped__() == before
    (room / "dust.py").write_text((room / "dust.py").read_text().replace("0", "1", 1))
    assert twins.version.__wrapped__() != before


def test_an_invalid_recipe_image_or_output_name_is_an_error(work: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.json"
    letter.write_text("Dear Theo")
    with pytest.raises(ValueError, match=r"letter\.json: not a recipe: Invalid JSON"):
        read_recipe(letter)
    recipe = recipe_by_hand("work", "blur:0.5", seed=0)
    with pytest.raises(ImageError, match=r"letter\.json: "):
        degrade_file(letter, tmp_path / "out.png", recipe)
    with pytest.raises(ValueError, match=r"out\.jpg: the result is a PNG"):
        degrade_file(work, tmp_path / "out.jpg", recipe)
    assert not list(tmp_path.glob("out*"))


def test_a_degraded_copy_cannot_overwrite_its_work(work: Path) -> None:
    before = work.read_bytes()
    recipe = recipe_by_hand("work", "scratches:0.5", seed=0)
    with pytest.raises(ValueError, match="would overwrite the work itself; give another --out"):
        degrade_file(work, work, recipe)
    masked = work.rename(work.with_name("old.mask.png"))
    with pytest.raises(ValueError, match=r"old\.mask\.png: this would overwrite"):
        degrade_file(masked, work.with_name("old.png"), recipe)
    assert masked.read_bytes() == before
