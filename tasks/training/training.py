"""The training loop. It can be resumed, is reproducible, and measures the gain of each kind.

A kind is that of the damage in the training samples, see `Curriculum`. A resumed training has the
same batches and the same weights as one without interruption: batches are drawn by their block
number, and the checkpoint contains the state of the optimizer and the averaged weights. The result
of a training is the averaged weights (an exponential moving average) with the largest mean gain,
which may be those before the first step.
"""

import json
import math
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from patina.errors import PatinaError
from patina.models import registry
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.io.atomic import whole_file, write_json
from patina.tasks.io.parallel import start_worker
from patina.tasks.training.curriculum import Sample, make_batches
from patina.tasks.training.specialists import Specialist
from patina.tasks.training.works import Work

# Steps between two updates of the averaged weights, and weight of the old average in the new one
AVERAGE_EVERY, AVERAGE_DECAY = 25, 0.95
MIN_GAIN_DB = 0.05  # of each kind after `Schedule.unmoved_minutes`
AHEAD = 4  # batches that each worker process makes in advance


class NoGainError(PatinaError):
    """The network does not improve a kind of damage after `Schedule.unmoved_minutes`."""


class DivergedError(PatinaError):
    """The loss of a training is NaN or infinite."""


@dataclass(frozen=True)
class Schedule:
    """The length and the learning rate of a training.

    steps: number of batches. learning_rate: its maximum, which is reached after `warmup_steps`
    batches. minutes: limit of the training time, over all interruptions; with a limit, the learning
    rate reaches 0 in this time. check_every: number of batches between two measurements of the
    gains. unmoved_minutes: after this time each kind must have a gain of MIN_GAIN_DB.
    save_every_s: seconds between two checkpoints. seed: of the batches.
    """

    steps: int
    learning_rate: float
    warmup_steps: int = 200
    minutes: float = math.inf
    check_every: int = 500
    unmoved_minutes: float = 15.0
    save_every_s: float = 120.0
    seed: int = 0


class TrainingCallback(Protocol):
    """The functions that `train` calls during a training."""

    def on_step(self, training: "Training", loss: float) -> None:
        """Called after each batch."""

    def on_check(self, training: "Training", gains: Mapping[str, float], loss: float) -> None:
        """Called after each measurement, the first of which is before the first batch.

        gains: gain of each kind with the averaged weights, as `Specialist.gain` measures it.
        loss: mean loss since the last call; NaN at the first call.
        """


