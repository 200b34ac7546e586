"""The weights that are shipped: whole, usable, and where a training starts."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import networks, pretrained
from tasks.restoring import chosen_model

SHIPPED = json.loads((pretrained.FOLDER / "weights.json").read_text())
SHAPE = {"filters": 16, "depth": 4}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_small_whole_and_have_a_card(name: str) -> None:
    assert pretrained.shipped(name).stat().st_size < 20e6
    assert pretrained.shipped(name).name in (pretrained.FOLDER / "card.md").read_text()


def test_weights_with_other_bytes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(pretrained.FOLDER, tmp_path / "pretrained"))
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    pretrained.shipped("unet").write_bytes(b"other weights")
    with pytest.raises(pretrained.DamagedWeightsError, match=r"unet\.keras: not the bytes"):
        pretrained.shipped("unet")


def test_a_network_of_their_shape_starts_from_them_and_no_other_does() -> None:
    networks.set_precision("float32")
    fitting = networks.build("unet", **SHAPE)
    assert pretrained.give_to(fitting, "unet")
    noisy = np.clip(np.random.default_rng(0).normal(0.5, 0.15, (1, 64, 64, 3)), 0, 1)
    noisy = noisy.astype(np.float32)
    restored = networks.load(pretrained.shipped("unet"))(noisy)
    np.testing.assert_allclose(fitting.predict_on_batch(noisy), restored, atol=1e-5)
    assert restored.std() < 0.6 * noisy.std()  # it knows noise when it sees it
    other = networks.build("unet", filters=2, depth=2)
    before = [array.copy() for array in other.get_weights()]
    assert not pretrained.give_to(other, "unet")
    assert not pretrained.give_to(other, "a network without any")
    for one, same in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_a_model_that_is_given_or_trained_here_comes_before_the_shipped_one(tmp_path: Path) -> None:
    trained = tmp_path / "model.keras"
    assert chosen_model(None, trained) == pretrained.shipped()
    trained.touch()
    assert chosen_model(None, trained) == trained
    assert chosen_model(tmp_path / "given.keras", trained) == tmp_path / "given.keras"
