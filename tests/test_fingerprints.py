"""The pixels of each degradation are recorded, so that they cannot change unnoticed.

`python tests/test_fingerprints.py` records them in fingerprints.json. Run it if they change on
purpose, or a degradation is added.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from patina.tasks.degradations import DEGRADATIONS

FILE = Path(__file__).with_name("fingerprints.json")
PINNED: dict[str, list[float]] = json.loads(FILE.read_text()) if FILE.exists() else {}
SIDE = 96  # pixels
CELLS = 4  # down and across


def fingerprint(name: str) -> list[float]:
    """Means of the change over CELLS × CELLS cells, for red, green, blue and mask, in 8-bit steps.

    It is not a digest of the bytes, because processors round differently.
    """
    rng = np.random.default_rng(3)
    ground = rng.uniform(0.1, 0.9, (6, 6, 3)).astype(np.float32)
    image = np.clip(cv2.resize(ground, (SIDE, SIDE)), 0, 1)
    damaged, mask = DEGRADATIONS[name](image, np.random.default_rng(0), severity=0.7)
    shown = np.zeros((SIDE, SIDE, 1), np.float32) if mask is None else mask[..., None]
    done = np.concatenate([damaged - image, shown], axis=-1).astype(np.float64) * 255
    cells = done.reshape(CELLS, SIDE // CELLS, CELLS, SIDE // CELLS, 4).mean(axis=(1, 3))
    return [round(float(mean), 3) for mean in cells.ravel()]


def test_every_degradation_has_a_recorded_fingerprint() -> None:
    assert sorted(PINNED) == sorted(DEGRADATIONS), f"run: python {Path(__file__).name}"


@pytest.mark.parametrize("name", sorted(PINNED.keys() & DEGRADATIONS.keys()))
def test_a_degradation_gives_its_recorded_pixels(name: str) -> None:
    np.testing.assert_allclose(fingerprint(name), PINNED[name], atol=0.1)


if __name__ == "__main__":
    lines = [f'"{name}": {json.dumps(fingerprint(name))}' for name in sorted(DEGRADATIONS)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"{len(lines)} degradations -> {FILE}\n")
