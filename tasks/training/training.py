"""The training loop: resumable, deterministic by seed, with the gain measured by family.

A resumed training sees the same batches with the same weights as one without interruption: batches
are drawn by block number, and the checkpoint has the optimizer and the averaged weights.
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

AVERAGED_EVERY, AVERAGED_SHARE = 25, 0.95  # steps; of the mean that each look at the weights keeps
MOVED_DB = 0.05
AHEAD = 4  # batches for each worker process


class UnmovedError(PatinaError):
    """A family of damage has gained nothing for too long."""


class DivergedError(PatinaError):
    """The loss is NaN or infinite."""


@dataclass(frozen=True)
class Schedule:
    """The length and the learning rate of a training.

    steps: number of batches. learning_rate: its maximum, after `warmup_steps`. minutes: total time
    of training, over all interruptions; it also shortens the schedule of the learning rate.
    check_every: steps between two measurements of the gains. unmoved_minutes: after this time each
    family must have gained MOVED_DB. seed: of the batches.
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
    """Called during a training."""

    def on_step(self, training: "Training", loss: float) -> None:
        """Called after each batch."""

    def on_check(self, training: "Training", gains: Mapping[str, float], loss: float) -> None:
        """Called with the gains of the families, and the mean loss since the last call.

        The gains are those of the averaged weights. The first call comes before any step; its loss
        is NaN.
        """


