"""What every network does; a network in models.NETWORKS is tested by being there."""

import math
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from models import LOSSES, NETWORKS, fit, networks

TINY = {"filters": 2, "depth": 2}


def batch(seed: int = 0, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    clean = np.random.default_rng(seed).random((2, side, side, 3), np.float32)
    return clean * np.float32(0.7), clean


def batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return (batch(100 * epoch + step) for step in range(5))


def ready(name: str = "unet", epochs: int = 4) -> keras.Model:
    networks.be_deterministic(0)
    networks.set_precision("float32")
    network = networks.build(name, **TINY)
    fit.compile_for_training(
        network, networks.loss("charbonnier"), learning_rate=0.01, warmup_steps=2, steps=epochs * 5
    )
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_leaves_an_image_as_it_is(name: str) -> None:
    degraded, _ = batch(side=24)
    np.testing.assert_allclose(ready(name).predict_on_batch(degraded), degraded, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_lowers_the_loss(name: str) -> None:
    network = ready(name)
    losses = [float(network.train_on_batch(*batch())) for _ in range(20)]
    assert losses[-1] < losses[0] * 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_predicts_the_same_after_it_was_saved_and_loaded(
    name: str, tmp_path: Path
) -> None:
    network = ready(name)
    network.train_on_batch(*batch())
    fit.save(network, tmp_path / "model.keras")
    tile, _ = batch(side=32)
    loaded = networks.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(tile), network.predict_on_batch(tile))


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_trained_in_bfloat16_are_kept_in_float32(name: str) -> None:
    networks.set_precision("mixed_bfloat16")
    trained = networks.build(name, **TINY)
    kept = networks.in_float32(trained, name, **TINY)
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}
    for one, other in zip(trained.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_gives_a_value_for_each_image_that_grows_with_the_difference(name: str) -> None:
    loss = networks.loss(name)
    clean = batch()[1]
    values = [np.asarray(loss(clean, clean + np.float32(shift))) for shift in (0, 0.1, 0.3)]
    assert all(value.shape == (2,) for value in values)
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()


@pytest.mark.parametrize(("name", "value"), [("l1", 0.1), ("charbonnier", 0.1), ("psnr", -4.6022)])
def test_the_loss_of_a_constant_difference_follows_from_its_definition(
    name: str, value: float
) -> None:
    clean = batch()[1]  # ln(0.1² + 3·10⁻⁵) = −4.6022
    got = np.asarray(networks.loss(name)(clean, clean + np.float32(0.1)))
    np.testing.assert_allclose(got, value, atol=1e-4)


def weights_after(checkpoint: Path, epochs: int = 4) -> list[np.ndarray]:
    network = fit.fit(ready(), batches, [batch()], epochs=epochs, steps=5, checkpoint=checkpoint)
    return network.get_weights()


def test_two_trainings_give_equal_weights(tmp_path: Path) -> None:
    for one, other in zip(
        weights_after(tmp_path / "one.keras"), weights_after(tmp_path / "other.keras"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_training_that_was_cut_off_ends_with_the_same_weights(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.keras"

    def cut_off(_: keras.Model, epoch: int, __: dict[str, float]) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit.fit(ready(), batches, [], epochs=4, steps=5, checkpoint=checkpoint, on_epoch=cut_off)
    resumed = weights_after(checkpoint)
    for one, other in zip(weights_after(tmp_path / "whole.keras"), resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_epoch_is_told_with_its_number_loss_and_validation_psnr(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    steps: list[int] = []
    fit.fit(
        ready(),
        batches,
        [batch()],
        epochs=2,
        steps=5,
        checkpoint=tmp_path / "checkpoint.keras",
        on_step=lambda step, _: steps.append(step),
        on_epoch=lambda _, epoch, metrics: told.append((epoch, metrics)),
    )
    assert steps == list(range(1, 11))
    assert [epoch for epoch, _ in told] == [1, 2]
    assert told[1][1]["loss"] < told[0][1]["loss"]
    assert 0 < told[1][1]["val_psnr_db"] < 40


def test_a_time_limit_ends_training_between_epochs(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.keras"
    network = fit.fit(ready(), batches, [], epochs=4, steps=5, checkpoint=path, limit_s=-1)
    assert int(network.optimizer.iterations) == 0


def test_a_loss_that_is_no_number_stops_training(tmp_path: Path) -> None:
    def broken(_: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        degraded, clean = batch()
        return iter([(degraded, clean * np.float32(math.nan))])

    with pytest.raises(fit.DivergedError, match=r"at step 1.*learning_rate"):
        fit.fit(ready(), broken, [], epochs=1, steps=1, checkpoint=tmp_path / "c.keras")
