"""What real runs log to MLflow, and its use for comparing and promoting."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from browser import CHROMIUM, chromium
from conftest import TONED, Workspace
from mlflow.entities import Run

from patina.flows.comparing import address, mlflow_ui
from patina.flows.lineage import CHOSEN
from patina.params import Restore
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.io.atomic import read_jsonl, sha256_of
from patina.tasks.restoration.batch import load_restorer

# A panel that is large enough: MLflow's own pictures have at most 256 pixels
WIDE = "Math.max(i.naturalWidth, i.naturalHeight) >= 300 && i.clientWidth >= 200"


@pytest.fixture(scope="module")
def compared(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with an experiment after the first run."""
    workspace = finished.copy(tmp_path_factory.mktemp("compared") / "workspace")
    workspace.run("dvc", "exp", "run", "-n", "wider", "-S", "train.width=0.375")
    return workspace


def test_an_experiment_is_a_second_run_named_after_its_changed_params(
    compared: Workspace,
) -> None:
    runs = runs_of(compared)
    assert [run.info.run_name for run in runs] == ["unet width=0.375 (wider)", "unet"]
    assert [run.data.params["train.width"] for run in runs] == ["0.375", "0.25"]
    assert set(runs[0].data.params) == {f"train.{name}" for name in CHOSEN}
    assert runs[0].data.tags["dvc.experiment"] == "wider"
    # The experiment changes params.yaml; that dvc.lock is written does not count
    assert [run.data.tags["git.dirty"] for run in runs] == ["true", "false"]
    for run in runs:
        assert run.data.tags["git.revision"]
        assert len(run.data.tags["dvc.lock.sha256"]) == 64
        assert int(run.data.tags["hardware.cores"]) > 0
        datasets = {item.dataset.name: item.dataset for item in run.inputs.dataset_inputs}
        assert set(datasets) == {"clean", "degraded", "restored"}
        assert len(json.loads(datasets["clean"].source)["tags"]["dvc.md5"]) > 32


def test_a_run_has_curves_figures_by_degradation_and_pictures(compared: Workspace) -> None:
    runs = runs_of(compared)  # this sets the address of the client, too
    client = mlflow.MlflowClient()
    for run in runs:
        curves = (("loss", 1), ("gain.mean", 0), ("gain.scratches", 0))
        for metric, first in curves:
            logged = client.get_metric_history(run.info.run_id, f"training/{metric}")
            assert [each.step for each in logged] == list(range(first, 5))
        assert run.data.metrics["training/seconds"] > 0
        assert run.data.metrics["training/steps"] == 4
        assert {"gain_db/all", "gain_db/scratches", "delta_e2000/mixed"} <= set(run.data.metrics)
        assert "| scratches |" in run.data.tags["mlflow.note.content"]
        files = client.list_artifacts(run.info.run_id, "images")
        # At the step at which MLflow's grid opens, however many steps a run has
        keys = [file.path.split("+step+0+")[0] for file in files if "+step+0+" in file.path]
        assert sum(key.startswith("images/samples~") for key in set(keys)) == 8
        assert sum(key.startswith("images/panels~") for key in set(keys)) == 1


def test_an_experiment_is_compared_with_the_run_before_it(compared: Workspace) -> None:
    experiment, first = (run.info.run_id for run in runs_of(compared))
    for names, shown in (((), {experiment, first}), (("wider",), {experiment})):
        printed = compared.run("patina.cli", "compare", "--dry-run", *names)
        assert "viewStateShareKey=patina-compared" in printed
        view = view_of("patina-compared")
        assert set(re.findall(r"'(\w{32})'", view["searchFilter"])) == shown
    assert "params.`train.width`" not in view["selectedColumns"]  # of one run nothing differs
    assert "metrics.`gain_db/scratches`" in view["selectedColumns"]


def address_in(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, *names: str, port: int = 5000
) -> str:
    """The address at which the UI compares experiments of a workspace, as `patina compare` asks
    for it.
    """
    monkeypatch.chdir(workspace.folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workspace.folder}/mlruns/mlflow.db")
    return address(names, port)


