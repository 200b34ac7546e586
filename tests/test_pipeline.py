"""The whole pipeline: real crawls, a real Prefect server, and DVC repositories in temporary
folders.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from conftest import SMALL, Workspace, serving

from patina.models import NETWORKS
from patina.tasks.dataset.recipes import Recipe, render
from patina.tasks.imaging.images import read_png, to_float, to_uint8
from patina.tasks.io.atomic import read_jsonl, sha256_of
from patina.tasks.restoration.batch import load_restorer

STAGES = ("crawl", "preprocess", "split", "degrade", "train", "restore", "evaluate")
WORKS = SMALL["crawl"]["works"]
PREPARED = ("data/artworks", "data/clean", "data/split", "data/degraded")


def contents(workspace: Workspace, *folders: str) -> dict[str, str]:
    """The path and hash of every file."""
    return {
        str(path.relative_to(workspace.folder)): sha256_of(path)
        for folder in folders
        for path in sorted((workspace.folder / folder).rglob("*"))
        if path.is_file()
    }


def manifest(workspace: Workspace, place: str) -> list[dict]:
    return read_jsonl(workspace.folder / place / "manifest.jsonl")


def test_collected_works_have_a_title_a_licence_and_a_source(prepared: Workspace) -> None:
    works = manifest(prepared, "data/artworks")
    assert len(works) == WORKS
    for work in works:
        assert all(work[field] for field in ("title", "artist", "licence", "source", "institution"))
        assert sha256_of(prepared.folder / "data/artworks" / work["file"]) == work["sha256"]


def test_clean_works_have_the_working_size(prepared: Workspace) -> None:
    for work in manifest(prepared, "data/clean"):
        image = read_png(prepared.folder / "data/clean" / work["file"])
        assert image.shape == (work["height"], work["width"], 3)
        assert max(image.shape) == 160


def test_every_work_is_in_one_set_and_there_are_enough_test_works(prepared: Workspace) -> None:
    sides = {
        side: {work["id"] for work in read_jsonl(prepared.folder / f"data/split/{side}.jsonl")}
        for side in ("train", "validation", "test")
    }
    assert sum(map(len, sides.values())) == len(set.union(*sides.values())) == WORKS
    assert len(sides["test"]) >= SMALL["split"]["least_test_works"]


def test_a_recipe_reproduces_its_degraded_copy_and_mask(prepared: Workspace) -> None:
    degraded = prepared.folder / "data/degraded"
    twins = manifest(prepared, "data/degraded")
    masked = [twin for twin in twins if twin["mask"]]
    assert 0 < len(masked) < len(twins)
    for twin in masked[:5]:
        recipe = Recipe.model_validate_json((degraded / twin["recipe"]).read_text())
        clean = read_png(prepared.folder / "data/clean" / twin["clean"])
        image, mask = render(to_float(clean), recipe)
        np.testing.assert_array_equal(read_png(degraded / twin["image"]), to_uint8(image))
        np.testing.assert_array_equal(read_png(degraded / twin["mask"])[..., 0], to_uint8(mask))


def test_only_test_works_have_a_copy_of_each_single_degradation(prepared: Workspace) -> None:
    twins = manifest(prepared, "data/degraded")
    singles = [twin for twin in twins if twin["twin"].startswith("only-")]
    assert {twin["side"] for twin in singles} == {"test"}
    works = {twin["work"] for twin in singles}
    assert len(singles) == len(works) * 7
    assert all(len(twin["degradations"]) == 1 for twin in singles)
    mixed = [len(twin["degradations"]) for twin in twins if twin not in singles]
    assert set(mixed) <= {1, 2, 3, 4}
    assert len(set(mixed)) > 1


def test_two_runs_give_the_same_bytes_whatever_the_number_of_workers(
    prepared: Workspace, bare: Workspace, tmp_path: Path
) -> None:
    other = bare.copy(tmp_path / "other")
    for stage in ("crawl", "preprocess", "split", "degrade"):
        other.run("patina.flows", stage, PATINA_WORKERS="1")
    assert contents(other, *PREPARED) == contents(prepared, *PREPARED)


def test_adding_five_works_to_twenty_computes_five(prepared: Workspace, tmp_path: Path) -> None:
    workspace = prepared.copy(tmp_path / "grown")
    workspace.set(crawl={"works": WORKS + 5})
    printed = workspace.run("dvc", "repro", "degrade")
    assert f"preprocess: {WORKS + 5} works, 5 computed, 0 set aside" in printed
    assert f"degrade: {WORKS + 5} works, 5 computed, 0 set aside" in printed
    assert len(manifest(workspace, "data/clean")) == WORKS + 5
    workspace.set(crawl={"works": WORKS})
    printed = workspace.run("dvc", "repro", "degrade")
    assert contents(workspace, *PREPARED) == contents(prepared, *PREPARED)


def test_a_killed_degrade_stage_is_resumed_and_leaves_no_incomplete_file(
    prepared: Workspace, tmp_path: Path
) -> None:
    workspace = prepared.copy(tmp_path / "killed")
    workspace.set(degrade={"seed": 5, "twins": 5})
    items = workspace.folder / ".cache/items"
    before = len(list(items.glob("??/*")))
    running = subprocess.Popen(
        [sys.executable, "-m", "patina.flows", "degrade"],
        cwd=workspace.folder,
        env=workspace.environment(PATINA_WORKERS="2"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while len(list(items.glob("??/*"))) < before + 20:
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)  # between two checks
    running.send_signal(signal.SIGKILL)
    running.wait()
    for item in items.glob("??/*"):
        assert {file.name for file in item.iterdir()} & {"recipe.json", "facts.json"}
    printed = workspace.run("patina.flows", "degrade")
    computed = re.search(rf"degrade: {WORKS} works, (\d+) computed", printed)
    assert computed
    assert 0 < int(computed[1]) < WORKS

    whole = prepared.copy(tmp_path / "whole")
    whole.set(degrade={"seed": 5, "twins": 5})
    whole.run("patina.flows", "degrade")
    assert contents(workspace, "data/degraded") == contents(whole, "data/degraded")


def test_a_missing_clean_work_is_set_aside_and_the_others_are_degraded(
    prepared: Workspace, tmp_path: Path
) -> None:
    workspace = prepared.copy(tmp_path / "lost")
    work = manifest(workspace, "data/clean")[3]
    (workspace.folder / "data/clean" / work["file"]).write_bytes(b"")
    workspace.set(degrade={"seed": 6})
    assert f"{WORKS} works, {WORKS - 1} computed, 1 set aside" in workspace.run(
        "patina.flows", "degrade"
    )
    rejected = read_jsonl(workspace.folder / "data/degraded/rejected.jsonl")
    assert [fault["id"] for fault in rejected] == [work["id"]]
    assert work["file"] in rejected[0]["reason"]


def test_an_invalid_value_in_params_is_an_error_of_one_line(
    bare: Workspace, tmp_path: Path
) -> None:
    workspace = bare.copy(tmp_path / "mistaken")
    workspace.set(train={"network": "vnet"})
    printed = workspace.run("patina.flows", "train", code=1)
    known = ", ".join(sorted(NETWORKS))
    assert printed == f"patina: params.yaml: train: unknown network 'vnet'; known: {known}\n"


def test_the_pipeline_ends_in_restored_works_and_metrics(finished: Workspace) -> None:
    metrics = json.loads((finished.folder / "reports/metrics.json").read_text())
    degradations = {"fading", "yellow_varnish", "scratches", "water_spill", "blur", "jpeg"}
    assert set(metrics) == degradations | {"gaussian_noise", "mixed", "all"}
    for summary in metrics.values():
        for when in ("degraded", "restored"):
            assert set(summary[when]) == {
                "psnr_db",
                "ssim",
                "delta_e2000",
                "dominant_channel_accuracy",
            }
    assert 0 < metrics["scratches"]["damage_map_ap"] <= 1
    assert "damage_map_ap" not in metrics["blur"]
    twins = [t for t in manifest(finished, "data/degraded") if t["side"] == "test"]
    assert metrics["all"]["twins"] == len(twins)
    model = load_restorer(
        finished.folder / "data/model/model.keras", tile_px=96, overlap_px=0
    ).model
    assert list(model["networks"]) == ["noise"]
    for twin in twins:
        image = Path(twin["image"])
        restored = finished.folder / "data/restored" / image.relative_to("images/test")
        degraded = finished.folder / "data/degraded" / image
        assert read_png(restored).shape == read_png(degraded).shape
        sidecar = json.loads(restored.with_name(f"{restored.name}.json").read_text())
        assert sidecar["source"]["sha256"] == sha256_of(degraded)
        assert sidecar["model"]["sha256"] == model["sha256"]
        assert sidecar["model"]["networks"] == model["networks"]
        assert sidecar["model"]["network"] == SMALL["train"]["network"]
        facts = json.loads((finished.folder / "data/model/model.json").read_text())
        assert sidecar["model"]["version"] == facts["mlflow_run"]
    assert len(list((finished.folder / "reports/panels").glob("*.png"))) == 1


def test_a_second_run_prints_that_everything_is_up_to_date(finished: Workspace) -> None:
    before = contents(finished, "data", "reports")
    printed = finished.run("patina.cli", "run", PREFECT_API_URL="")
    assert "Everything is up to date" in printed
    assert "data/restored/" in printed
    assert "make ui" in printed
    assert contents(finished, "data", "reports") == before


def test_pushed_results_can_be_pulled(finished: Workspace, tmp_path: Path) -> None:
    workspace = finished.copy(tmp_path / "pushed")
    before = contents(workspace, "data", "reports")
    workspace.run("dvc", "push")
    shutil.rmtree(workspace.folder / ".dvc/cache")
    for place in (workspace.folder / "data").iterdir():
        if place.name != "harvest":  # its files are in git
            shutil.rmtree(place)
    workspace.run("dvc", "pull")
    assert contents(workspace, "data", "reports") == before


def test_the_deployment_restores_a_folder(finished: Workspace, tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    twins = [t for t in manifest(finished, "data/degraded") if t["side"] == "test"]
    for number, twin in enumerate(twins[:3]):
        shutil.copy(finished.folder / "data/degraded" / twin["image"], inbox / f"{number}.png")
    with serving(finished, "restore/batch"):
        given = (f"inbox={inbox}", f"outbox={outbox}", "model=data/model/model.keras")
        given = (*given, "treat=damage,detail,colour")
        options = [word for value in given for word in ("-p", value)]
        finished.run("prefect", "deployment", "run", "restore/batch", *options, "--watch")
        artifact = finished.run("prefect", "artifact", "inspect", "restore")
    said = re.sub(r"['\"\s]+", " ", artifact)  # it is shown wrapped
    assert re.search(r"restore: 3 scans, \d untouched, 0 set aside", said)
    assert len(list(outbox.glob("*.png.json"))) == 3
    restored = (
        finished.folder / "data/restored" / Path(twins[0]["image"]).relative_to("images/test")
    )
    np.testing.assert_array_equal(read_png(outbox / "0.png"), read_png(restored))


def test_the_command_restores_a_file_and_a_dry_run_lists_it(
    finished: Workspace, tmp_path: Path
) -> None:
    twin = next(t for t in manifest(finished, "data/degraded") if t["side"] == "test")
    source = finished.folder / "data/degraded" / twin["image"]
    command = ("patina.cli", "restore", str(source), "-o", str(tmp_path / "out"))
    assert f"{source} -> {tmp_path}/out/" in finished.run(*command, "--dry-run")
    assert not (tmp_path / "out").exists()
    assert re.search(r"1 scan, \d untouched, 0 set aside", finished.run(*command))
    assert (tmp_path / "out" / f"{source.name}.json").exists()
    printed = finished.run("patina.cli", "restore", "nowhere.tif", code=1)
    assert printed == "patina: restore: nowhere.tif: no such file or folder\n"