class Training:
    """A network, its averaged weights, and the progress of its training, in the folder `out`.

    best: the averaged weights at the measurement with the largest mean gain, `best_gain`, after
    `best_step` batches.
    """

    def __init__(
        self,
        specialist: Specialist,
        out: Path,
        schedule: Schedule,
        network: keras.Model | None = None,
    ) -> None:
        """Start a training, or resume it if `out` has a checkpoint.

        network: the network to start with; None builds a new one. A checkpoint overrides it.
        """
        self.specialist, self.out, self.schedule = specialist, out, schedule
        self.name = specialist.network
        self.network = network or specialist.build()
        self.done, self.seconds = 0, 0.0
        optimizer = keras.optimizers.Adam(schedule.learning_rate, beta_2=0.99, clipnorm=1.0)
        self.network.compile(
            optimizer=optimizer, loss=specialist.loss, jit_compile=registry.jit_compile()
        )
        optimizer.build(self.network.trainable_variables)
        self.averaged: list[np.ndarray] = self.network.get_weights()
        self.best, self.best_gain, self.best_step = self.averaged, -math.inf, 0
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        """The file with all that is needed to resume the training."""
        return self.out / f"{self.name}.checkpoint.npz"

    @property
    def best_file(self) -> Path:
        """The file of the best network, in float32."""
        return self.out / f"{self.name}.keras"

    @property
    def progress(self) -> float:
        """The finished share of the steps or of the minutes, 0 to 1; the larger of both."""
        spent = self.seconds / 60 / self.schedule.minutes
        return min(1.0, max(self.done / self.schedule.steps, spent))

    def rate(self) -> float:
        """The learning rate: it rises during the warm-up, then falls to 0 along a half cosine."""
        warm = min(1.0, (self.done + 1) / max(1, self.schedule.warmup_steps))
        return self.schedule.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * self.progress))

    def step(self, arrays: Sample) -> float:
        """Train on one batch, and return its loss.

        arrays: uint8 (N, h, w, C), as the curriculum makes them. Raises DivergedError if the loss
        is NaN or infinite.
        """
        self.network.optimizer.learning_rate = self.rate()
        loss = float(self.network.train_on_batch(*self.specialist.targets(arrays)))
        if not math.isfinite(loss):
            raise DivergedError(
                f"{self.name}: the loss is {loss} at step {self.done}; lower the learning rate"
            )
        self.done += 1
        if self.done % AVERAGE_EVERY == 0:
            keep = min(AVERAGE_DECAY, self.done / AVERAGE_EVERY / 10)
            weights = self.network.get_weights()
            self.averaged = [
                keep * old + (1 - keep) * new
                for old, new in zip(self.averaged, weights, strict=True)
            ]
        return loss

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """The output of the network with the averaged weights, float32 (N, h, w, C)."""
        raw = self.network.get_weights()
        self.network.set_weights(self.averaged)
        output = np.asarray(self.network.predict_on_batch(inputs), np.float32)
        self.network.set_weights(raw)
        return output

    def gains(self, held_back: Mapping[str, Sample]) -> dict[str, float]:
        """The mean gain of each kind with the averaged weights, as `Specialist.gain` gives it.

        The averaged weights become the best ones if the mean of these gains is the largest so far.
        Undamaged samples do not count, because the gates of a restoration leave undamaged works.
        held_back: see `held_back_samples`.
        """
        gains = {}
        for kind, arrays in held_back.items():
            inputs, target = self.specialist.targets(arrays)
            output = self.outputs(inputs)
            gains[kind] = float(np.mean(self.specialist.gain(inputs, target, output)))
        mean = float(np.mean([gain for kind, gain in gains.items() if kind != SOUND]))
        if mean > self.best_gain:
            self.best, self.best_gain, self.best_step = self.averaged, mean, self.done
        return gains

    def best_network(self) -> keras.Model:
        """The network with the best weights, in float32."""
        return registry.in_float32(self.best, self.name, self.specialist.width)

    def save(self) -> None:
        """Write the checkpoint."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = {
            f"{kind}_{number:04}": array
            for kind, arrays in (
                ("network", self.network.get_weights()),
                ("averaged", self.averaged),
                ("best", self.best),
                ("optimizer", [np.asarray(one) for one in self.network.optimizer.variables]),
            )
            for number, array in enumerate(arrays)
        }
        with whole_file(self.checkpoint) as file:
            progress = {"done": self.done, "seconds": self.seconds}
            best = {"largest_gain": self.best_gain, "at_step": self.best_step}
            arrays = {name: np.array(value) for name, value in (progress | best).items()}
            np.savez(file, allow_pickle=False, **arrays, **state)

    def publish(self) -> None:
        """Write the best network, and the state of the training.

        The state has the number of steps of the best network, 0 if no step improved it, and the
        seconds of the training so far.
        """
        draft = self.best_file.with_name(f".draft-{os.getpid()}.keras")
        self.best_network().save(draft)
        draft.replace(self.best_file)
        state = {
            "steps": self.best_step,
            "of": self.schedule.steps,
            "seconds": round(self.seconds, 1),
        }
        write_json(self.out / f"{self.name}.state.json", state)

    def _load(self) -> None:
        with np.load(self.checkpoint) as file:
            parts = {
                kind: [file[name] for name in sorted(file.files) if name.startswith(f"{kind}_")]
                for kind in ("network", "averaged", "best", "optimizer")
            }
            self.done, self.seconds = int(file["done"]), float(file["seconds"])
            self.best_gain = float(file["largest_gain"])
            self.best_step = int(file["at_step"])
        self.network.set_weights(parts["network"])
        self.averaged, self.best = parts["averaged"], parts["best"]
        for variable, value in zip(
            self.network.optimizer.variables, parts["optimizer"], strict=True
        ):
            variable.assign(value)


def train(
    training: Training,
    works: Sequence[Work],
    held_back: Mapping[str, Sample],
    *,
    callbacks: Sequence[TrainingCallback] = (),
    workers: int = 1,
) -> None:
    """Train until the last step or the end of the time.

    works: the works of the training samples. held_back: samples of each kind to measure gains,
    see `held_back_samples`. callbacks: are called after each step and each measurement. workers:
    number of processes that make batches. Raises NoGainError if the network does not improve a
    kind, DivergedError if the loss is NaN or infinite.
    """
    schedule, best = training.schedule, dict.fromkeys(held_back, -math.inf)
    losses: list[float] = []
    saved = clock = time.monotonic()

    def check() -> None:
        gains = training.gains(held_back)
        best.update({kind: max(best[kind], gain) for kind, gain in gains.items()})
        for callback in callbacks:
            callback.on_check(training, gains, float(np.mean(losses)) if losses else math.nan)
        losses.clear()
        stop_without_gain(training, best)

    if not training.done:
        check()
    with closing(batches(training, works, workers)) as made:
        while training.progress < 1:
            losses.append(training.step(next(made)))
            now = time.monotonic()
            training.seconds += now - clock
            clock = now
            for callback in callbacks:
                callback.on_step(training, losses[-1])
            if training.done % schedule.check_every == 0 or training.progress >= 1:
                check()
            if now - saved > schedule.save_every_s:
                training.save()
                training.publish()
                saved = now
    training.averaged = training.best  # what `outputs` shows from now on
    training.save()
    training.publish()


def batches(training: Training, works: Sequence[Work], workers: int) -> Generator[Sample]:
    """The remaining batches of a training, made in advance by other processes.

    workers: number of these processes. Each batch is a tuple of arrays uint8 (N, h, w, C).
    """
    curriculum, size = training.specialist.curriculum, training.specialist.batch
    first, skipped = divmod(training.done, curriculum.batches_per_block)
    blocks = iter(range(first, -(-training.schedule.steps // curriculum.batches_per_block)))
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker
    ) as pool:
        jobs = (
            pool.submit(make_batches, curriculum, works, size, training.schedule.seed, block)
            for block in blocks
        )
        coming = deque(
            islice(jobs, max(workers + 1, -(-AHEAD * workers // curriculum.batches_per_block)))
        )
        try:
            while coming:
                made = coming.popleft().result()
                coming.extend(islice(jobs, 1))
                yield from made[skipped:]
                skipped = 0
        finally:
            pool.shutdown(cancel_futures=True)


def stop_without_gain(training: Training, best: Mapping[str, float]) -> None:
    """Raise NoGainError after `Schedule.unmoved_minutes` if a kind has too small a gain.

    best: the largest gain of each kind so far.
    """
    if training.seconds < training.schedule.unmoved_minutes * 60:
        return
    for kind, gain in best.items():
        if kind != SOUND and gain < MIN_GAIN_DB:
            training.save()
            raise NoGainError(
                f"{training.name}: after {training.seconds / 60:.0f} minutes the gain on "
                f"{kind} is {gain:.2f} dB; change the training samples, and run again"
            )


def last_state(out: Path, name: str) -> dict[str, float]:
    """The state that `Training.publish` wrote for the network `name`; empty if there is none."""
    file = out / f"{name}.state.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
