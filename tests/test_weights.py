"""The shipped weights: complete, usable, the start of trainings; and how they are shipped."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from patina.models import NETWORKS, ROLES, registry
from patina.tasks.io.atomic import sha256_of, write_json
from patina.tasks.restoration import weights
from patina.tasks.restoration.batch import CHAMPION, chosen_model, load_restorer
from patina.tasks.training.__main__ import RECIPE, read_recipe, scheduled
from patina.tasks.training.ship import (
    ship,
    trained_networks,
    weights_sha256,
    write_graph,
    write_model,
)
from patina.tasks.training.specialists import SINGLE, SPECIALISTS, single
from patina.tasks.training.starting import kept_networks, starting_network
from patina.tasks.training.twins import Twins

SHIPPED = json.loads((weights.FOLDER / "weights.json").read_text())
NAME = weights.DEFAULT
NOISE = SPECIALISTS["noise"]
PATCH = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)


@pytest.fixture(scope="module")
def networks() -> dict[str, keras.Model]:
    """The shipped networks, by role."""
    registry.set_precision("float32")
    return registry.networks_of(registry.load(weights.shipped()))


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
def test_shipped_weights_with_other_bytes_are_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(weights.FOLDER, tmp_path / "pretrained"))
    monkeypatch.setattr(weights, "FOLDER", folder)
    (folder / f"{NAME}{suffix}").write_bytes(b"other weights")
    with pytest.raises(weights.DamagedWeightsError, match=rf"{NAME}{suffix}: the file differs"):
        weights.shipped()


def test_the_facts_of_a_model_have_its_version_and_the_hash_of_each_network(
    networks: dict[str, keras.Model],
) -> None:
    facts = load_restorer(weights.shipped(), tile_px=64, overlap_px=0).model
    assert facts["network"] == NAME
    assert facts["version"] == SHIPPED[NAME]["version"]
    assert facts["networks"] == {role: weights_sha256(one) for role, one in networks.items()}


def test_a_training_starts_from_shipped_weights_or_a_file_if_the_width_is_the_same(
    networks: dict[str, keras.Model],
) -> None:
    for start in ("pretrained", str(weights.shipped())):
        network = starting_network(start, NOISE)
        assert network is not None
        for one, same in zip(network.get_weights(), networks["noise"].get_weights(), strict=True):
            np.testing.assert_array_equal(one, same)
    narrow = replace(NOISE, width=0.125)
    assert starting_network("scratch", NOISE) is None
    assert starting_network("pretrained", narrow) is None
    with pytest.raises(
        ValueError, match=r"restorer\.xml: the file has no network noise of this width"
    ):
        starting_network(str(weights.shipped()), narrow)


def test_a_single_network_is_a_model_by_itself_and_others_join_the_shipped_ones() -> None:
    alone = single("unet", Twins({}, (0, 0)))
    assert kept_networks("pretrained", alone) == {}
    assert starting_network("pretrained", alone) is None
    assert set(kept_networks("pretrained", NOISE)) == set(SHIPPED[NAME]["networks"])
    assert set(SINGLE) | set(ROLES) == set(NETWORKS)


def test_a_model_of_a_single_network_has_no_gate(tmp_path: Path) -> None:
    registry.set_precision("float32")
    write_model({"noise": registry.build("unet", width=0.125)}, tmp_path / "model.keras")
    gates = {"noise_255": 1.4, "tone_255": 20.0}
    facts = {"network": "unet", "mlflow_run": "a run", "single": True, "networks": {"noise": "x"}}
    write_json(tmp_path / "model.json", facts)
    sizes = {"tile_px": 64, "overlap_px": 0}
    restorer = load_restorer(tmp_path / "model.keras", gates=gates, **sizes)
    assert restorer.gates.noise_255 == 0
    assert restorer.gates.tone_255 == 20
    assert restorer.model["networks"] == {"noise": "x"}
    write_json(tmp_path / "model.json", facts | {"single": False})
    assert load_restorer(tmp_path / "model.keras", gates=gates, **sizes).gates.noise_255 == 1.4


def trained(role: str, folder: Path, seed: int) -> keras.Model:
    """A network of full width, as a training writes it to `folder`."""
    registry.be_deterministic(seed)
    registry.set_precision("float32")
    network = registry.build(role)
    network.save(folder / f"{role}.keras")
    write_json(folder / f"{role}.state.json", {"steps": 7, "of": 9, "seconds": 1.0})
    return network


def test_newly_trained_networks_are_shipped_with_those_shipped_before(tmp_path: Path) -> None:
    runs, target = tmp_path / "runs", tmp_path / "shipped"
    runs.mkdir()
    before = {role: trained(role, runs, 0) for role in ("jpeg", "tone")}
    ship(runs, target)
    (runs / "jpeg.keras").unlink()
    (runs / "jpeg.state.json").unlink()
    after = trained("tone", runs, 1)
    file = ship(runs, target)
    facts = json.loads((target / "weights.json").read_text())[NAME]
    assert facts["files"] == {
        f"{NAME}{suffix}": sha256_of(target / f"{NAME}{suffix}") for suffix in (".xml", ".bin")
    }
    state = {"steps": 7, "of": 9, "seconds": 1.0}
    assert facts["training"] == {"jpeg": state, "tone": state}
    networks = registry.networks_of(registry.load(file))
    expected = {"jpeg": before["jpeg"], "tone": after}
    assert facts["networks"] == {role: weights_sha256(networks[role]) for role in expected}
    for role, network in expected.items():
        for one, rounded in zip(network.get_weights(), networks[role].get_weights(), strict=True):
            half_step = 0.5 / 127 * np.abs(one).max(initial=0)
            np.testing.assert_allclose(rounded, one, rtol=0, atol=1.01 * half_step + 1e-6)
    ship(tmp_path, target)  # without new networks
    again = json.loads((target / "weights.json").read_text())[NAME]
    assert again["networks"] == facts["networks"]


def test_a_graph_with_other_weights_than_the_networks_is_not_written(tmp_path: Path) -> None:
    trained("tone", tmp_path, 0)
    unrounded = trained_networks(tmp_path)
    with pytest.raises(ValueError, match=r"a\.xml: the networks in the graph differ"):
        write_graph(unrounded, tmp_path / "graph/a.xml")
    assert not list((tmp_path / "graph").iterdir())


def test_the_shipped_weights_take_at_most_20_megabytes() -> None:
    sizes = [path.stat().st_size for path in weights.FOLDER.iterdir() if path.is_file()]
    assert sum(sizes) <= 20e6


def test_a_trained_model_contains_the_shipped_networks_unchanged(
    networks: dict[str, keras.Model], tmp_path: Path
) -> None:
    kept = {role: networks[role] for role in ("blur", "stains")}
    write_model(kept, tmp_path / "model.keras")
    for suffix in (".keras", ".xml"):
        loaded = registry.networks_of(registry.load(tmp_path / f"model{suffix}"))
        hashes = {role: weights_sha256(network) for role, network in loaded.items()}
        assert hashes == {role: SHIPPED[NAME]["networks"][role] for role in kept}


def test_the_recipe_of_the_shipped_weights_has_every_network() -> None:
    recipe = read_recipe(RECIPE)
    assert set(recipe.networks) == set(ROLES)
    total = sum(scheduled(recipe, role, 60.0).minutes for role in ROLES)
    assert total == pytest.approx(60)


def test_an_invalid_recipe_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    for text, fault in (
        ("seed: 0\nnetworks: {sharpener: {steps: 1}}\n", "sharpener: give one of"),
        ("seed: 0\nnetworks: {tone: {steps: 1}}\n", "tone: give one of"),
        ("seed: [\n", "parsing"),
        ("- a\n", "mapping"),
    ):
        path.write_text(text)
        with pytest.raises(
            ValueError, match=rf"recipe\.yaml: this is not a valid recipe.*{fault}|{fault}"
        ):
            read_recipe(path)


def test_a_given_model_or_the_champion_is_preferred_to_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_model(None) == weights.shipped()
    CHAMPION.parent.mkdir(parents=True)
    CHAMPION.touch()
    assert chosen_model(None) == CHAMPION.resolve()
    assert chosen_model(Path("given.keras")) == Path("given.keras")
