"""Draws docs/before-after.jpg: works degraded, restored with the default options, and as they were.

    python docs/before_after.py WORK=DAMAGE:SEVERITY...

WORK: a sound picture that the networks were never trained on. Each makes a row.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from patina import params
from patina.tasks.degradations import DEGRADATIONS
from patina.tasks.imaging.images import load_srgb, to_float, to_uint8
from patina.tasks.restoration.batch import load_restorer
from patina.tasks.restoration.weights import shipped

LONG_PX, SIDE_PX, GAP_PX = 640, 300, 6


def row(restorer, argument: str) -> np.ndarray:
    """Three squares beside each other, uint8 (SIDE_PX, …, 3)."""
    file, damage = argument.rsplit("=", 1)
    name, severity = damage.split(":")
    sound = load_srgb(Path(file), long_side_px=LONG_PX)
    rng = np.random.default_rng(0)
    degraded = to_uint8(DEGRADATIONS[name](to_float(sound), rng, severity=float(severity))[0])
    pictures = [degraded, restorer.restored(degraded), sound]
    top, left = ((side - SIDE_PX) // 2 for side in sound.shape[:2])
    gap = np.full((SIDE_PX, GAP_PX, 3), 255, np.uint8)
    cuts = [each[top : top + SIDE_PX, left : left + SIDE_PX] for each in pictures]
    return np.hstack([cuts[0], gap, cuts[1], gap, cuts[2]])


def main() -> None:
    restorer = load_restorer(shipped(), **params.load().restore.loading)
    rows = [row(restorer, argument) for argument in sys.argv[1:]]
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    parted = [part for each in rows for part in (each, gap)][:-1]
    out = str(Path(__file__).with_name("before-after.jpg"))
    cv2.imwrite(out, np.vstack(parted)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
