"""Restorers with known changes, scans for them, and the command line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from patina.models import CLASSES, TONE
from patina.tasks.restoration.gates import Gates
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
    """The pixels of the image file `path`, (H, W, bands)."""
    image = pyvips.Image.new_from_file(str(path))
    return image.numpy().reshape(image.height, image.width, -1)


def restorer(
    shift: float, *, noise: float = 0, damaged: float = -40, fill: float = 0, **applied: Any
) -> Restorer:
    """A restorer that adds `shift` to all pixels, a chequered `noise`, and `fill` to the damage.

    damaged: logit of the damage in the upper half; the lower half has none, also if a view is
    mirrored. applied: fields of Restorer that replace the defaults.
    """

    def chequers(tile: np.ndarray) -> np.ndarray:
        rows, columns = np.indices(tile.shape[1:3])
        signs = np.where((rows + columns) % 2, 1, -1)[None, ..., None]
        return np.repeat(np.float32(noise) * signs, 3, axis=3).astype(np.float32)

    def segmentation(tile: np.ndarray) -> np.ndarray:
        logits = np.full((*tile.shape[:3], len(CLASSES)), -40, np.float32)
        logits[:, : tile.shape[1] // 2, :, CLASSES.index("area")] = damaged
        return logits

    def inpainting(given: np.ndarray) -> np.ndarray:
        output = np.full((*given.shape[:3], 4), fill, np.float32)
        output[..., 3] = 0.9  # the weight of the image is 1
        return output

    def tone(view: np.ndarray) -> np.ndarray:
        change = np.zeros((len(view), TONE.grid, TONE.grid, 19), np.float32)
        change[..., TONE.matrix] = np.float32([[0, 0, 0, shift]] * 3).ravel()
        change[..., TONE.amount] = abs(shift)
        return change

    networks = {
        "noise": chequers,
        "segmentation": segmentation,
        "inpainting": inpainting,
        "tone": tone,
    }
    facts = {"file": "shift", "sha256": f"{shift}"}
    usual: dict[str, Any] = {"gates": Gates.opened(), "tile_px": 1024, "overlap_px": 32}
    return Restorer(networks, facts, **(usual | applied))


def patina(folder: Path, *words: str, before: str = "") -> subprocess.Popen:
    """Start the command `patina` in `folder`. before: Python code that runs first."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}from patina.cli import main; main()", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
