"""The exported graph gives the results of Keras, and is refused if it was changed."""

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import keras
import numpy as np
import pytest

from patina.errors import InputError
from patina.models import TONE, graphs, registry
from patina.tasks.restoration import weights
from patina.tasks.restoration.inference import (
    FLOAT32_ROLES,
    NO_GRAPH_HASH,
    DamagedGraphError,
    Networks,
    device_of,
    export,
    precision_of,
)
from patina.tasks.training.ship import write_model

ROLES = ("noise", "tone")
TILE = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)


def small_model(file: Path, *roles: str, seed: int = 0) -> dict[str, keras.Model]:
    """A saved model of small networks that change their input, with its graph."""
    registry.set_precision("float32")
    networks = {role: registry.build(role, width=0.25) for role in roles}
    rng = np.random.default_rng(seed)
    for network in networks.values():
        for weight in network.trainable_weights:
            weight.assign(weight + rng.normal(0, 0.05, weight.shape))
    write_model(networks, file)
    return networks


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, keras.Model]]:
    file = tmp_path_factory.mktemp("model") / "model.keras"
    return file, small_model(file, *ROLES)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/patina"


def test_the_networks_of_an_older_model_have_their_present_names(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, tmp_path: Path
) -> None:
    file, networks = filed
    part = keras.Model(networks["noise"].input, networks["noise"].output, name="detail")
    whole = keras.Input(part.input.shape[1:])
    keras.Model(whole, part(whole)).save(tmp_path / "older.keras")
    assert list(registry.networks_of(registry.load(tmp_path / "older.keras"))) == ["noise"]
    expected = Networks(file, "f32")["noise"](TILE)
    np.testing.assert_array_equal(
        Networks(tmp_path / "older.keras", "f32")["noise"](TILE), expected
    )

    graph = export(registry.restorer_model(networks), tmp_path / "restorer.xml")
    text = graph.read_text()
    recorded = re.search('graph_sha256 value="([0-9a-f]{64})"', text)
    assert recorded
    text = text.replace('"noise,tone"', '"detail,tone"').replace('name="noise/', 'name="detail/')
    unsigned = text.replace(recorded[1], NO_GRAPH_HASH)
    own_hash = sha256(unsigned.encode()).hexdigest()
    graph.write_text(unsigned.replace(NO_GRAPH_HASH, own_hash))
    assert set(graphs.weights_in(graph)) == {"noise", "tone"}
    np.testing.assert_array_equal(Networks(graph, "f32")["noise"](TILE), expected)


@pytest.mark.parametrize(("precision", "share"), [("f32", 0.003), ("bf16", 0.15)])
def test_the_graph_gives_the_output_of_keras(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, precision: str, share: float
) -> None:
    file, networks = filed
    found = Networks(file, precision)
    assert set(found) == set(ROLES)
    view = np.random.default_rng(1).random((1, 128, 128, 3), np.float32)
    for role, given in (("noise", TILE), ("tone", view)):
        expected = np.asarray(networks[role].predict_on_batch(given))
        assert np.abs(expected).mean() > 0.01
        assert np.abs(found[role](given) - expected).mean() < share * np.abs(expected).mean()
    with pytest.raises(KeyError):
        found["segmentation"]


def test_the_shipped_graph_gives_the_output_of_keras(cache: Path) -> None:
    found = Networks(weights.shipped(), "f32")
    networks = registry.networks_of(registry.load(weights.shipped()))
    assert set(found) == set(networks)
    for role, network in networks.items():
        sides = TONE.view_px if role in FLOAT32_ROLES else 64
        given = np.random.default_rng(0).random((1, sides, sides, network.input.shape[-1]))
        expected = np.asarray(network(given.astype(np.float32), training=False))
        scale = float(np.abs(expected).mean())
        assert np.abs(found[role](given.astype(np.float32)) - expected).mean() < 0.001 * scale


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_of_a_model_without_another_file_is_refused(
    tmp_path: Path, suffix: str, place: float
) -> None:
    file = tmp_path / "model.xml"
    for each in (".xml", ".bin"):
        shutil.copy(weights.shipped().with_suffix(each), file.with_suffix(each))
    held = bytearray(file.with_suffix(suffix).read_bytes())
    held[int(len(held) * place)] ^= 1
    file.with_suffix(suffix).write_bytes(held)
    with pytest.raises(DamagedGraphError, match=r"model\.xml: (it or )?its \.bin.*install"):
        Networks(file, "f32")


def test_a_model_without_its_weights_is_refused(tmp_path: Path) -> None:
    shutil.copy(weights.shipped(), tmp_path / "model.xml")
    with pytest.raises(DamagedGraphError, match=r"model\.xml: it or its \.bin is missing"):
        Networks(tmp_path / "model.xml", "f32")


def test_a_model_without_its_graph_has_it_exported(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, tmp_path: Path
) -> None:
    shutil.copy(filed[0], tmp_path / "alone.keras")
    found = Networks(tmp_path / "alone.keras", "f32")
    expected = Networks(filed[0], "f32")["noise"](TILE)
    np.testing.assert_allclose(found["noise"](TILE), expected, atol=1e-6)
    assert not (tmp_path / "alone.xml").exists()


