"""DVC shows the figures, curves and pictures of an experiment beside those of main."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PROJECT, TONED, Workspace


@pytest.fixture
def workspace(toned: tuple[Workspace, str]) -> Workspace:
    """A committed finished run, and an experiment after it."""
    return toned[0]


@pytest.fixture
def printed(toned: tuple[Workspace, str]) -> str:
    """The output of the experiment."""
    return toned[1]


def psnr_of(row: dict[str, Any]) -> float:
    (metrics,) = row["data"]["metrics"].values()
    return float(metrics["data"]["all"]["restored"]["psnr_db"])


def test_the_end_of_an_experiment_prints_the_figures_and_how_to_go_back(printed: str) -> None:
    assert "Test works: " in printed
    assert "params.yaml now differs from the last commit" in printed


def test_experiments_are_shown_with_figures_beside_those_of_main(
    workspace: Workspace,
) -> None:
    listed = json.loads(workspace.run("dvc", "exp", "show", "--json"))
    (main,) = [row for row in listed if row["rev"] != "workspace"]
    (experiment,) = main["experiments"]
    assert experiment["name"] == TONED
    assert psnr_of(main) > 0
    assert psnr_of(experiment["revs"][0]) > 0


def test_plots_of_experiments_show_curves_by_kind_and_the_panels(
    workspace: Workspace,
) -> None:
    compared = json.loads(workspace.run("dvc", "plots", "diff", "HEAD", TONED, "--json"))["data"]
    (curves,) = compared["data/model/gains.csv"]
    filled = json.loads(curves["content"]) if isinstance(curves["content"], str) else curves
    text = json.dumps(filled)
    assert '"field": "kind"' in text
    assert "gain_db" in text
    panels = [name for name in compared if name.startswith("reports/panels")]
    assert panels
    for name in panels:
        assert {revision for each in compared[name] for revision in each["revisions"]} == {
            "HEAD",
            TONED,
        }


def test_every_stage_and_the_model_are_described() -> None:
    pipeline = yaml.safe_load((PROJECT / "dvc.yaml").read_text())
    assert [name for name, stage in pipeline["stages"].items() if not stage.get("desc")] == []
    assert pipeline["artifacts"]["restorer"]["path"] == "data/model"
    assert Path(pipeline["artifacts"]["restorer"]["path"]).is_relative_to("data")
