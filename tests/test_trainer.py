"""The training as a program: on another backend, with nothing of the pipeline."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import yaml
from conftest import PROJECT, SMALL

from patina.crawler.sample.strokes import paint
from patina.models import colour, registry
from patina.models.heads import for_training
from patina.params import load
from patina.tasks.imaging.images import png_bytes
from patina.tasks.training.trainer import begun, main

ABSENT = ("tensorflow", "prefect", "mlflow", "dvc", "pyvips", "openvino")
# As on a machine that has none of them
GUARD = f"""
import sys
class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent)
"""


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("works")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png_bytes(paint(number)[0][:96, :128]))
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["train"] |= SMALL["train"] | {"patch_px": [32], "colour_epochs": 0}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    return folder


def fit(works: Path, out: Path, *options: str) -> str:
    """What the program says on JAX, where ABSENT cannot be imported."""
    (out / "guard").mkdir(parents=True, exist_ok=True)
    (out / "guard/sitecustomize.py").write_text(GUARD)
    environment = {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": f"{out / 'guard'}{os.pathsep}{PROJECT}",
        "CUDA_VISIBLE_DEVICES": "",
        # Six steps are not worth a minute of the compiler's
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    places = [works, "-o", out, "--held-out", works, "--params", works / "params.yaml"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "patina.tasks.training.trainer",
            *places,
            "--processes",
            "1",
            *options,
        ],
        cwd=out,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_network_learns_on_jax_with_nothing_of_the_pipeline_installed(
    works: Path, tmp_path: Path
) -> None:
    told = fit(works, tmp_path)
    assert "epoch 2  loss" in told
    assert "val_psnr_db" in told
    network = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    learnt = network.predict_on_batch(
        {"image": np.full((1, 32, 32, 3), 0.5), "view": np.full((1, 128, 128, 3), 0.5)}
    )
    assert all(np.isfinite(part).all() for part in learnt)
    assert np.abs(learnt[0]).max() > 0
    assert len((tmp_path / "history.csv").read_text().splitlines()) == SMALL["train"]["epochs"]


def test_another_training_does_not_go_on_where_one_was_begun(works: Path, tmp_path: Path) -> None:
    params = yaml.safe_load((works / "params.yaml").read_text())
    given, out = tmp_path / "params.yaml", tmp_path / "out"
    words = [str(works), "-o", str(out), "--params", str(given), "--processes", "1"]
    for minutes in ("0.0001", "0.0002"):  # no time for an epoch
        given.write_text(yaml.safe_dump(params))
        main([*words, "--minutes", minutes])
    whole = (out / "model.keras").stat().st_mtime_ns
    params["train"] |= {"loss": "l1"}
    given.write_text(yaml.safe_dump(params))
    with pytest.raises(SystemExit, match=r"out: holds .* another train\.loss; give"):
        main([*words, "--minutes", "0.0001"])
    assert (out / "model.keras").stat().st_mtime_ns == whole


def test_what_looks_for_damage_stays_as_it_was_unless_it_is_to_be_learnt(
    works: Path, tmp_path: Path
) -> None:
    small = {"network": "conservator", "width": 0.125, "precision": "float32"}
    start = registry.whole(registry.build("conservator", width=0.125), colour.estimate())
    start.save(tmp_path / "start.keras")
    looking = len(start.get_layer("interventions").get_layer("looking").weights)
    for begins, looks, kept in (
        (tmp_path / "start.keras", "kept", looking),
        (tmp_path / "start.keras", "learnt", 0),
        ("scratch", "kept", 0),
    ):
        given = {"train": small | {"start": str(begins), "looking": looks}}
        network = begun(load(works / "params.yaml", **given).train)
        training = for_training(network.get_layer("interventions"))
        assert len(training.weights) - len(training.trainable_weights) == kept


def test_a_folder_without_works_is_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "patina.tasks.training", tmp_path, "-o", tmp_path / "out"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{tmp_path}: no PNG files" in done.stderr
