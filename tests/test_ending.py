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


def test_the_figures_are_told(workspace: Path) -> None:
    assert ending.results().startswith("Test works: 20.13 dB degraded, 23.40 dB restored.\n")


def test_nothing_is_left_to_do_where_git_knows_all(workspace: Path) -> None:
    assert ending.next_steps() == ""


def test_new_results_are_kept_by_committing_the_lock_file(workspace: Path) -> None:
    (workspace / "dvc.lock").write_text("a: 2\n")
    assert "git add dvc.lock && git commit" in ending.next_steps()


def test_an_experiment_that_changed_params_says_how_to_go_back(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "bold-newt")
    assert ending.next_steps() == ""
    (workspace / "params.yaml").write_text("{a: 2}\n")
    told = ending.next_steps()
    assert told.startswith("params.yaml now differs from the last commit")
    (back,) = [line.strip() for line in told.splitlines() if "git checkout" in line]
    subprocess.run(back.partition(" && ")[0].split(), check=True)
    assert (workspace / "params.yaml").read_text() == "a: 1\n"


def test_the_way_back_works_where_no_lock_file_was_committed(
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


def test_an_experiment_elsewhere_leaves_this_workspace_alone(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "bold-newt")
    monkeypatch.setattr(ending, "ROOT", tmp_path.parent)
    (workspace / "params.yaml").write_text("{a: 2}\n")
    assert ending.next_steps() == ""


def test_where_there_is_no_git_nothing_is_asked_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert ending.next_steps() == ""
