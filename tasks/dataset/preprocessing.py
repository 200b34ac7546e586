"""Brings works into one form: upright, sRGB, 8 bit, working size, lossless."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from patina.tasks.imaging import images
from patina.tasks.io.atomic import Record, json_bytes
from patina.tasks.io.item_store import ItemStore

VERSION = 2  # raise it if the bytes that `prepare` writes change


def prepare(source: Path, key: str, store: ItemStore, *, working_px: int) -> None:
    """Write the clean form of `source`, its size and perceptual hash as the item `key`.

    working_px: long side in pixels; a smaller work keeps its size.
    Raises ImageError if `source` cannot be read.
    """
    clean = images.load_srgb(source, long_side_px=working_px)
    png = images.png_bytes(clean)
    height, width = clean.shape[:2]
    facts: Record = {
        "sha256": hashlib.sha256(png).hexdigest(),
        "width": width,
        "height": height,
        "phash": f"{perceptual_hash(clean):016x}",
    }
    with store.filing(key) as folder:
        (folder / "clean.png").write_bytes(png)
        (folder / "facts.json").write_bytes(json_bytes(facts))


def perceptual_hash(image: np.ndarray) -> int:
    """A 64-bit hash of `image`, uint8 (H, W, 3); near-duplicates differ in a few bits only.

    Each bit says whether one of the lowest 8×8 frequencies of the 32×32 grey image is above their
    median. Source: C. Zauner, "Implementation and benchmarking of perceptual image hash functions"
    (2010).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return int("".join("1" if bit else "0" for bit in bits), 2)
