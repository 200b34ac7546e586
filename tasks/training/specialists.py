"""Train one specialist: Keras and NumPy alone, resumable at any moment, gain told by family.

python -m patina.tasks.training.specialists detail --works FOLDER... --out FOLDER --steps 9000
"""

import argparse
import csv
import json
import math
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from patina.models import losses, tone
from patina.models.detail import detail, jpeg
from patina.models.inpainting import compose, inpainting
from patina.models.registry import set_precision
from patina.models.segmentation import segmentation
from patina.tasks.io.atomic import move_whole, write_json
from patina.tasks.io.parallel import start_worker
from patina.tasks.training import curriculum
from patina.tasks.training.works import Work, decode_works

AVERAGED_EVERY, AVERAGED_SHARE = 25, 0.95  # steps; of the mean that each look at the weights keeps
CHECKED = 24  # held-back samples of each family
CHECK_EVERY = 500
SAVE_EVERY_S = 120
UNMOVED_S, MOVED_DB = 900, 0.05
SEED_CHECK = 2**31


class UnmovedError(RuntimeError):
    """A family of damage has not gained anything in UNMOVED_S."""


@dataclass(frozen=True)
class Specialist:
    """How a network is built and what it is shown.

    build: of the network. data: with `families` and `sample`, see `curriculum`. loss: of
    (target, output), a value an image. targets: of a batch's arrays, what the network is given and
    the target. gain: of (given, target, output) arrays, dB or a coefficient an image.
    """

    build: Callable[..., keras.Model]
    data: Any
    loss: Callable
    targets: Callable
    gain: Callable
    batch: int = 16
    learning_rate: float = 1e-3


