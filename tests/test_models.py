"""What every network does; a network in models.NETWORKS is tested by being there."""

import math
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from patina.models import DAMAGE, DETAIL, LOSSES, NETWORKS, VIEW_PX, colour, heads, losses, registry
from patina.tasks.training import loop

TINY = 0.125  # of the width


def batch(seed: int = 0, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Darkened images; them sound, and a mask of no damage."""
    clean = np.random.default_rng(seed).random((2, side, side, 3), np.float32)
    return clean * np.float32(0.7), np.concatenate([clean, 0 * clean[..., :1]], axis=-1)


def batches(epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return (batch(100 * epoch + step) for step in range(5))


def ready(name: str = "unet", epochs: int = 4) -> keras.Model:
    registry.be_deterministic(0)
    registry.set_precision("float32")
    network = heads.for_training(registry.build(name, width=TINY))
    loop.compile_for_training(
        network,
        losses.Interventions(losses.charbonnier),
        learning_rate=0.01,
        warmup_steps=2,
        steps=epochs * 5,
    )
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_leaves_an_image_as_it_is(name: str) -> None:
    degraded, _ = batch(side=32)
    mended = ready(name).predict_on_batch(degraded)[..., :3]
    np.testing.assert_allclose(mended, degraded, atol=0.02)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_looks_and_what_treats_give_together_what_the_network_gives(name: str) -> None:
    rng = np.random.default_rng(0)
    network = registry.build(name, width=TINY)
    network.set_weights([rng.normal(0, 0.1, one.shape) for one in network.get_weights()])
    tile, _ = batch(side=32)
    look, treat = heads.apart(network)
    logit = look.predict_on_batch(tile)
    assert logit.shape == (2, 32, 32, 1)
    expected = network.predict_on_batch(tile)
    assert np.ptp(expected) > 0.01
    known = np.concatenate([tile, logit], axis=3)
    np.testing.assert_allclose(treat.predict_on_batch(known), expected, atol=1e-3)
    known[..., 3] = 5
    given = treat.predict_on_batch(known)
    assert np.all(given[..., DAMAGE] == 5)
    # Only what mends by a map of its own minds what it is told of damage
    same = np.allclose(given[..., DETAIL], expected[..., DETAIL], atol=1e-3)
    assert same == (name != "conservator")


def test_an_untrained_estimate_leaves_colours_as_they_are() -> None:
    views, _ = batch(side=VIEW_PX)
    corrected = colour.for_training(colour.estimate()).predict_on_batch(views)
    np.testing.assert_allclose(corrected, views, atol=0.02)


def test_an_estimate_learns_to_undo_a_loss_of_light() -> None:
    registry.be_deterministic(0)
    training = colour.for_training(colour.estimate())
    loop.compile_for_training(training, losses.rms, learning_rate=0.003, warmup_steps=5, steps=120)
    views, sound = batch(side=VIEW_PX)
    found = [float(training.train_on_batch(views, sound[..., :3])) for _ in range(60)]
    assert found[-1] < found[0] * 0.4


@pytest.mark.parametrize("name", NETWORKS)
def test_training_lowers_the_loss(name: str) -> None:
    network = ready(name)
    found = [float(network.train_on_batch(*batch())) for _ in range(20)]
    assert found[-1] < found[0] * 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_predicts_the_same_after_it_was_filed_and_loaded(
    name: str, tmp_path: Path
) -> None:
    whole = registry.whole(registry.build(name, width=TINY), colour.estimate())
    loop.save(whole, tmp_path / "model.keras")
    tile, view = batch(side=32)[0], batch(side=VIEW_PX)[0]
    loaded = registry.load(tmp_path / "model.keras")
    for mine, filed in zip(
        whole.predict_on_batch([tile, view]), loaded.predict_on_batch([tile, view]), strict=True
    ):
        np.testing.assert_array_equal(mine, filed)


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    loop.save(registry.build("unet", width=TINY), tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"model\.keras: no network of this version"):
        registry.load(tmp_path / "model.keras")


def test_a_file_that_brings_code_is_refused(tmp_path: Path) -> None:
    image = keras.Input((None, None, 3))
    code = keras.Model(image, keras.layers.Lambda(lambda pixels: pixels * 2)(image))
    loop.save(code, tmp_path / "model.keras")
    with pytest.raises(ValueError, match="lambda"):
        registry.load(tmp_path / "model.keras")


@pytest.mark.parametrize("name", NETWORKS)
def test_what_a_tile_gives_depends_only_on_what_is_near(name: str) -> None:
    network = registry.build(name, width=TINY)
    for weight in network.trainable_weights:  # an untrained network changes nothing; this one does
        weight.assign(np.random.default_rng(0).normal(0, 0.1, weight.shape))
    image = np.random.default_rng(1).random((1, 64, 512, 3), np.float32)
    other = image.copy()
    other[:, :, 400:] = 0.5
    near, far = (np.asarray(network.predict_on_batch(each)) for each in (image, other))
    np.testing.assert_allclose(near[:, :, :64], far[:, :, :64], atol=1e-5)
    assert np.abs(near[:, :, 448:] - far[:, :, 448:]).max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_trained_in_bfloat16_are_kept_in_float32(name: str) -> None:
    registry.set_precision("mixed_bfloat16")
    trained = registry.whole(registry.build(name, width=TINY), colour.estimate())
    kept = registry.in_float32(trained, name, TINY)
    assert {layer.compute_dtype for layer in kept.layers} == {"float32"}
    for one, other in zip(trained.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_gives_a_value_for_each_image_that_grows_with_the_difference(name: str) -> None:
    loss = registry.loss(name)
    clean = batch()[1][..., :3]
    values = [np.asarray(loss(clean, clean + np.float32(shift))) for shift in (0, 0.1, 0.3)]
    assert all(value.shape == (2,) for value in values)
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()


@pytest.mark.parametrize(("name", "value"), [("l1", 0.1), ("charbonnier", 0.1), ("rms", 0.1)])
def test_the_loss_of_a_constant_difference_follows_from_its_definition(
    name: str, value: float
) -> None:
    clean = batch()[1][..., :3]
    got = np.asarray(registry.loss(name)(clean, clean + np.float32(0.1)))
    np.testing.assert_allclose(got, value, atol=1e-3)


def test_the_loss_of_interventions_grows_with_each_of_its_faults() -> None:
    loss = losses.Interventions(losses.rms)
    _, sound = batch()
    certain = np.concatenate([sound[..., :3], 0 * sound[..., :1] - 9], axis=-1)
    lost, blurred, false_alarm = (certain.copy() for _ in range(3))
    lost[..., :3] += 0.1
    blurred[..., :3] += np.float32(0.1) * np.indices((16, 16)).sum(0)[..., None] % 2
    false_alarm[..., 3] = 9
    assert float(loss(sound, certain)) < float(loss(sound, lost)) < float(loss(sound, blurred))
    assert float(loss(sound, certain)) < float(loss(sound, false_alarm))


def weights_after(checkpoint: Path, epochs: int = 4) -> list[np.ndarray]:
    network = loop.fit(ready(), batches, [batch()], epochs=epochs, steps=5, checkpoint=checkpoint)
    return network.get_weights()


def test_two_trainings_give_equal_weights(tmp_path: Path) -> None:
    for one, other in zip(
        weights_after(tmp_path / "one.keras"), weights_after(tmp_path / "other.keras"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("told", "last"), [("on_step", 3), ("on_step", 8), ("on_step", 10), ("on_epoch", 2)]
)
def test_a_training_that_was_cut_off_ends_with_the_same_weights(
    told: str, last: int, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.keras"

    def cut_off(*of: object) -> None:
        if last in of:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.fit(ready(), batches, [], epochs=4, steps=5, checkpoint=checkpoint, **{told: cut_off})
    resumed = weights_after(checkpoint)
    for one, other in zip(weights_after(tmp_path / "whole.keras"), resumed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_epoch_is_told_with_its_number_loss_and_validation_psnr(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    steps: list[int] = []
    loop.fit(
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
    network = loop.fit(ready(), batches, [], epochs=4, steps=5, checkpoint=path, limit_s=-1)
    assert int(network.optimizer.iterations) == 0


def test_a_loss_that_is_no_number_stops_training(tmp_path: Path) -> None:
    def broken(_: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        degraded, clean = batch()
        return iter([(degraded, clean * np.float32(math.nan))])

    with pytest.raises(loop.DivergedError, match=r"at step 1.*learning_rate"):
        loop.fit(ready(), broken, [], epochs=1, steps=1, checkpoint=tmp_path / "c.keras")


def test_a_loss_that_bursts_stops_training(tmp_path: Path) -> None:
    def bursting(_: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        degraded, clean = batch()
        for step in range(40):
            yield degraded, clean * np.float32(1e6 if step == 30 else 1)

    with pytest.raises(loop.DivergedError, match=r"at step 31.*learning_rate"):
        loop.fit(ready(), bursting, [], epochs=1, steps=40, checkpoint=tmp_path / "c.keras")


def test_a_hairline_that_is_missed_costs_more_than_its_size() -> None:
    hairline, loss_of_paint = np.zeros((2, 1, 64, 64, 1), np.float32)
    hairline[:, 32] = 1
    loss_of_paint[:, 16:48, 16:48] = 1
    nothing_seen = np.full((1, 64, 64, 1), -4, np.float32)
    missed, missed_too, nothing = (
        float(losses.cross_entropy(mask, nothing_seen)[0])
        for mask in (hairline, loss_of_paint, 0 * hairline)
    )
    assert missed - nothing > (missed_too - nothing) / 12  # of a sixteenth of its size
    assert missed > 5 * nothing


def test_what_little_was_done_to_counts_more_than_what_is_ruined() -> None:
    clean = batch()[1]
    degraded = clean[..., :3] + np.float32([0.2, 0.002])[:, None, None, None]
    ruined, scratched = loop.importance(degraded, clean)
    assert scratched > 10 * ruined
    assert (ruined + scratched) / 2 == pytest.approx(1)