def view_of(name: str) -> dict[str, Any]:
    """The arrangement of the page of runs with that name."""
    tags = mlflow.get_experiment_by_name("patina").tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    view: dict[str, Any] = json.loads(tags[f"mlflow.sharedViewState.{name}"])
    return view


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_browser_sees_the_runs_side_by_side_with_panels(
    compared: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = address_in(compared, monkeypatch, port=5023)
    with mlflow_ui(5023), chromium() as page:
        page.size(1600, 3000, scale=0.5)  # the page draws only the visible part
        page.visit(url)
        for seen in ("unet width=0.375 (wider)", "gain_db/scratches"):
            page.until(f"document.body.innerText.includes('{seen}')")
        page.until(f"[...document.images].filter(i => {WIDE}).length == 2")
        page.photograph(Path(os.environ.get("PATINA_SCREENS", tmp_path)) / "compare.png")
        (_, first) = runs_of(compared)
        page.visit("about:blank")
        page.visit(f"{url.split('#')[0]}#/experiments/1/runs/{first.info.run_id}")
        page.until("document.body.innerText.includes('dB restored')")
        page.until(f"[...document.images].some(i => {WIDE})")


def test_a_cached_experiment_is_compared_with_the_run_that_trained_its_model(
    finished: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = finished.copy(tmp_path / "cached")
    workspace.run("dvc", "exp", "run", "-n", "same")
    (trained,) = runs_of(workspace)
    address_in(workspace, monkeypatch, "same")
    assert trained.info.run_id in view_of("patina-compared")["searchFilter"]


def test_an_experiment_without_training_has_its_own_run(
    finished: Workspace, toned: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained,) = runs_of(finished)
    workspace, _ = toned
    evaluated, again = runs_of(workspace)
    assert again.data.metrics == trained.data.metrics  # those of another experiment stay
    assert evaluated.data.params["restore.treat"] == "['tone']"
    assert evaluated.info.run_name == f"unet restore.treat=tone ({TONED})"
    address_in(workspace, monkeypatch)
    for run in (evaluated, trained):
        assert run.info.run_id in view_of("patina-compared")["searchFilter"]


def test_a_second_evaluation_replaces_the_table(finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copy(tmp_path / "again")
    (run,) = runs_of(workspace)
    once = table_of(run)
    workspace.run("dvc", "repro", "--force", "--single-item", "evaluate")
    assert table_of(run) == once


def table_of(run: Run) -> dict:
    return mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/degradations.json")


def runs_of(workspace: Workspace) -> list[Run]:
    """The MLflow runs of a workspace, the newest first."""
    mlflow.set_tracking_uri(f"sqlite:///{workspace.folder}/mlruns/mlflow.db")
    return mlflow.search_runs(experiment_names=["patina"], output_format="list")


SERVED = """
import sys, mlflow, numpy as np
logged = mlflow.pyfunc.load_model(sys.argv[1])
assert [tensor.shape for tensor in logged.metadata.signature.inputs] == [(-1, -1, 3)]
assert logged.input_example.shape == (64, 64, 3)
np.save(sys.argv[3], logged.predict(np.load(sys.argv[2])))
from patina import params, tasks
print(tasks.__file__, params.__file__)
"""


def test_the_logged_model_equals_the_one_on_disk_and_contains_its_code(
    finished: Workspace, tmp_path: Path
) -> None:
    run_id = runs_of(finished)[0].info.run_id
    place = Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/restorer"))
    needed = (place / "requirements.txt").read_text()
    assert "openvino" in needed
    assert "patina" not in needed
    for name in ("model.keras", "model.xml", "model.bin"):
        mine = finished.folder / "data/model" / name
        assert [sha256_of(file) for file in place.rglob(name)] == [sha256_of(mine)]
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    view = to_float(picture)
    model = finished.folder / "data/model/model.keras"
    change, _ = load_restorer(model, **Restore().loading).change(view)
    np.save(tmp_path / "picture.npy", picture)
    files = [str(tmp_path / name) for name in ("picture.npy", "restored.npy")]
    served = subprocess.run(
        [sys.executable, "-c", SERVED, str(place), *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert served.stdout.count(str(place / "code")) == 2
    np.testing.assert_array_equal(np.load(files[1]), to_uint8(view + change))


def test_the_last_model_is_the_challenger_and_becomes_champion_if_it_passes_the_gate(
    finished: Workspace, tmp_path: Path
) -> None:
    workspace = finished.copy(tmp_path / "promoted")
    workspace.set(restore={"treat": ["detail"]})  # the only treatment of the tiny network
    model = workspace.folder / "data/model/model.keras"
    client = mlflow.MlflowClient(f"sqlite:///{workspace.folder}/mlruns/mlflow.db")
    run_id = runs_of(workspace)[0].info.run_id
    version = client.get_model_version_by_alias("restorer", "challenger")
    assert version.run_id == run_id
    known = json.loads(model.with_suffix(".json").read_text())["networks"]
    assert {name: version.tags[f"network.{name}"] for name in known} == known
    assert version.tags["sha256"] == sha256_of(model)
    assert "| unet |" in version.description
    # A tiny network against the shipped weights
    printed = workspace.run("patina.cli", "promote", code=1)
    assert "FAILS  beats the champion on the mean" in printed
    champion = roughening(model, workspace.folder / "data/champion/model.keras")
    assert "It would be promoted" in workspace.run("patina.cli", "promote", "--dry-run")
    assert sha256_of(champion) != sha256_of(model)
    assert "FAILS" not in workspace.run("patina.cli", "promote")
    assert champion.parent.is_symlink()  # so that one rename promotes all of its files
    for suffix in (".keras", ".xml", ".bin"):
        assert sha256_of(champion.with_suffix(suffix)) == sha256_of(model.with_suffix(suffix))
    assert client.get_model_version_by_alias("restorer", "champion").run_id == run_id
    assert "already the champion" in workspace.run("patina.cli", "promote", code=1)
    roughening(model, champion)
    assert "version 1" in workspace.run("patina.cli", "promote", "--from-mlflow")
    for suffix in (".keras", ".xml", ".bin"):
        assert sha256_of(champion.with_suffix(suffix)) == sha256_of(model.with_suffix(suffix))
    assert "already" in workspace.run("patina.cli", "promote", "--from-mlflow", code=1)
    twins = read_jsonl(workspace.folder / "data/degraded/manifest.jsonl")
    twin = next(twin for twin in twins if twin["side"] == "test")
    workspace.run("patina.cli", "restore", str(workspace.folder / "data/degraded" / twin["image"]))
    sidecar = json.loads(next((workspace.folder / "restored").glob("*.json")).read_text())
    facts = load_restorer(model, tile_px=96, overlap_px=0).model
    for printed in ("network", "version", "networks", "sha256"):
        assert sidecar["model"][printed] == facts[printed]


def roughening(model: Path, path: Path) -> Path:
    """Save the network at `model` to `path`, changed so that it adds errors."""
    from patina.models import registry
    from patina.tasks.training.ship import write_model

    networks = registry.networks_of(registry.load(model))
    kernel, _ = networks["noise"].get_layer("residual").weights
    noise = np.random.default_rng(0).normal(size=kernel.shape)
    kernel.assign(kernel + 0.2 * noise.astype(np.float32))
    write_model(networks, path)
    return path
