"""Restorers whose changes are known beforehand, scans for them, and the command as it is used."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyvips

from patina.models import DAMAGE, DETAIL, FILL
from patina.tasks.restoration.inpainting import AGREED
from patina.tasks.restoration.restorer import Restorer

HEIGHT, WIDTH = 70, 110


def scan(path: Path, *, bits: int = 8, bands: int = 3, profile: str = "") -> np.ndarray:
    """Write a scan of random pixels at 300 dpi, and return its pixels."""
    full = 2**bits - 1
    kind = np.uint8 if bits == 8 else np.uint16
    pixels = np.random.default_rng(0).integers(full // 4, full // 2, (HEIGHT, WIDTH, bands))
    grey, colour = ("b-w", "srgb") if bits == 8 else ("grey16", "rgb16")
    image = pyvips.Image.new_from_array(pixels.astype(kind)).copy(
        interpretation=grey if bands == 1 else colour, xres=300 / 25.4, yres=300 / 25.4
    )
    image.write_to_file(str(path), **({"profile": profile} if profile else {}))
    return pixels.astype(kind)


def pixels_of(path: Path) -> np.ndarray:
    image = pyvips.Image.new_from_file(str(path))
    return image.numpy().reshape(image.height, image.width, -1)


def restorer(shift: float, *, detail: float = 0, damaged: float = -40, fill: float = 0) -> Restorer:
    """Makes everything lighter by `shift`, adds chequers of `detail`, and fills with `fill`.

    damaged: the logit of a damage on the left half; there is none on the right one.
    """

    def interventions(tile: np.ndarray) -> np.ndarray:
        rows, columns = np.indices(tile.shape[1:3])
        parts = np.zeros((*tile.shape[:3], 8), np.float32)
        parts[..., AGREED] = 1
        parts[..., DAMAGE] = np.where(columns < tile.shape[2] / 2, damaged, -40)[..., None]
        parts[..., DETAIL] = detail * np.where((rows + columns) % 2, 1, -1)[..., None]
        parts[..., FILL] = fill
        return parts

    def estimate(_: np.ndarray) -> np.ndarray:
        return np.float32([[[0, 0, 0, shift]] * 3])

    facts = {"file": "shift", "sha256": f"{shift}"}
    return Restorer(
        lambda work: work[..., :1], interventions, estimate, facts, tile_px=1024, overlap_px=32
    )


def patina(folder: Path, *words: str, before: str = "") -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}from patina.cli import main; main()", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
