"""The exported graph gives what Keras gives."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from patina.crawler.sample.strokes import paint
from patina.models import DAMAGE, DETAIL, FILL, registry
from patina.tasks.imaging.images import to_float, view_of
from patina.tasks.restoration import inference, weights
from patina.tasks.restoration.inpainting import likelihood

NAME = weights.DEFAULT


@pytest.mark.parametrize(("precision", "mean_255", "max_255"), [("f32", 0.1, 1), ("bf16", 0.3, 3)])
def test_the_graph_of_the_shipped_weights_gives_what_keras_gives(
    precision: str, mean_255: float, max_255: float
) -> None:
    sound = to_float(paint(0)[0][:256, :320])
    noisy = np.clip(sound + np.random.default_rng(0).normal(0, 0.1, sound.shape), 0, 1)
    batch = noisy.astype(np.float32)[None]
    look, treat, estimate, _ = inference.load(weights.shipped(), precision)
    keras = registry.load(weights.shipped())
    expected = np.asarray(keras.get_layer("interventions").predict_on_batch(batch))
    assert np.abs(expected[..., DETAIL]).mean() > 0.03
    logit = look(batch)
    likely, expected_likely = likelihood(logit), likelihood(expected)
    assert np.abs(likely - expected_likely).mean() * 255 < mean_255
    given = treat(np.concatenate([batch, logit], axis=3))
    np.testing.assert_array_equal(given[..., DAMAGE], logit)
    for part in (DETAIL, FILL):
        error = np.abs(given[..., part] - expected[..., part]) * 255
        assert error.mean() < mean_255
        # The fill is used where there is damage, and this has none
        assert part == FILL or error.max() < max_255
    view = view_of(batch[0], 128)[None]
    numbers = np.asarray(keras.get_layer("estimate").predict_on_batch(view))
    np.testing.assert_allclose(estimate(view), numbers, atol=1e-4)


def test_a_model_without_its_own_graph_has_it_exported(cache: Path, tmp_path: Path) -> None:
    shutil.copy(weights.shipped(), tmp_path / "model.keras")
    batch = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    expected = inference.load(weights.shipped(), "f32")[0](batch)
    (cache / "looking-f32").unlink()
    np.testing.assert_array_equal(
        inference.load(tmp_path / "model.keras", "f32")[0](batch), expected
    )
    # A graph that belongs to another model is none of this one's
    for suffix in (".xml", ".bin"):
        (tmp_path / f"model{suffix}").write_bytes(
            weights.shipped().with_suffix(suffix).read_bytes()
        )
    registry.set_precision("float32")
    other = registry.whole(registry.build("unet", width=0.25), registry.estimate())
    other.save(tmp_path / "model.keras")
    again = inference.load(tmp_path / "model.keras", "f32")[0](batch)
    assert not np.array_equal(again, expected)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/patina"


def test_what_was_compiled_is_kept_and_used_only_as_it_was(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    kept = cache / "looking-f32"
    expected = inference.load(weights.shipped(), "f32")[0](batch)
    whole = kept.read_bytes()
    for held in (whole, whole[: len(whole) // 2], whole[:-9] + b"X" + whole[-8:], b""):
        kept.write_bytes(held)
        np.testing.assert_array_equal(inference.load(weights.shipped(), "f32")[0](batch), expected)
        assert (kept.read_bytes() == held) == (held == whole)
        with monkeypatch.context() as patch:
            patch.setattr(inference, "_graph_of", None)  # it is not read again
            again = inference.load(weights.shipped(), "f32")[0](batch)
        np.testing.assert_array_equal(again, expected)


def test_what_was_compiled_of_another_model_is_not_used(cache: Path, tmp_path: Path) -> None:
    registry.set_precision("float32")
    other = registry.whole(registry.build("unet", width=0.25), registry.estimate())
    other.save(tmp_path / "other.keras")
    batch = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    expected = inference.load(weights.shipped(), "f32")[0](batch)
    kept = (cache / "looking-f32").read_bytes()
    assert not np.array_equal(inference.load(tmp_path / "other.keras", "f32")[0](batch), expected)
    assert (cache / "looking-f32").read_bytes() != kept
    np.testing.assert_array_equal(inference.load(weights.shipped(), "f32")[0](batch), expected)


def test_without_a_place_to_keep_it_a_graph_is_compiled_each_time(
    cache: Path, tmp_path: Path
) -> None:
    cache.parent.write_text("no folder")
    batch = np.zeros((1, 64, 96, 3), np.float32)
    for _ in range(2):
        assert inference.load(weights.shipped(), "f32")[0](batch).shape == (1, 64, 96, 1)


def test_restoring_imports_neither_tensorflow_nor_prefect_nor_mlflow(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
import cv2
from patina import cli
from patina.crawler.sample.strokes import paint
cv2.imwrite("scan.png", paint(0)[0][:200, :200])
sys.argv = ["patina", "restore", "scan.png", "-o", "out"]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
assert Path("out/scan.png").exists()
heavy = {"tensorflow", "keras", "prefect", "mlflow", "dvc", "torch"} & set(sys.modules)
assert not heavy, heavy
"""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        check=True,
    )
