"""`python -m patina.tasks.training.judge`: trains the judges of a model.

A judge is a small classifier, see `patina.tasks.restoration.judge`. Those of `noise` and `blur`
predict whether the network improves a work by more than GAIN_DB. Their samples are parts of works,
undamaged or with damage of a capture, whose features are computed by
`patina.tasks.restoration.capture_features`. Those of pieces and areas predict whether a piece that
`segmentation` found, or an area that `areas` found, is damage; that of stains, whether the
correction of a stain that `stain_segmentation` found improves the work.
"""

import argparse
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from patina.tasks.io.atomic import Record, json_line, write_bytes
from patina.tasks.restoration.capture_features import features
from patina.tasks.restoration.capture_gates import NOISE_ROLES, sample_tiles
from patina.tasks.restoration.inference import Networks
from patina.tasks.restoration.judge import CLIP_SD, Judge
from patina.tasks.restoration.tiling import Network, rows_of
from patina.tasks.training import capture, piece_samples, stain_samples
from patina.tasks.training.curriculum import HARD_SHARE, hard_works_painted
from patina.tasks.training.whole_works import WHOLE_PX, at_most, judged_works
from patina.tasks.training.works import Work, decode_works, draw_crop

THRESHOLD = 0.7  # probability from which on a sample counts as positive in the error rates
LARGE_PX = 2000  # size of a piece from which on its weight no longer grows
MEMBERS, UNITS, EPOCHS = 8, 32, 60  # number of perceptrons of a judge; of each: units, epochs
NEGATIVE_WEIGHT = 3.0  # weight of a negative sample; a positive one has 1
MIN_DEVIATION = 1e-3  # minimum standard deviation of a feature
GAIN_DB = 0.25  # a smaller gain does not justify a change of a work
TILE_PX = 192  # side of the four tiles of each part
SOUND_SHARE = 0.55  # share of the undamaged samples

Image = np.ndarray
Rng = np.random.Generator
Sample = tuple[dict[str, float], float]  # features; gain in PSNR, dB
DAMAGES: dict[str, tuple[Callable[[Image, Rng], Image], ...]] = {
    "noise": (*[capture.noisy] * 3, capture.film_grain, capture.noisy_compressed),
    "compressed_noise": (*[capture.noisy] * 3, capture.film_grain, capture.noisy_recompressed),
    "blur": (capture.blurred,),
}
# Networks whose pieces are judged
FINDERS = {"piece": "segmentation", "area": "areas", "stain": "stain_segmentation"}
JUDGES = (*DAMAGES, *FINDERS)


def sample(works: Sequence[Work], role: str, network: Network, rng: Rng) -> Sample:
    """The features of a random part of a work, and the gain in PSNR of the network on it, dB.

    role: of DAMAGES. network: from a tile float32 (1, h, w, 3) to its residual.
    """
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
    starts = [(top, left) for top in (0, TILE_PX) for left in (0, TILE_PX)]
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
) -> Iterator[list[Sample]]:
    """`count` lists of samples, see `sample`; they depend only on the seed.

    For a network of noise, some are of a whole undamaged work, see `judged_works`, at its own size
    and reduced: brushwork and paper can look like noise at one size, and not at another.
    """

    def of_random(rng: Rng) -> list[Sample]:
        return [sample(works, role, network, rng)]

    def of_whole(pixels: np.ndarray) -> list[Sample]:
        views = [at_most(pixels, long_px) for long_px in (math.inf, WHOLE_PX)]
        return [(_features(view, network), 0.0) for view in views]

    if role in NOISE_ROLES:
        yield from judged_works(works, count, seed, of_whole, of_random)
        return
    for number in range(count):
        yield of_random(np.random.default_rng([seed, number]))


def _features(work: np.ndarray, network: Network) -> dict[str, float]:
    tiles = [*sample_tiles(rows_of(work), *work.shape[:2])]
    return features(tiles, [network(tile) for tile in tiles])


