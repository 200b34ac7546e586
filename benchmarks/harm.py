"""What restoration does to works that nothing happened to: whatever it changes there is harm.

    python benchmarks/harm.py [--sound FOLDER] [--names NAME,NAME] [--sizes 600,1200,2400]
        [--crop PIXELS] [--model FILE] [--json FILE]

Restores the hard works that Patina paints itself (patina.tasks.evaluation.hard_works), or the
images of FOLDER, with the default options, and prints a table, the worst first: how much of a work
is left (PSNR of the result against the work; 100 dB: the same to the last bit), the share of pixels
that changed, and which treatment did it. --sizes: of the hard works, or to which longer images of
FOLDER are reduced. --crop: only the middle of each work, that many pixels a side.
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
from patina.formats import EXTENSIONS  # noqa: E402
from patina.tasks.evaluation.gate import MOST_DB, SOUND_DB  # noqa: E402
from patina.tasks.evaluation.hard_works import SIZES_PX, hard_works  # noqa: E402
from patina.tasks.evaluation.metrics import psnr_db  # noqa: E402
from patina.tasks.imaging.images import load_srgb, to_float, to_uint8  # noqa: E402
from patina.tasks.restoration.batch import chosen_model, load_restorer  # noqa: E402
from patina.tasks.restoration.restorer import DEFAULT_TREATMENTS as TREATMENTS  # noqa: E402
from patina.tasks.restoration.treatments import PARTS  # noqa: E402

NAMES = {"damage": "fill", "detail": "detail", "tone": "tone"}  # what the table calls them
SAME_DB = 100.0


class Restored(NamedTuple):
    """A result, uint8 (H, W, 3), and the treatments of which something was done."""

    image: np.ndarray
    done: tuple[str, ...]


# (work, treatments that may be done) -> what becomes of it
Restore = Callable[[np.ndarray, tuple[str, ...]], Restored]


def restorer(model: Path | None) -> Restore:
    """Patina's restorer with the default options: the only place that knows how it is built."""
    applied = params_file.load(ROOT / "params.yaml").restore.applied
    loaded = load_restorer(chosen_model(model), **applied)

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
    cv2.setNumThreads(2)
    asked = arguments()
    restore, rows = restorer(asked.model), []
    for name, work in works(asked):
        started = time.perf_counter()
        rows.append(measured(name, work, restore))
        rows[-1]["seconds"] = round(time.perf_counter() - started, 2)
        if asked.json:  # after each: a long run that is ended has told something
            asked.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(report(rows))  # noqa: T201


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sound", type=Path, help="folder of sound images, in place of ours")
    parser.add_argument("--names", type=_listed, default=(), help="of the hard works; all if none")
    parser.add_argument("--sizes", type=_listed, default=(), help="pixels of the long side")
    parser.add_argument("--crop", type=int, default=0, help="pixels a side, from the middle")
    parser.add_argument("--model", type=Path, help="instead of the champion or the shipped one")
    parser.add_argument("--json", type=Path, help="file that takes the figures of each work")
    return parser.parse_args()


def _listed(told: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in told.split(",") if part.strip())


def works(asked: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """(name, image) of all that is to be restored."""
    sizes = [int(size) for size in asked.sizes]
    found = (
        of_folder(asked.sound, sizes)
        if asked.sound
        else hard_works(sizes or SIZES_PX, names=asked.names)
    )
    for name, image in found:
        yield name, middle(image, asked.crop) if asked.crop else image


def of_folder(folder: Path, sizes: Sequence[int]) -> Iterator[tuple[str, np.ndarray]]:
    """The images of `folder` and of those in it, at their own size or reduced to `sizes`."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    if not files:
        raise SystemExit(f"harm: {folder}: no image in this folder")
    for file in files:
        for size in sizes or [None]:
            yield file.stem + (f"-{size}" if size else ""), load_srgb(file, long_side_px=size)


def middle(image: np.ndarray, side_px: int) -> np.ndarray:
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
    """Markdown: the worst first, then how many were left alone and how many harmed."""
    lines = [
        "| work | size | PSNR dB | pixels changed | did it (dB, each alone) |",
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
        f"{kept:.2f} dB in the mean, where none counts for more than {MOST_DB}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
