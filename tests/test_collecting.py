"""Collecting as users do it: the command, DVC, the stage, which asks no museum, and the
deployment.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import Workspace, serving
from replay.museums import Artic, Cleveland
from replay.works import exhibition

from patina.tasks.io.atomic import read_jsonl

FREE = {f"artic-{number}" for number in range(101, 108)}


@pytest.fixture
def workspace(bare: Workspace, server: str, tmp_path: Path) -> Workspace:
    """A fresh checkout, which tests may change."""
    return bare.copy(tmp_path / "workspace")


def collect(workspace: Workspace, museum: Artic | Cleveland, *more: str) -> str:
    origin = f"--replay-origin={museum.origin}"
    return workspace.run("patina.cli", "crawl", museum.source, *more, origin)


def ids(place: Path) -> set[str]:
    return {work["id"] for work in read_jsonl(place / "manifest.jsonl")}


def test_a_crawl_is_tracked_by_dvc_and_can_be_pushed(workspace: Workspace) -> None:
    with Artic(exhibition()) as museum:
        printed = collect(workspace, museum, "--push", "--max-pixels", "0")
    assert "7 found, 7 filed" in printed
    assert "dvc exp run -S crawl.source=artic" in printed
    harvest = workspace.folder / "data/harvest/artic"
    assert ids(harvest) == FREE
    before = {path.name: path.read_bytes() for path in (harvest / "artworks").iterdir()}
    assert len(before) == 7
    shutil.rmtree(harvest)
    shutil.rmtree(workspace.folder / ".dvc/cache")
    workspace.run("dvc", "pull", "data/harvest/artic.dvc")
    assert {path.name: path.read_bytes() for path in (harvest / "artworks").iterdir()} == before
    untracked = subprocess.run(
        ["git", "-C", workspace.folder, "status", "--porcelain", "-uall"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "data/harvest/artic.dvc" in untracked
    assert "artworks" not in untracked


def test_the_stage_uses_the_fetched_works_and_sends_no_request(workspace: Workspace) -> None:
    workspace.set(crawl={"source": "artic"})
    printed = workspace.run("patina.flows", "crawl", code=1)
    assert "no works for 'artic' yet; run `patina crawl` first" in printed
    with Artic(exhibition()) as chicago, Cleveland(exhibition()) as cleveland:
        collect(workspace, chicago, "--limit", "2")
        collect(workspace, cleveland, "night", "--limit", "1")
        asked = len(chicago.requests), len(cleveland.requests)
        workspace.run("patina.flows", "crawl")
        assert ids(workspace.folder / "data/artworks") == {"artic-101", "artic-102"}
        workspace.set(crawl={"source": "harvest"})
        workspace.run("dvc", "repro", "crawl")
        assert (len(chicago.requests), len(cleveland.requests)) == asked
    assert ids(workspace.folder / "data/artworks") == {"artic-101", "artic-102", "cleveland-101"}
    for work in read_jsonl(workspace.folder / "data/artworks/manifest.jsonl"):
        assert (workspace.folder / "data/artworks" / work["file"]).exists()
        assert work["licence"] == "CC0"
    assert "are up to date" in workspace.run("dvc", "status", "crawl")


def test_a_dry_run_changes_nothing_and_an_error_is_one_line(workspace: Workspace) -> None:
    with Artic(exhibition()) as museum:
        printed = collect(workspace, museum, "--dry-run")
        assert "7 found, 0 up to date, 7 to fetch" in printed
        assert not museum.asked("image")
    assert not (workspace.folder / "data/harvest/artic.dvc").exists()
    printed = workspace.run("patina.cli", "crawl", "artic", code=1)
    assert printed.splitlines()[0].startswith("crawl artic: artic wants to know who sends requests")
    printed = workspace.run("patina.cli", "crawl", "artic", "--period", "baroque", code=1)
    assert printed.startswith("patina: params.yaml: crawl.period: ")
    printed = workspace.run("patina.cli", "crawl", "folder", code=1)
    assert (
        printed == "patina: crawl: 'folder' is not a museum; give artic, cleveland, met or iiif\n"
    )


def test_the_nightly_deployment_fetches_works_and_reports_their_number(
    workspace: Workspace,
) -> None:
    with serving(workspace, "crawl/nightly"), Artic(exhibition()) as museum:
        section = yaml.safe_load((workspace.folder / "params.yaml").read_text())["crawl"]
        params = section | {"source": "artic", "max_pixels": 0}
        given = json.dumps({"params": params, "replay_origin": museum.origin})
        run = ("prefect", "deployment", "run", "crawl/nightly", "--params", given, "--watch")
        workspace.run(*run)
    assert ids(workspace.folder / "data/harvest/artic") == FREE
    assert "filed" in workspace.run("prefect", "artifact", "inspect", "crawl")