def fitted(
    rows: Sequence[Mapping[str, float]], positive: np.ndarray, weights: np.ndarray | None = None
) -> Record:
    """Train a `patina.tasks.restoration.judge.Judge`; returns its values and its error rates.

    rows: features of each sample. positive: bool (n,), whether the change improves the sample, or
    the piece is damage. weights: float (n,), of each sample. Several small perceptrons are trained,
    and joined to one wider perceptron, which gives the mean of their logits. "wrongly_done" is the
    share of the negative samples above THRESHOLD, "wrongly_left" that of the positive ones below.
    """
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), MIN_DEVIATION)
    standardised = np.clip((table - mean) / scale, -CLIP_SD, CLIP_SD)
    # To change an undamaged work is worse than to leave a damaged one
    counts = np.where(positive, 1.0, NEGATIVE_WEIGHT) * (1.0 if weights is None else weights)
    members = [_perceptron(standardised, positive, counts, seed) for seed in range(MEMBERS)]
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
    probabilities = np.array([judge.probability(row) for row in rows])
    return record | {
        "wrongly_done": round(float((probabilities[~positive] > THRESHOLD).mean()), 4),
        "wrongly_left": round(float((probabilities[positive] < THRESHOLD).mean()), 4),
    }


def _perceptron(table: np.ndarray, positive: np.ndarray, weights: np.ndarray, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    member = MLPClassifier(
        (UNITS,), alpha=1.0, learning_rate_init=3e-3, max_iter=EPOCHS, random_state=seed
    )
    with warnings.catch_warnings(category=ConvergenceWarning, action="ignore"):
        return member.fit(table, positive, sample_weight=weights / weights.mean())


def piece_judge(
    works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int, finder: str
) -> Record:
    """Train the judge of the pieces that the network `finder` finds; returns as `fitted`.

    count: number of works. All pieces of a work together have a limited weight.
    """
    rows, positive, weights = [], [], []
    for pieces in piece_samples.samples(works, finder, networks[finder], count, seed):
        for found, is_damage, px in pieces:
            rows.append(found)
            positive.append(is_damage)
            weights.append(min(px, LARGE_PX) ** 0.5 / max(len(pieces), 4))
    return fitted(rows, np.array(positive), np.array(weights) / np.mean(weights))


def stain_judge(
    works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int
) -> Record:
    """Train the judge of stains; returns as `fitted`. count: number of works."""
    drawn = [
        each for of_work in stain_samples.samples(works, networks, count, seed) for each in of_work
    ]
    return fitted([found for found, _ in drawn], np.array([helps for _, helps in drawn]))


def judge_of(
    role: str, works: Sequence[Work], networks: Mapping[str, Network], count: int, seed: int
) -> Record:
    """Train one of JUDGES; returns as `fitted`. count: number of samples, or works in FINDERS."""
    if role == "stain":
        return stain_judge(works, networks, count, seed)
    if role in FINDERS:
        return piece_judge(works, networks, count, seed, FINDERS[role])
    drawn = [*chain.from_iterable(samples(works, role, networks[role], count, seed))]
    positive = np.array([gain > GAIN_DB for _, gain in drawn])
    return fitted([found for found, _ in drawn], positive)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. arguments: of the command line; None: sys.argv.

    It writes judge.json beside a model; judges in this file that are not trained stay.
    """
    parser = argparse.ArgumentParser(description="Train the judges of a model.")
    parser.add_argument("model", type=Path, help="a .keras file with its graph, or a graph (.xml)")
    parser.add_argument("--works", nargs="+", type=Path, required=True, help="folders of works")
    parser.add_argument("--decoded", type=Path, required=True, help="folder for decoded works")
    parser.add_argument(
        "--samples",
        type=int,
        default=1500,
        help="samples of the judges of noise and blur, works of those of pieces and areas",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    parser.add_argument(
        "--only", nargs="+", choices=JUDGES, default=JUDGES, help="train only these"
    )
    asked = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    works = decode_works(asked.works, asked.decoded)
    networks = Networks(asked.model)
    file = asked.model.with_name("judge.json")
    judges = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for role in asked.only:
        if FINDERS.get(role, role) in networks:
            judge = judge_of(role, works, networks, asked.samples, asked.seed)
            figures = {key: judge[key] for key in ("samples", "wrongly_done", "wrongly_left")}
            print(role, figures, flush=True)  # noqa: T201
            judges[role] = judge
            write_bytes(file, json_line(judges))


if __name__ == "__main__":
    main()
