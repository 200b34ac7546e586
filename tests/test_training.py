"""A training resumes as if it had never stopped, reports its gains, and stops without progress."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from patina.models import NETWORKS, registry
from patina.tasks.training import training as module
from patina.tasks.training.curriculum import held_back_samples, make_batches
from patina.tasks.training.specialists import SINGLE, SPECIALISTS, Specialist, single
from patina.tasks.training.training import NoGainError, Schedule, Training, train
from patina.tasks.training.twins import Twins
from patina.tasks.training.works import Work

TWINS = Twins({"blur": (1.0, (0.5, 0.9)), "scratches": (1.0, (0.5, 0.9))}, (1, 2))


def small(name: str) -> Specialist:
    """A network of few channels, in batches of two."""
    known = single(name, TWINS) if name in SINGLE else SPECIALISTS[name]
    return replace(known, width=0.125, batch=2)


def begun(name: str, out: Path, **schedule: float) -> Training:
    registry.be_deterministic(0)
    registry.set_precision("float32")
    usual = {"steps": 6, "learning_rate": 0.01, "warmup_steps": 2, "check_every": 3}
    return Training(small(name), out, Schedule(**(usual | schedule)))  # type: ignore[arg-type]


class RecordingCallback:
    """The calls that callbacks get."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.checks: list[tuple[int, dict[str, float], float]] = []

    def on_step(self, training: Training, loss: float) -> None:
        assert math.isfinite(loss)
        self.steps.append(training.done)

    def on_check(self, training: Training, gains: Mapping[str, float], loss: float) -> None:
        self.checks.append((training.done, dict(gains), loss))


class StopError(RuntimeError):
    """Stands for a kill."""


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns_from_its_training_samples(
    name: str, works: list[Work], tmp_path: Path
) -> None:
    learning = begun(name, tmp_path, steps=100, learning_rate=0.002)
    (arrays, *_) = make_batches(learning.specialist.curriculum, works, 2, 0, 0)
    losses = [learning.step(arrays) for _ in range(15)]
    assert losses[-1] < losses[0]
    given, target = learning.specialist.targets(arrays)
    output = learning.outputs(given)
    assert np.isfinite(learning.specialist.gain(given, target, output)).all()
    pictures = learning.specialist.pictures(given, target, output)
    assert {picture.shape for picture in pictures.values()} == {(*given.shape[:3], 3)}


def test_a_resumed_training_gives_the_weights_of_an_uninterrupted_one(
    works: list[Work], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AVERAGE_EVERY", 2)
    held_back = {"white": held_back_samples(small("noise").curriculum, works)["white"]}
    whole = begun("noise", tmp_path / "whole")
    train(whole, works, held_back)

    class Stopping(RecordingCallback):
        def on_step(self, training: Training, loss: float) -> None:
            if training.done == 4:
                training.save()
                raise StopError

    with pytest.raises(StopError):
        train(begun("noise", tmp_path / "parts"), works, held_back, callbacks=[Stopping()])
    resumed = begun("noise", tmp_path / "parts")
    assert resumed.done == 4
    callback = RecordingCallback()
    train(resumed, works, held_back, callbacks=[callback])
    assert callback.steps == [5, 6]
    for mine, other in ((whole.averaged, resumed.averaged),):
        for one, same in zip(mine, other, strict=True):
            np.testing.assert_array_equal(one, same)
    filed = keras.saving.load_model(tmp_path / "parts/noise.keras", compile=False)
    for one, same in zip(filed.get_weights(), whole.averaged, strict=True):
        np.testing.assert_array_equal(one, same)


def test_gains_of_each_kind_are_reported_before_the_first_step_and_at_the_end(
    works: list[Work], tmp_path: Path
) -> None:
    callback = RecordingCallback()
    held_back = held_back_samples(TWINS, works)
    train(begun("unet", tmp_path), works, held_back, callbacks=[callback])
    assert callback.steps == [1, 2, 3, 4, 5, 6]
    assert [done for done, _, _ in callback.checks] == [0, 3, 6]
    for _, gains, _ in callback.checks:
        assert set(gains) == {"blur", "scratches", "several", "sound"}
    assert math.isnan(callback.checks[0][2])
    assert math.isfinite(callback.checks[2][2])


def test_a_kind_without_a_gain_stops_the_training_with_an_error_that_names_it(
    works: list[Work], tmp_path: Path
) -> None:
    learning = begun("jpeg", tmp_path, learning_rate=0.0, unmoved_minutes=0.0)
    held_back = {"jpeg": held_back_samples(learning.specialist.curriculum, works)["jpeg"]}
    with pytest.raises(
        NoGainError, match=r"jpeg: after \d+ minutes the gain on jpeg is -?0\.\d+ dB"
    ):
        train(learning, works, held_back)
    assert learning.checkpoint.exists()


def test_the_learning_rate_rises_and_then_falls_to_zero_at_the_end(tmp_path: Path) -> None:
    learning = begun("tone", tmp_path, steps=100, warmup_steps=10, learning_rate=1.0)
    assert learning.rate() == pytest.approx(0.1)
    learning.done = 50
    assert learning.rate() == pytest.approx(0.5)
    learning.done = 100
    assert learning.rate() == pytest.approx(0, abs=1e-9)
    limited = begun("tone", tmp_path, steps=100, minutes=2.0, learning_rate=1.0)
    limited.done, limited.seconds = 10, 120.0
    assert limited.progress == 1
    assert limited.rate() == pytest.approx(0, abs=1e-9)


def test_a_training_without_any_improvement_gives_the_weights_that_it_started_with(
    works: list[Work], tmp_path: Path
) -> None:
    learning = begun("jpeg", tmp_path, learning_rate=0.02)
    first = [weights.copy() for weights in learning.network.get_weights()]
    held_back = {"jpeg": held_back_samples(learning.specialist.curriculum, works)["jpeg"]}
    train(learning, works, held_back)
    for one, same in zip(learning.best_network().get_weights(), first, strict=True):
        np.testing.assert_array_equal(one, same)
    assert learning.done == 6
