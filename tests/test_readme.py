"""The README describes existing commands and files."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from patina.cli import app
from patina.flows.stages import STAGES

README = Path("README.md").read_text()


@pytest.mark.parametrize("command", sorted(get_command(app).commands))  # type: ignore[attr-defined]
def test_the_readme_shows_every_command(command: str) -> None:
    assert re.search(rf"(patina|make) {command}\b", README)


@pytest.mark.parametrize("stage", STAGES)
def test_the_readme_explains_every_stage(stage: str) -> None:
    assert f"| `{stage}` |" in README


def test_every_make_target_and_file_in_the_readme_exists() -> None:
    makefile = Path("Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z]+)", README):
        assert f"\n{target}:" in makefile
    for place in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in place or Path(place).exists(), place
