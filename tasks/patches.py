"""Pairs of files -> batches of patches. Every draw follows from seed, epoch and step alone."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from tasks.images import read_png, to_float

Pair = tuple[Path, Path]  # degraded, clean
Batch = tuple[np.ndarray, np.ndarray]
Read = Callable[[Path], np.ndarray]

KEPT_BYTES = 2**30  # decoded works held in memory, at most about so much
SOUND_SHARE = 1 / 16  # pairs shown sound -> sound, so that sound pictures are left alone


def reader(working_px: int) -> Read:
    """`read_png` with a memory for the works of up to `working_px` a side that were read last."""
    return lru_cache(maxsize=max(16, KEPT_BYTES // (working_px**2 * 3)))(read_png)


def training_batches(
    pairs: Sequence[Pair],
    read: Read,
    epoch: int,
    *,
    steps: int,
    batch: int,
    patch_px: int,
    seed: int,
) -> Iterator[Batch]:
    """`steps` batches of random patches, float32 (batch, patch_px, patch_px, 3) in [0, 1].

    Each patch is of a pair of its own, turned and mirrored at random.
    """
    for step in range(steps):
        rng = np.random.default_rng([seed, epoch, step])
        patches = [
            _patch(pairs[int(rng.integers(len(pairs)))], read, rng, patch_px) for _ in range(batch)
        ]
        degraded, clean = zip(*patches, strict=True)
        yield to_float(np.stack(degraded)), to_float(np.stack(clean))


def _patch(
    pair: Pair, read: Read, rng: np.random.Generator, patch_px: int
) -> tuple[np.ndarray, np.ndarray]:
    degraded, clean = (_at_least(read(path), patch_px) for path in pair)
    if rng.random() < SOUND_SHARE:
        degraded = clean
    top, left = (int(rng.integers(size - patch_px + 1)) for size in clean.shape[:2])
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    window = np.s_[top : top + patch_px, left : left + patch_px]
    return _turned(degraded[window], turns, mirrored), _turned(clean[window], turns, mirrored)


def _turned(patch: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    return np.rot90(patch[:, ::-1] if mirrored else patch, turns)


def _at_least(image: np.ndarray, side_px: int) -> np.ndarray:
    """Reflect a smaller image outwards to `side_px`."""
    short = [(0, max(0, side_px - size)) for size in image.shape[:2]]
    return np.pad(image, (*short, (0, 0)), mode="symmetric") if np.any(short) else image


def validation_batches(
    pairs: Sequence[Pair], read: Read, *, most: int, batch: int, patch_px: int
) -> Iterator[Batch]:
    """The central patches of `most` pairs, spread evenly over `pairs`; always the same."""
    chosen = [
        pairs[i] for i in np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int).tolist()
    ]
    for start in range(0, len(chosen), batch):
        patches = [
            [_centre(_at_least(read(path), patch_px), patch_px) for path in pair]
            for pair in chosen[start : start + batch]
        ]
        degraded, clean = zip(*patches, strict=True)
        yield to_float(np.stack(degraded)), to_float(np.stack(clean))


def _centre(image: np.ndarray, side_px: int) -> np.ndarray:
    top, left = ((size - side_px) // 2 for size in image.shape[:2])
    return image[top : top + side_px, left : left + side_px]
