"""Measures the harm of restoration: every change of an undamaged work is harm.

    python benchmarks/harm.py [--sound FOLDER] [--names NAME,NAME] [--sizes 600,1200,2400]
        [--crop PIXELS] [--model FILE] [--json FILE]

Restores the hard works that Patina paints itself (patina.tasks.evaluation.hard_works), or the
images in FOLDER, with the default options. Prints a table, the worst work first: the PSNR of the
result against the work (100 dB: identical), the share of the pixels that changed, and the
treatments that changed them. --sizes: long sides of the hard works in pixels; larger images of
FOLDER are reduced to them. --crop: use only the middle of each work, a square of that side.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.formats import COLLECTED_SUFFIXES  # noqa: E402
from patina.tasks.evaluation.hard_works import SIZES_PX, hard_works  # noqa: E402
from patina.tasks.evaluation.metrics import psnr_db  # noqa: E402
from patina.tasks.evaluation.promotion_rules import MOST_DB, SOUND_DB  # noqa: E402
from patina.tasks.imaging.images import load_srgb, to_float, to_uint8  # noqa: E402
from patina.tasks.restoration.batch import chosen_model, load_restorer  # noqa: E402
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS as TREATMENTS  # noqa: E402
from patina.tasks.restoration.treatment_sentences import PARTS  # noqa: E402

NAMES = {name: name for name in TREATMENTS} | {"damage": "fill"}  # names in the table
SAME_DB = 100.0


class Restored(NamedTuple):
    """A result, uint8 (H, W, 3), and the treatments that changed it."""

    image: np.ndarray
    done: tuple[str, ...]


# (work, allowed treatments) -> result
Restore = Callable[[np.ndarray, tuple[str, ...]], Restored]


def restorer(model: Path | None) -> Restore:
    """Patina's restorer with the default options. model: file of the model; None: the default."""
    loading = params_file.load(ROOT / "params.yaml").restore.loading
    loaded = load_restorer(chosen_model(model), **loading)

    def restore(work: np.ndarray, treat: tuple[str, ...]) -> Restored:
        allowed = tuple(name for name in loaded.treat if name in treat)
        change, decided = replace(loaded, treat=allowed).change(to_float(work))
        done = (
            name
            for name in TREATMENTS
            if any(decided.get(part, {}).get("weight") for part in PARTS[name])
        )
        return Restored(to_uint8(to_float(work) + change), tuple(done))

    return restore


def main() -> None:
    """Measure the works and print the table."""
    cv2.setNumThreads(2)
    asked = arguments()
    restore, rows = restorer(asked.model), []
    for name, work in works(asked):
        started = time.perf_counter()
        rows.append(measured(name, work, restore))
        rows[-1]["seconds"] = round(time.perf_counter() - started, 2)
        if asked.json:  # after each work, so that an interrupted run has results, too
            asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(report(rows))  # noqa: T201


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sound", type=Path, help="Folder of undamaged images; the default is the hard works."
    )
    parser.add_argument(
        "--names",
        type=_listed,
        default=(),
        help="Names of the hard works to use; the default is all.",
    )
    parser.add_argument("--sizes", type=_listed, default=(), help="Long sides in pixels.")
    parser.add_argument(
        "--crop", type=int, default=0, help="Side in pixels of the middle square to use; 0: all."
    )
    parser.add_argument(
        "--model", type=Path, help="Model file; the default is the champion, else the shipped one."
    )
    parser.add_argument("--json", type=Path, help="JSON file for the figures of each work.")
    return parser.parse_args()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def works(asked: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Name and image of each work to restore."""
    sizes = [int(size) for size in asked.sizes]
    found = (
        of_folder(asked.sound, sizes)
        if asked.sound
        else hard_works(sizes or SIZES_PX, names=asked.names)
    )
    for name, image in found:
        yield name, middle(image, asked.crop) if asked.crop else image


def of_folder(folder: Path, sizes: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and image of each file in `folder` and its subfolders, reduced to each of `sizes`."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in COLLECTED_SUFFIXES)
    if not files:
        raise SystemExit(f"harm: {folder}: there is no image in this folder")
    for file in files:
        for size in sizes or [None]:
            yield file.stem + (f"-{size}" if size else ""), load_srgb(file, long_side_px=size)


def middle(image: np.ndarray, side_px: int) -> np.ndarray:
    """The square of `side_px` in the middle of `image`, or all of a smaller side."""
    top, left = (max((length - side_px) // 2, 0) for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side_px, left : left + side_px])


def measured(name: str, work: np.ndarray, restore: Restore) -> dict[str, Any]:
    """The figures of one work."""
    result = restore(work, TREATMENTS)
    changed = np.abs(result.image.astype(np.int16) - work).max(axis=2) > 0
    row: dict[str, Any] = {
        "work": name,
        "width": work.shape[1],
        "height": work.shape[0],
        "psnr_db": round(psnr_db(work, result.image), 2),
        "changed_share": round(float(changed.mean()), 5),
        "unchanged": not changed.any(),
        "alone_db": {},
    }
    if not row["unchanged"]:
        row["alone_db"] = {
            NAMES[treatment]: round(psnr_db(work, restore(work, (treatment,)).image), 2)
            if len(result.done) > 1
            else row["psnr_db"]
            for treatment in result.done
        }
    return row


def report(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table, the worst work first, and the numbers of unchanged and harmed works."""
    lines = [
        "| work | size | PSNR dB | pixels changed | by (dB, each alone) |",
        "|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: row["psnr_db"]):
        if row["unchanged"]:
            continue
        alone = sorted(row["alone_db"].items(), key=lambda item: item[1])
        did = ", ".join(f"{name} {db:.1f}" for name, db in alone if db < SAME_DB)
        size = f"{row['width']} × {row['height']}"
        figures = f"{row['psnr_db']:.2f} | {row['changed_share']:.2%}"
        lines.append(f"| {row['work']} | {size} | {figures} | {did} |")
    unchanged = sum(row["unchanged"] for row in rows)
    harmed = sum(row["psnr_db"] < SOUND_DB for row in rows)
    kept = np.mean([min(row["psnr_db"], MOST_DB) for row in rows])
    lines += [
        "",
        f"{len(rows)} works: {unchanged} unchanged, {harmed} below {SOUND_DB} dB, the worst at "
        f"{min(row['psnr_db'] for row in rows):.2f} dB; "
        f"{kept:.2f} dB on average, if higher values count as {MOST_DB} dB.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
