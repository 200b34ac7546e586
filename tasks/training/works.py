"""Works for training: decoded once, and stored as arrays, of which crops can be read quickly.

A strongly compressed file has JPEG blocks, and a network that is trained to reproduce them learns
to keep them. Such works are used only at a reduced size.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import numpy as np

from patina.errors import InputError
from patina.formats import suffixes_of
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import load_srgb, to_uint8
from patina.tasks.io.atomic import write_json

SUFFIXES = suffixes_of(("JPEG", "PNG", "TIFF", "WebP"))
MAX_PX = 2600  # long side to which larger works are reduced
SMALL_PX = 288  # short side of `Work.small`
MIN_PX = 256  # minimum length of the short side
BLOCKY = 1.12  # works with a higher `grid_step_ratio` are used only at a reduced size
HELD_OUT, GROUPS = 5, 14  # works whose name hashes to this remainder are never trained on
SCALES = (0.3, 1.0)  # limits of the scale factor of a work, drawn at random
BLOCKY_SCALES = (0.3, 0.62)  # the same for a blocky work


@dataclass(frozen=True)
class Work:
    """A decoded work.

    path: of its pixels, a .npy file with uint8 (H, W, 3), sRGB. blocky: whether JPEG blocks are
    visible.
    """

    path: str
    blocky: bool

    @property
    def pixels(self) -> np.ndarray:
        """The pixels as a memory map, uint8 (H, W, 3), sRGB."""
        return _mapped(self.path)

    @property
    def small(self) -> np.ndarray:
        """The work reduced to SMALL_PX on the short side, uint8 (h, w, 3), kept in memory."""
        return _small(self.path)


@cache
def _mapped(path: str) -> np.ndarray:
    return np.load(path, mmap_mode="r")


@cache
def _small(path: str) -> np.ndarray:
    pixels = _mapped(path)
    return reduced(pixels, SMALL_PX / min(pixels.shape[:2]))


def reduced(pixels: np.ndarray, share: float) -> np.ndarray:
    """A work, uint8 (h, w, 3), resized to this share of its sides; it is never enlarged."""
    share = min(1.0, share)
    size = round(pixels.shape[1] * share), round(pixels.shape[0] * share)
    return cv2.resize(np.asarray(pixels), size, interpolation=cv2.INTER_AREA)


def is_held_out(name: str) -> bool:
    """Whether the work with that file name (without suffix) is reserved for evaluation."""
    return crc32(name.encode()) % GROUPS == HELD_OUT


def decode_works(folders: Sequence[Path], out: Path) -> list[Work]:
    """Decode all works in `folders` and their subfolders into `out`; those in `out` are kept.

    Works that are held out, too small, truncated or unreadable are left out. The result is sorted
    by path. Raises InputError if no work is left.
    """
    works = decode_files(list(_sources(folders)), out)
    if not works:
        raise InputError(f"{', '.join(map(str, folders))}: there is no image for training")
    return works


def decode_files(files: Sequence[Path], out: Path, min_px: int = MIN_PX) -> list[Work]:
    """As `decode_works`, for single files. min_px: minimum length of the short side."""
    out.mkdir(parents=True, exist_ok=True)
    works = []
    for source in files:
        facts = out / f"{source.parent.name}-{source.stem}.json"
        if not facts.exists():
            _decode(source, facts, min_px)
        known = json.loads(facts.read_text(encoding="utf-8"))
        if known["use"]:
            works.append(Work(str(facts.with_suffix(".npy")), known["blocky"]))
    return works


def _sources(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and not is_held_out(path.stem):
                yield path


def _decode(source: Path, facts: Path, min_px: int) -> None:
    try:
        pixels = load_srgb(source, long_side_px=MAX_PX)
        use = min(pixels.shape[:2]) >= min_px and not is_cut_off(pixels)
    except ImageError:
        use = False
    if use:
        draft = facts.with_suffix(".draft.npy")
        np.save(draft, pixels)
        draft.replace(facts.with_suffix(".npy"))
    write_json(facts, {"use": use, "blocky": use and grid_step_ratio(pixels) > BLOCKY})


def is_cut_off(pixels: np.ndarray) -> bool:
    """Whether the last 16 rows of uint8 (H, W, 3) have one colour, as in a truncated file."""
    tail = pixels[-16:].reshape(-1, 3)
    return bool((tail == tail[0]).all())


def grid_step_ratio(pixels: np.ndarray) -> float:
    """The mean step across JPEG's 8×8 grid divided by the mean of all other steps.

    pixels: uint8 (H, W, 3), with the grid at the first pixel. It is about 1 without a grid; the
    higher value of both directions counts, and steps above 24 count as 24.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(np.int16)
    ratios = []
    for turned in (grey, grey.T):
        steps = np.minimum(np.abs(np.diff(turned, axis=1)), 24).mean(axis=0)
        at_grid = np.arange(len(steps)) % 8 == 7
        ratios.append(float(steps[at_grid].mean() / max(steps[~at_grid].mean(), 1e-6)))
    return max(ratios)


def draw_crop(
    works: Sequence[Any],
    rng: np.random.Generator,
    side_px: int,
    scales: tuple[float, float] | None = None,
) -> np.ndarray:
    """A random square of a random work, at a random scale, mirrored and rotated at random.

    works: Works, or, if `scales` is given, any objects with `pixels`. scales: limits of the scale
    factor; None: SCALES or BLOCKY_SCALES. Returns float32 (side_px, side_px, 3), sRGB in [0, 1].
    """
    work = works[int(rng.integers(len(works)))]
    pixels = work.pixels
    low, high = scales or (BLOCKY_SCALES if work.blocky else SCALES)
    full_size = not scales and not work.blocky and rng.random() < 0.4
    scale = high if full_size else rng.uniform(low, high)
    side = min(int(np.ceil(side_px / scale)), *pixels.shape[:2])
    top, left = (int(rng.integers(length - side + 1)) for length in pixels.shape[:2])
    crop = np.asarray(pixels[top : top + side, left : left + side])
    if side != side_px:
        crop = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
    crop = np.rot90(crop[:, ::-1] if rng.random() < 0.5 else crop, int(rng.integers(4)))
    return np.ascontiguousarray(crop).astype(np.float32) / 255


def turned(images: Sequence[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """The images (h, w, C), float in [0, 1], as uint8, all mirrored and rotated alike at random."""
    turn, mirrored = int(rng.integers(4)), int(rng.choice([-1, 1]))
    return tuple(to_uint8(np.rot90(each[:, ::mirrored], turn)) for each in images)


def draw_part(
    works: Sequence[Any], rng: np.random.Generator, side_px: int, shares: tuple[float, float]
) -> np.ndarray:
    """A square part of a random work, resized, float32 (side_px, side_px, 3), sRGB in [0, 1].

    works: as for `draw_crop`. shares: limits of its side, as a share of the work's short side.
    """
    pixels = works[int(rng.integers(len(works)))].pixels
    side = int(min(pixels.shape[:2]) * rng.uniform(*shares))
    top, left = (int(rng.integers(length - side + 1)) for length in pixels.shape[:2])
    part = np.asarray(pixels[top : top + side, left : left + side])
    way = cv2.INTER_AREA if side > side_px else cv2.INTER_LINEAR
    return cv2.resize(part, (side_px, side_px), interpolation=way).astype(np.float32) / 255
