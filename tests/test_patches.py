"""Batches follow from seed, epoch and step alone."""

from pathlib import Path

import numpy as np
import pytest

from tasks.images import png_bytes
from tasks.patches import Pair, reader, training_batches, validation_batches

DRAWN = {"steps": 3, "batch": 5, "patch_px": 32, "seed": 0}


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Works of 48 × 40 and 20 × 90 whose degraded form is 10 darker, pixel for pixel."""
    files = []
    for number, shape in enumerate([(48, 40, 3), (20, 90, 3)]):
        clean = np.random.default_rng(number).integers(10, 256, shape).astype(np.uint8)
        pair = (tmp_path / f"degraded-{number}.png", tmp_path / f"clean-{number}.png")
        for path, pixels in zip(pair, (clean - 10, clean), strict=True):
            path.write_bytes(png_bytes(pixels))
        files.append(pair)
    return files


def test_the_same_epoch_gives_the_same_batches_and_another_gives_others(pairs: list[Pair]) -> None:
    first, again, other = (
        np.stack([b[0] for b in training_batches(pairs, reader(90), epoch, **DRAWN)])
        for epoch in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_degraded_and_clean_patches_show_the_same_place(pairs: list[Pair]) -> None:
    differences = set()
    for degraded, clean in training_batches(pairs, reader(90), 0, **DRAWN | {"steps": 40}):
        assert degraded.shape == clean.shape == (5, 32, 32, 3)
        assert degraded.dtype == clean.dtype == np.float32
        differences |= set(np.rint((clean - degraded) * 255).ravel())
    assert differences == {0, 10}  # sound works are shown too, now and then


def test_validation_is_always_the_same_and_covers_the_works_evenly(pairs: list[Pair]) -> None:
    options = {"most": 4, "batch": 3, "patch_px": 32}
    batches = list(validation_batches(pairs * 5, reader(90), **options))
    assert [len(clean) for _, clean in batches] == [3, 1]
    again = list(validation_batches(pairs * 5, reader(90), **options))
    np.testing.assert_array_equal(batches[0][0], again[0][0])