@pytest.mark.parametrize("suffix", [".keras", ".xml", ".bin"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_bit_is_refused(
    filed: tuple[Path, dict[str, keras.Model]], tmp_path: Path, suffix: str, place: float
) -> None:
    shutil.copytree(filed[0].parent, tmp_path / "model")
    file = tmp_path / "model/model.keras"
    held = bytearray(file.with_suffix(suffix).read_bytes())
    held[int(len(held) * place)] ^= 1
    file.with_suffix(suffix).write_bytes(held)
    with pytest.raises(DamagedGraphError, match=r"model\.xml: it (or|and) its \.bin"):
        Networks(file, "f32")


def test_the_graph_of_another_model_is_refused(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, tmp_path: Path
) -> None:
    small_model(tmp_path / "model.keras", "noise", seed=1)
    for suffix in (".xml", ".bin"):
        shutil.copy(filed[0].with_suffix(suffix), tmp_path / f"model{suffix}")
    with pytest.raises(DamagedGraphError):
        Networks(tmp_path / "model.keras", "f32")


def test_a_graph_that_is_replaced_while_patina_runs_is_refused(cache: Path, tmp_path: Path) -> None:
    small_model(tmp_path / "model.keras", "noise")
    found = Networks(tmp_path / "model.keras", "f32")
    small_model(tmp_path / "model.keras", "noise", seed=1)
    with pytest.raises(DamagedGraphError, match="replaced while Patina ran"):
        found["noise"]


def test_a_compiled_network_is_cached_with_a_checksum_and_refused_if_changed(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Networks(filed[0], "f32")["noise"](TILE)
    kept = cache / "noise-f32"
    whole = kept.read_bytes()
    for held in (whole, whole[: len(whole) // 2], whole[:-9] + b"X" + whole[-8:], b""):
        kept.write_bytes(held)
        np.testing.assert_array_equal(Networks(filed[0], "f32")["noise"](TILE), expected)
        assert kept.read_bytes() == whole or held != whole
        with monkeypatch.context() as patch:
            patch.setattr(Networks, "_part", None)  # it is not compiled again
            again = Networks(filed[0], "f32")["noise"](TILE)
        np.testing.assert_array_equal(again, expected)


def test_the_cached_network_of_another_model_is_not_used(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path, tmp_path: Path
) -> None:
    small_model(tmp_path / "other.keras", "noise", seed=1)
    expected = Networks(filed[0], "f32")["noise"](TILE)
    kept = (cache / "noise-f32").read_bytes()
    other = Networks(tmp_path / "other.keras", "f32")["noise"](TILE)
    assert not np.allclose(other, expected, atol=1e-3)
    assert (cache / "noise-f32").read_bytes() != kept
    np.testing.assert_array_equal(Networks(filed[0], "f32")["noise"](TILE), expected)


def test_a_graph_is_compiled_each_time_if_the_cache_cannot_be_written(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path
) -> None:
    cache.parent.write_text("no folder")
    for _ in range(2):
        assert Networks(filed[0], "f32")["noise"](TILE).shape == TILE.shape


def test_an_unknown_precision_is_an_error(filed: tuple[Path, dict[str, keras.Model]]) -> None:
    with pytest.raises(ValueError, match="precision: f16: unknown; known: auto, f32, bf16"):
        Networks(filed[0], "f16")


def test_restoring_imports_no_pipeline_library_and_sends_no_usage_data(
    tmp_path: Path,
) -> None:
    program = """
import sys
from hashlib import sha256
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
assert "openvino_telemetry.main" not in sys.modules
"""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths, "HOME": str(tmp_path)},
        check=True,
    )
    assert not (tmp_path / "intel").exists()  # where OpenVINO's telemetry identifies a user


@pytest.mark.parametrize(
    ("asked", "found", "device"),
    [
        ("CPU", ["CPU", "GPU"], "CPU"),
        ("AUTO", ["CPU"], "CPU"),
        ("AUTO", ["CPU", "GPU.0", "GPU.1"], "GPU"),
        ("GPU", ["CPU", "GPU"], "GPU"),
    ],
)
def test_auto_is_the_gpu_if_there_is_one(asked: str, found: list[str], device: str) -> None:
    assert device_of(asked, found) == device


def test_the_error_for_a_missing_device_lists_those_that_exist() -> None:
    with pytest.raises(InputError, match="device: GPU: OpenVINO finds only CPU;"):
        device_of("GPU", ["CPU"])
    with pytest.raises(InputError, match="device: NPU: unknown; known: CPU, GPU, AUTO"):
        device_of("NPU", ["CPU", "NPU"])


def test_each_device_has_its_own_half_precision() -> None:
    assert precision_of("auto", "CPU", ["FP32", "BF16", "FP16"]) == "bf16"
    assert precision_of("auto", "CPU", ["FP32"]) == "f32"
    assert precision_of("auto", "GPU", ["FP32", "FP16"]) == "f16"
    assert precision_of("f32", "GPU", ["FP32", "FP16"]) == "f32"
    with pytest.raises(InputError, match="precision: bf16: a GPU does not support it"):
        precision_of("bf16", "GPU", ["FP32", "FP16"])


def test_auto_without_a_gpu_gives_the_result_of_the_cpu(
    filed: tuple[Path, dict[str, keras.Model]], cache: Path
) -> None:
    automatic = Networks(filed[0], "f32", "AUTO")
    if automatic.device == "GPU":
        pytest.skip("there is a GPU")
    expected = Networks(filed[0], "f32")["noise"](TILE)
    np.testing.assert_array_equal(automatic["noise"](TILE), expected)