def residual_target(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(damaged, sound) -> what a network that gives a residual is given, and what it is to give."""
    given, sound = (each.astype(np.float32) / 255 for each in arrays)
    return given, sound - given


def gain_db(given: np.ndarray, target: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """By how much each image came nearer to the truth, dB, errors below 50 dB counted as that."""
    before = np.mean(target**2, axis=(1, 2, 3)) + 1e-5
    after = np.mean((target - residual) ** 2, axis=(1, 2, 3)) + 1e-5
    return 10 * np.log10(before / after)


def mask_target(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(damaged, sound, masks) -> the damaged image, and the masks."""
    return arrays[0].astype(np.float32) / 255, arrays[2].astype(np.float32) / 255


def overlap(given: np.ndarray, masks: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The soft Dice coefficient of each image; of a sound one, minus its false share."""
    likely = 1 / (1 + np.exp(-logits))
    both = (masks * likely).sum(axis=(1, 2, 3))
    dice = 2 * both / ((masks + likely).sum(axis=(1, 2, 3)) + 1e-6)
    return np.where(masks.sum(axis=(1, 2, 3)) < 1, -(likely > 0.5).mean(axis=(1, 2, 3)), dice)


def fill_target(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(given, sound) -> what `patina.models.inpainting` is given, and that with the sound image."""
    given, sound = (each.astype(np.float32) / 255 for each in arrays)
    return given, np.concatenate([given, sound], axis=3)


def fill_gain_db(given: np.ndarray, target: np.ndarray, output: np.ndarray) -> np.ndarray:
    """By how much each fill is nearer to the truth than the classical one, dB."""
    mask, clean = given[..., 6:], target[..., 7:]
    area = 3 * mask.sum(axis=(1, 2, 3)) + 1
    errors = [
        (mask * (fill - clean) ** 2).sum(axis=(1, 2, 3)) / area + 1e-4
        for fill in (given[..., 3:6], np.asarray(compose(given, output)))
    ]
    return 10 * np.log10(errors[0] / errors[1])


def tone_target(arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(changed, sound) -> the changed view, and both."""
    views = [each.astype(np.float32) / 255 for each in arrays]
    return views[0], np.concatenate(views, axis=3)


def tone_gain_db(view: np.ndarray, target: np.ndarray, change: np.ndarray) -> np.ndarray:
    """By how much each view came nearer to the sound one, dB."""
    return gain_db(view, target[..., 3:] - view, np.asarray(tone.compose(view, change)) - view)


SPECIALISTS = {
    "detail": Specialist(detail, curriculum.DETAIL, losses.decibels, residual_target, gain_db),
    "jpeg": Specialist(jpeg, curriculum.JPEG, losses.decibels, residual_target, gain_db),
    "segmentation": Specialist(
        segmentation,
        curriculum.SEGMENTATION,
        losses.class_entropy,
        mask_target,
        overlap,
        batch=8,
        learning_rate=7e-4,
    ),
    "inpainting": Specialist(
        inpainting,
        curriculum.INPAINTING,
        losses.masked_decibels,
        fill_target,
        fill_gain_db,
        learning_rate=5e-4,
    ),
    "tone": Specialist(
        tone.tone, curriculum.TONE, losses.colour_error, tone_target, tone_gain_db, batch=32
    ),
}


def make_batch(name: str, works: Sequence[Work], seed: int, step: int) -> tuple[np.ndarray, ...]:
    """Arrays of a batch, uint8; the same for the same seed and step."""
    specialist = SPECIALISTS[name]
    rng = np.random.default_rng([seed, step])
    families = specialist.data.families
    weights = np.array([weight for weight, _ in families.values()])
    samples: list[tuple[np.ndarray, ...]] = []
    while len(samples) < specialist.batch:
        family = rng.choice(list(families), p=weights / weights.sum())
        samples += specialist.data.samples(works, rng, str(family))
    return tuple(np.stack(each) for each in zip(*samples[: specialist.batch], strict=True))


class Training:
    """A network, its averaged weights and where its training stands, in a folder."""

    def __init__(self, name: str, out: Path, *, steps: int, learning_rate: float) -> None:
        self.name, self.out, self.steps = name, out, steps
        self.specialist = SPECIALISTS[name]
        self.file, self.state_file = out / f"{name}.training.keras", out / f"{name}.state.json"
        self.done, self.seconds = 0, 0.0
        self.network = self.specialist.build()
        self.learning_rate = learning_rate
        if self.file.exists():
            state = json.loads(self.state_file.read_text(encoding="utf-8"))
            self.done, self.seconds = state["steps"], state["seconds"]
            self.network = keras.saving.load_model(self.file)
        else:
            descent = keras.optimizers.Adam(learning_rate, beta_2=0.99, clipnorm=1.0)
            self.network.compile(optimizer=descent, loss=self.specialist.loss, jit_compile=False)
        self.averaged = self.network.get_weights()
        if self.averaged_file.exists():
            self.averaged = keras.saving.load_model(self.averaged_file, compile=False).get_weights()

    def begin_from(self, file: Path) -> None:
        """Set the weights of a network filed at `file`. Raises ValueError when they do not fit."""
        self.network.set_weights(keras.saving.load_model(file, compile=False).get_weights())
        self.averaged = self.network.get_weights()

    @property
    def averaged_file(self) -> Path:
        return self.out / f"{self.name}.keras"

    def rate(self) -> float:
        """Up over 200 steps, then down a half cosine to nothing at the last one."""
        done = self.done / self.steps
        return (
            self.learning_rate
            * min(1, (self.done + 1) / 200)
            * (0.5 + 0.5 * math.cos(math.pi * min(done, 1)))
        )

    def step(self, arrays: tuple[np.ndarray, ...]) -> float:
        """Learn from a batch; returns its loss."""
        self.network.optimizer.learning_rate = self.rate()
        loss = float(self.network.train_on_batch(*self.specialist.targets(arrays)))
        if not math.isfinite(loss):
            raise RuntimeError(f"{self.name}: the loss is {loss} at step {self.done}")
        self.done += 1
        if self.done % AVERAGED_EVERY == 0:
            keep = min(AVERAGED_SHARE, self.done / AVERAGED_EVERY / 10)
            weights = self.network.get_weights()
            self.averaged = [
                keep * old + (1 - keep) * new
                for old, new in zip(self.averaged, weights, strict=True)
            ]
        return loss

    def check(self, held_back: dict[str, tuple[np.ndarray, ...]]) -> dict[str, float]:
        """Mean gain of each family under the averaged weights, dB."""
        raw = self.network.get_weights()
        self.network.set_weights(self.averaged)
        gains = {}
        for family, arrays in held_back.items():
            given, target = self.specialist.targets(arrays)
            output = np.asarray(self.network.predict_on_batch(given))
            gains[family] = float(np.mean(self.specialist.gain(given, target, output)))
        self.network.set_weights(raw)
        return gains

    def save(self) -> None:
        """File the training and, plain, the averaged network; each whole."""
        self.out.mkdir(parents=True, exist_ok=True)
        averaged = keras.models.clone_model(self.network)
        averaged.set_weights(self.averaged)
        for network, path in ((self.network, self.file), (averaged, self.averaged_file)):
            draft = path.with_name(f"draft-{path.name}")
            network.save(draft)
            move_whole(draft, path)
        state = {"steps": self.done, "of": self.steps, "seconds": round(self.seconds, 1)}
        write_json(self.state_file, state)


def train(
    training: Training, works: Sequence[Work], *, seed: int, minutes: float, workers: int
) -> None:
    """Train to the last step, or for so many minutes; gains go to NAME.history.csv."""
    held_back = held_back_samples(training.name, works)
    started = saved = time.monotonic()
    before, moved_at = training.seconds, dict.fromkeys(held_back, 0.0)
    best = dict.fromkeys(held_back, -math.inf)
    losses: list[float] = []
    for arrays in _batches(training, works, seed, workers):
        losses.append(training.step(arrays))
        now = time.monotonic()
        training.seconds = before + now - started
        over = training.done >= training.steps or now - started > minutes * 60
        if training.done % CHECK_EVERY == 0 or over:
            gains = training.check(held_back)
            _tell(training, gains, float(np.mean(losses)))
            losses = []
            for family, gain in gains.items():
                if gain > best[family] + MOVED_DB:
                    best[family], moved_at[family] = gain, training.seconds
            _stop_unmoved(training, best, moved_at)
        if now - saved > SAVE_EVERY_S or over:
            training.save()
            saved = now
        if over:
            return


def held_back_samples(name: str, works: Sequence[Work]) -> dict[str, tuple[np.ndarray, ...]]:
    """The same CHECKED samples of each family in every training."""
    data = SPECIALISTS[name].data
    samples = {}
    for number, family in enumerate(data.families):
        rng = np.random.default_rng([SEED_CHECK, number])
        drawn: list[tuple[np.ndarray, ...]] = []
        while len(drawn) < CHECKED:
            drawn += data.samples(works, rng, family)
        samples[family] = tuple(np.stack(each) for each in zip(*drawn[:CHECKED], strict=True))
    return samples


def _batches(
    training: Training, works: Sequence[Work], seed: int, workers: int
) -> Iterator[tuple[np.ndarray, ...]]:
    """Batches by step number, made ahead in processes of their own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=start_worker) as pool:
        coming: deque = deque()
        for step in range(training.done, training.steps):
            while len(coming) < 4 * workers and step + len(coming) < training.steps:
                ahead = step + len(coming)
                coming.append(pool.submit(make_batch, training.name, works, seed, ahead))
            yield coming.popleft().result()


def _tell(training: Training, gains: dict[str, float], loss: float) -> None:
    minutes = training.seconds / 60
    figures = "  ".join(f"{family} {gain:+.2f}" for family, gain in gains.items())
    line = f"{training.name} {training.done}/{training.steps}  {minutes:.1f} min  "
    print(f"{line}loss {loss:.3f}  gain dB: {figures}", flush=True)  # noqa: T201
    history = training.out / f"{training.name}.history.csv"
    history.parent.mkdir(parents=True, exist_ok=True)
    new = not history.exists()
    with history.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(["step", "minutes", "loss", *gains])
        gained = [round(gain, 3) for gain in gains.values()]
        rows.writerow([training.done, round(minutes, 2), round(loss, 4), *gained])


def _stop_unmoved(training: Training, best: dict[str, float], moved_at: dict[str, float]) -> None:
    for family, gain in best.items():
        if family != "sound" and gain < MOVED_DB and training.seconds > UNMOVED_S:
            training.save()
            raise UnmovedError(
                f"{training.name}: {family} has gained {gain:.2f} dB after "
                f"{training.seconds / 60:.0f} minutes; change what it is shown, then run again"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the specialist that is named, from where its last training stopped."""
    parser = argparse.ArgumentParser(description="Train one specialist.")
    parser.add_argument("name", choices=sorted(SPECIALISTS))
    parser.add_argument("--works", nargs="+", type=Path, required=True, help="folders of works")
    parser.add_argument("--out", type=Path, required=True, help="where checkpoints are filed")
    parser.add_argument("--decoded", type=Path, required=True, help="where decoded works are kept")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--start", type=Path, help="a network's .keras to begin with")
    parser.add_argument("--rate", type=float, help="the highest learning rate")
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so many")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    works = decode_works(asked.works, asked.decoded)
    set_precision("auto")
    keras.utils.set_random_seed(asked.seed)
    rate = asked.rate or SPECIALISTS[asked.name].learning_rate
    training = Training(asked.name, asked.out, steps=asked.steps, learning_rate=rate)
    if asked.start and not training.done:
        training.begin_from(asked.start)
    print(f"{asked.name}: {training.network.count_params():,} parameters, {len(works)} works")  # noqa: T201
    train(training, works, seed=asked.seed, minutes=asked.minutes, workers=asked.workers)


if __name__ == "__main__":
    main()