class Training:
    """A network, its averaged weights, and the progress of its training, in the folder `out`."""

    def __init__(
        self,
        specialist: Specialist,
        out: Path,
        schedule: Schedule,
        network: keras.Model | None = None,
    ) -> None:
        """network: to begin with; a new one unless given. A checkpoint in `out` goes before it."""
        self.specialist, self.out, self.schedule = specialist, out, schedule
        self.name = specialist.network
        self.network = network or specialist.build()
        self.done, self.seconds = 0, 0.0
        descent = keras.optimizers.Adam(schedule.learning_rate, beta_2=0.99, clipnorm=1.0)
        self.network.compile(
            optimizer=descent, loss=specialist.loss, jit_compile=registry.jit_compile()
        )
        descent.build(self.network.trainable_variables)
        self.averaged: list[np.ndarray] = self.network.get_weights()
        if self.checkpoint.exists():
            self._load()

    @property
    def checkpoint(self) -> Path:
        """The file with everything that is needed to resume."""
        return self.out / f"{self.name}.checkpoint.npz"

    @property
    def averaged_file(self) -> Path:
        """The file of the averaged network, in float32."""
        return self.out / f"{self.name}.keras"

    @property
    def progress(self) -> float:
        """0 to 1, of the steps or of the minutes, whichever is larger."""
        spent = self.seconds / 60 / self.schedule.minutes
        return min(1.0, max(self.done / self.schedule.steps, spent))

    def rate(self) -> float:
        """The learning rate: it rises during the warm-up, then falls to 0 along a half cosine."""
        warm = min(1.0, (self.done + 1) / max(1, self.schedule.warmup_steps))
        return self.schedule.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * self.progress))

    def step(self, arrays: Sample) -> float:
        """Train on one batch; returns its loss. Raises DivergedError when the loss is no number."""
        self.network.optimizer.learning_rate = self.rate()
        loss = float(self.network.train_on_batch(*self.specialist.targets(arrays)))
        if not math.isfinite(loss):
            raise DivergedError(
                f"{self.name}: the loss is {loss} at step {self.done}; lower the learning rate"
            )
        self.done += 1
        if self.done % AVERAGED_EVERY == 0:
            keep = min(AVERAGED_SHARE, self.done / AVERAGED_EVERY / 10)
            weights = self.network.get_weights()
            self.averaged = [
                keep * old + (1 - keep) * new
                for old, new in zip(self.averaged, weights, strict=True)
            ]
        return loss

    def outputs(self, given: np.ndarray) -> np.ndarray:
        """The output of the network with the averaged weights."""
        raw = self.network.get_weights()
        self.network.set_weights(self.averaged)
        output = np.asarray(self.network.predict_on_batch(given), np.float32)
        self.network.set_weights(raw)
        return output

    def gains(self, held_back: Mapping[str, Sample]) -> dict[str, float]:
        """The mean gain of each family with the averaged weights, dB."""
        gains = {}
        for family, arrays in held_back.items():
            given, target = self.specialist.targets(arrays)
            output = self.outputs(given)
            gains[family] = float(np.mean(self.specialist.gain(given, target, output)))
        return gains

    def averaged_network(self) -> keras.Model:
        """The network with the averaged weights, in float32."""
        return registry.in_float32(self.averaged, self.name, self.specialist.width)

    def save(self) -> None:
        """Write the checkpoint and the averaged network."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = {
            f"{kind}_{number:04}": array
            for kind, arrays in (
                ("network", self.network.get_weights()),
                ("averaged", self.averaged),
                ("optimizer", [np.asarray(one) for one in self.network.optimizer.variables]),
            )
            for number, array in enumerate(arrays)
        }
        with whole_file(self.checkpoint) as file:
            np.savez(file, done=self.done, seconds=self.seconds, **state)

    def publish(self) -> None:
        """Write the averaged network and the state of the training."""
        draft = self.averaged_file.with_name(f".draft-{os.getpid()}.keras")
        self.averaged_network().save(draft)
        draft.replace(self.averaged_file)
        state = {
            "steps": self.done,
            "of": self.schedule.steps,
            "seconds": round(self.seconds, 1),
        }
        write_json(self.out / f"{self.name}.state.json", state)

    def _load(self) -> None:
        with np.load(self.checkpoint) as held:
            parts = {
                kind: [held[name] for name in sorted(held.files) if name.startswith(f"{kind}_")]
                for kind in ("network", "averaged", "optimizer")
            }
            self.done, self.seconds = int(held["done"]), float(held["seconds"])
        self.network.set_weights(parts["network"])
        self.averaged = parts["averaged"]
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
    """Train until the last step or the last minute, and call `callbacks`.

    held_back: samples of each family, see `held_back_samples`. workers: number of processes that
    make batches. Raises UnmovedError when a family of damage gains nothing for too long.
    """
    schedule, best = training.schedule, dict.fromkeys(held_back, -math.inf)
    losses: list[float] = []
    saved = clock = time.monotonic()

    def check() -> None:
        gains = training.gains(held_back)
        best.update({family: max(best[family], gain) for family, gain in gains.items()})
        for callback in callbacks:
            callback.on_check(training, gains, float(np.mean(losses)) if losses else math.nan)
        losses.clear()
        stop_if_unmoved(training, best)

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
    training.save()
    training.publish()


def batches(training: Training, works: Sequence[Work], workers: int) -> Generator[Sample]:
    """The remaining batches, made ahead in other processes."""
    shown, size = training.specialist.curriculum, training.specialist.batch
    first, left_out = divmod(training.done, shown.cuts)
    blocks = iter(range(first, -(-training.schedule.steps // shown.cuts)))
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=start_worker
    ) as pool:
        jobs = (
            pool.submit(make_batches, shown, works, size, training.schedule.seed, block)
            for block in blocks
        )
        coming = deque(islice(jobs, max(workers + 1, -(-AHEAD * workers // shown.cuts))))
        try:
            while coming:
                made = coming.popleft().result()
                coming.extend(islice(jobs, 1))
                yield from made[left_out:]
                left_out = 0
        finally:
            pool.shutdown(cancel_futures=True)


def stop_if_unmoved(training: Training, best: Mapping[str, float]) -> None:
    """Raise UnmovedError with the name of a family that has gained nothing for too long."""
    if training.seconds < training.schedule.unmoved_minutes * 60:
        return
    for family, gain in best.items():
        if family != SOUND and gain < MOVED_DB:
            training.save()
            raise UnmovedError(
                f"{training.name}: {family} has gained {gain:.2f} dB after "
                f"{training.seconds / 60:.0f} minutes; change what it is shown, then run again"
            )


def last_state(out: Path, name: str) -> dict[str, float]:
    """The state that `Training.publish` wrote; empty if there is none."""
    file = out / f"{name}.state.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
