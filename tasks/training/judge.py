"""`python -m patina.tasks.training.judge`: train the judges of `detail`, `blur` and pieces.

Samples are parts of works, undamaged or with damage of a capture, analysed as in
`patina.tasks.restoration.capture`. For `detail` and for `blur`, a small neural network learns from
their features whether the network improves a part by more than GAIN_DB.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from patina.tasks.io.atomic import Record, write_json
from patina.tasks.restoration.capture import features
from patina.tasks.restoration.inference import Networks
from patina.tasks.restoration.judge import CLIP_SD, Judge
from patina.tasks.restoration.tiling import Network
from patina.tasks.training import capture, piece_samples
from patina.tasks.training.curriculum import HARD_SHARE, hard_works_painted
from patina.tasks.training.works import Work, decode_works, draw_crop

SURE = 0.7  # likelihood from which on something is done, here
LARGE_PX = 2000  # of a piece; a larger one weighs no more
MEMBERS, UNITS, EPOCHS = 8, 32, 60  # of a judge
WRONG_COUNTS = 3.0  # samples that should be left, against those that should be changed
EVEN = 1e-3  # standard deviation of a feature that is the same everywhere
GAIN_DB = 0.25  # less is not worth changing a work for
TILES, TILE_PX = 4, 192  # looked at of each part
SOUND_SHARE = 0.55  # of the samples

Image = np.ndarray
Rng = np.random.Generator
DAMAGES: dict[str, tuple[Callable[[Image, Rng], Image], ...]] = {
    "detail": (capture.noisy, capture.noisy, capture.noisy, capture.noisy_compressed),
    "blur": (capture.blurred,),
}
FINDERS = {"piece": "segmentation", "area": "areas"}  # networks whose pieces are judged
JUDGES = (*DAMAGES, *FINDERS)


def sample(
    works: Sequence[Work], role: str, network: Network, rng: Rng
) -> tuple[dict[str, float], float]:
    """The features of a random part of a work, and the gain of the network on it, dB."""
    side = 2 * TILE_PX
    sound = rng.random() < SOUND_SHARE
    if sound and rng.random() < HARD_SHARE:
        part = draw_crop(hard_works_painted(), rng, side, (0.8, 1.0))
    else:
        part = draw_crop(works, rng, side)
    shown = part
    if not sound:
        damages = DAMAGES[role]
        shown = damages[int(rng.integers(len(damages)))](part, rng)
    elif rng.random() < 0.3:
        shown = capture.compressed(part, rng, 85, 99)
    shown = np.rint(np.clip(shown, 0, 1) * 255).astype(np.float32) / 255
    starts = [(top, left) for top in (0, TILE_PX) for left in (0, TILE_PX)][:TILES]
    tiles = [shown[None, top : top + TILE_PX, left : left + TILE_PX] for top, left in starts]
    clean = [part[None, top : top + TILE_PX, left : left + TILE_PX] for top, left in starts]
    tiles = [np.ascontiguousarray(tile, np.float32) for tile in tiles]
    residuals = [network(tile) for tile in tiles]
    before = np.mean([np.square(t - c).mean() for t, c in zip(tiles, clean, strict=True)])
    after = np.mean(
        [np.square(t + r - c).mean() for t, r, c in zip(tiles, residuals, clean, strict=True)]
    )
    return features(tiles, residuals), float(10 * np.log10((before + 1e-5) / (after + 1e-5)))


def samples(
    works: Sequence[Work], role: str, network: Network, count: int, seed: int
) -> Iterator[tuple[dict[str, float], float]]:
    """`count` samples, the same for the same seed."""
    for number in range(count):
        yield sample(works, role, network, np.random.default_rng([seed, number]))


def fitted(
    rows: Sequence[Mapping[str, float]], right: np.ndarray, weights: np.ndarray | None = None
) -> Record:
    """The values of a `patina.tasks.restoration.judge.Judge`, and its error rates.

    rows: features of each sample. right: bool, whether the change is right. weights: of each
    sample. Several small perceptrons are trained; side by side they are one wider perceptron, which
    gives the mean of their logits.
    """
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), EVEN)
    even = np.clip((table - mean) / scale, -CLIP_SD, CLIP_SD)
    # What is done wrongly to a sound work counts more than what is left undone
    counts = np.where(right, 1.0, WRONG_COUNTS) * (1.0 if weights is None else weights)
    members = [_perceptron(even, right, counts, seed) for seed in range(MEMBERS)]
    record: Record = {
        "names": names,
        "mean": mean.round(6).tolist(),
        "scale": scale.round(6).tolist(),
        "hidden": np.hstack([each.coefs_[0] for each in members]).round(4).tolist(),
        "hidden_bias": np.hstack([each.intercepts_[0] for each in members]).round(4).tolist(),
        "weights": (np.vstack([each.coefs_[1] for each in members])[:, 0] / MEMBERS)
        .round(4)
        .tolist(),
        "bias": round(float(np.mean([each.intercepts_[1] for each in members])), 4),
        "samples": len(rows),
    }
    judge = Judge.of(record)
    likely = np.array([judge.likelihood(row) for row in rows])
    return record | {
        "wrongly_done": round(float((likely[~right] > SURE).mean()), 4),
        "wrongly_left": round(float((likely[right] < SURE).mean()), 4),
    }


def _perceptron(table: np.ndarray, right: np.ndarray, counts: np.ndarray, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    member = MLPClassifier(
        (UNITS,), alpha=1.0, learning_rate_init=3e-3, max_iter=EPOCHS, random_state=seed
    )
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(category=ConvergenceWarning, action="ignore"):
        return member.fit(table, right, sample_weight=counts / counts.mean())


def piece_judge(
    works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int, finder: str
) -> Record:
    """The judge of pieces of damage; all pieces of a work together have a limited weight.

    finder: the network that finds them.
    """
    rows, right, weights = [], [], []
    for pieces in piece_samples.samples(works, finder, networks[finder], count, seed):
        for found, true, px in pieces:
            rows.append(found)
            right.append(true)
            weights.append(min(px, LARGE_PX) ** 0.5 / max(len(pieces), 4))
    even = np.array(weights) / np.mean(weights)
    return fitted(rows, np.array(right), even)


def judge_of(
    role: str, works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int
) -> Record:
    """The judge of one of JUDGES, from `count` samples."""
    if role in FINDERS:
        return piece_judge(works, networks, count, seed, FINDERS[role])
    drawn = list(samples(works, role, networks[role], count, seed))
    gained = np.array([gain > GAIN_DB for _, gain in drawn])
    return fitted([found for found, _ in drawn], gained)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write judge.json beside a model; other judges in this file do not change."""
    parser = argparse.ArgumentParser(description="Learn when a work gains by a network.")
    parser.add_argument("model", type=Path, help="a restorer's .keras with its graph")
    parser.add_argument("--works", nargs="+", type=Path, required=True)
    parser.add_argument("--decoded", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=JUDGES, default=JUDGES, help="these judges")
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    works = decode_works(asked.works, asked.decoded)
    networks = Networks(asked.model)
    file = asked.model.with_name("judge.json")
    judges = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for role in asked.only:
        if FINDERS.get(role, role) in networks:
            judge = judge_of(role, works, networks, asked.samples, asked.seed)
            told = {key: judge[key] for key in ("samples", "wrongly_done", "wrongly_left")}
            print(role, told, flush=True)  # noqa: T201
            judges[role] = judge
            write_json(file, judges)


if __name__ == "__main__":
    main()
