"""The weights that are shipped: whole, usable, and where a training starts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from crawler.painting import paint
from models import colour, networks, pretrained
from tasks.images import to_float
from tasks.restoring import chosen_model, load_restorer

SHIPPED = json.loads((pretrained.FOLDER / "weights.json").read_text())
NAME = pretrained.DEFAULT


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_small_whole_and_have_a_card(name: str) -> None:
    assert pretrained.shipped(name).stat().st_size < 20e6
    assert pretrained.shipped(name).name in (pretrained.FOLDER / "card.md").read_text()
    assert set(SHIPPED[name]) == {f"{name}{suffix}" for suffix in (".keras", ".xml", ".bin")}


@pytest.mark.parametrize("suffix", [".keras", ".xml", ".bin"])
def test_weights_with_other_bytes_are_refused(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(pretrained.FOLDER, tmp_path / "pretrained"))
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    (folder / f"{NAME}{suffix}").write_bytes(b"other weights")
    with pytest.raises(pretrained.DamagedWeightsError, match=rf"{NAME}{suffix}: not the bytes"):
        pretrained.shipped(NAME)


def test_a_network_of_their_shape_starts_from_them_and_no_other_does() -> None:
    networks.set_precision("float32")
    fitting = networks.whole(networks.build(NAME), colour.estimate())
    assert pretrained.give_to(fitting, NAME)
    shipped = networks.load(pretrained.shipped(NAME))
    for one, same in zip(fitting.get_weights(), shipped.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)
    other = networks.whole(networks.build(NAME, width=0.125), colour.estimate())
    before = [array.copy() for array in other.get_weights()]
    assert not pretrained.give_to(other, NAME)
    assert not pretrained.give_to(other, "a network without any")
    for one, same in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_they_know_noise_when_they_see_it_and_leave_a_sound_image_alone() -> None:
    restorer = load_restorer(pretrained.shipped(NAME), tile_px=256, overlap_px=64)
    sound = to_float(paint(1)[0][:256, :256])
    noise = np.random.default_rng(0).normal(0, 0.1, sound.shape).astype(np.float32)
    noisy = np.clip(sound + noise, 0, 1)
    change, _ = restorer.change(noisy)
    assert np.std(noisy + change - sound) < 0.5 * np.std(noisy - sound)
    assert np.std(restorer.change(sound)[0]) < 0.01


def test_a_model_that_is_given_or_trained_here_comes_before_the_shipped_one(tmp_path: Path) -> None:
    trained = tmp_path / "model.keras"
    assert chosen_model(None, trained) == pretrained.shipped()
    trained.touch()
    assert chosen_model(None, trained) == trained
    assert chosen_model(tmp_path / "given.keras", trained) == tmp_path / "given.keras"
