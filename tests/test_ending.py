"""The messages at the end of the pipeline or an experiment."""

import json
import subprocess
from pathlib import Path

import pytest

from patina.flows import ending


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with an evaluation, settings and DVC's lock file, all committed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ending, "ROOT", tmp_path.resolve())
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    figures = {"degraded": {"psnr_db": 20.126}, "restored": {"psnr_db": 23.4}}
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text(json.dumps({"all": figures}))
    for name in ("params.yaml", "dvc.lock"):
        (tmp_path / name).write_text("a: 1\n")
    identity = ("-c", "user.name=A Tester", "-c", "user.email=tester@localhost")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "start")):
        subprocess.run(["git", *identity, *command], check=True)
    return tmp_path


def test_the_figures_are_printed(workspace: Path) -> None:
    assert ending.results().startswith("Test works: 20.13 dB degraded, 23.40 dB restored.\n")


def test_no_next_step_is_named_if_everything_is_committed(workspace: Path) -> None:
    assert ending.next_steps() == ""


def test_the_next_step_for_new_results_is_to_commit_the_lock_file(workspace: Path) -> None:
    (workspace / "dvc.lock").write_text("a: 2\n")
    assert "git add dvc.lock && git commit" in ending.next_steps()


def test_an_experiment_that_changed_params_says_how_to_go_back(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "bold-newt")
    assert ending.next_steps() == ""
    (workspace / "params.yaml").write_text("{a: 2}\n")
    printed = ending.next_steps()
    assert printed.startswith("params.yaml now differs from the last commit")
    (back,) = [line.strip() for line in printed.splitlines() if "git checkout" in line]
    subprocess.run(back.partition(" && ")[0].split(), check=True)
    assert (workspace / "params.yaml").read_text() == "a: 1\n"


def test_the_command_to_go_back_works_without_a_committed_lock_file(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "bold-newt")
    identity = ("-c", "user.name=A Tester", "-c", "user.email=tester@localhost")
    subprocess.run(["git", "rm", "-q", "--cached", "dvc.lock"], check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "without"], check=True)
    (workspace / "params.yaml").write_text("{a: 2}\n")
    (back,) = [line.strip() for line in ending.next_steps().splitlines() if "git check" in line]
    command, _, then = back.partition(" && ")
    subprocess.run(command.split(), check=True)
    assert (workspace / "params.yaml").read_text() == "a: 1\n"
    assert then == "dvc repro"


def test_an_experiment_in_another_folder_does_not_change_this_workspace(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "bold-newt")
    monkeypatch.setattr(ending, "ROOT", tmp_path.parent)
    (workspace / "params.yaml").write_text("{a: 2}\n")
    assert ending.next_steps() == ""


def test_git_is_not_called_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert ending.next_steps() == ""
