"""The weights that are shipped: whole, usable, and where a training starts."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from patina.crawler.sample.strokes import paint
from patina.models import colour, registry
from patina.tasks.imaging.images import to_float
from patina.tasks.restoration import weights
from patina.tasks.restoration.batch import CHAMPION, chosen_model, load_restorer
from patina.tasks.training.initial import begin_from

SHIPPED = json.loads((weights.FOLDER / "weights.json").read_text())
NAME = weights.DEFAULT


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_small_whole_and_have_a_card(name: str) -> None:
    assert sum((weights.FOLDER / file).stat().st_size for file in SHIPPED[name]["files"]) < 20e6
    card = (weights.FOLDER / "card.md").read_text()
    assert weights.shipped(name).name in card
    assert SHIPPED[name]["files"][f"{name}.keras"] in card
    assert set(SHIPPED[name]["files"]) == {
        f"{name}{suffix}" for suffix in (".keras", ".xml", ".bin")
    }


@pytest.mark.parametrize("suffix", [".keras", ".xml", ".bin"])
def test_weights_with_other_bytes_are_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(weights.FOLDER, tmp_path / "pretrained"))
    monkeypatch.setattr(weights, "FOLDER", folder)
    (folder / f"{NAME}{suffix}").write_bytes(b"other weights")
    with pytest.raises(weights.DamagedWeightsError, match=rf"{NAME}{suffix}: not the bytes"):
        weights.shipped(NAME)


def test_a_model_says_which_it_is() -> None:
    facts = load_restorer(weights.shipped(), tile_px=64, overlap_px=0).model
    assert facts["network"] == NAME
    assert facts["version"] == SHIPPED[NAME]["version"]


def fresh(width: float) -> keras.Model:
    registry.set_precision("float32")
    return registry.whole(registry.build(NAME, width=width), colour.estimate())


def test_a_training_begins_from_them_or_from_a_file_if_they_fit(tmp_path: Path) -> None:
    shipped = registry.load(weights.shipped(NAME)).get_weights()
    for start in ("pretrained", str(weights.shipped(NAME))):
        network = fresh(1)
        assert begin_from(start, network, NAME)
        for one, same in zip(network.get_weights(), shipped, strict=True):
            np.testing.assert_array_equal(one, same)
    for start, name in (("scratch", NAME), ("pretrained", NAME), ("pretrained", "unheard of")):
        network = fresh(0.125)
        before = [array.copy() for array in network.get_weights()]
        assert not begin_from(start, network, name)
        for one, same in zip(network.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, same)
    with pytest.raises(ValueError, match=r"conservator\.keras: weights of another network"):
        begin_from(str(weights.shipped(NAME)), fresh(0.125), NAME)


def test_they_know_noise_when_they_see_it_and_leave_a_sound_image_alone() -> None:
    restorer = load_restorer(weights.shipped(NAME), tile_px=256, overlap_px=64)
    sound = to_float(paint(1)[0][:256, :256])
    noise = np.random.default_rng(0).normal(0, 0.1, sound.shape).astype(np.float32)
    noisy = np.clip(sound + noise, 0, 1)
    change, _ = restorer.change(noisy)
    assert np.std(noisy + change - sound) < 0.5 * np.std(noisy - sound)
    assert np.std(restorer.change(sound)[0]) < 0.01


def test_a_model_that_is_given_or_the_champion_comes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_model(None) == weights.shipped()
    CHAMPION.parent.mkdir(parents=True)
    CHAMPION.touch()
    assert chosen_model(None) == CHAMPION
    assert chosen_model(Path("given.keras")) == Path("given.keras")
