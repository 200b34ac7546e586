"""Any number of scans through a network, one after the other, whatever becomes of a single one."""

import csv
import fcntl
import io
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from skimage import color  # imports its parts when they are asked for

from models import graph
from models.pretrained import shipped
from tasks.files import DRAFT, Record, json_line, sha256_of
from tasks.filing import restore_file
from tasks.images import EXTENSIONS, ImageError
from tasks.remote import restore_remote
from tasks.scans import ENCODINGS, LOSSY
from tasks.sidecars import PLAIN, Filing
from tasks.storage import Place, Remote, images_under, locked, relative, write
from tasks.tiling import averaged
from tasks.treating import Restorer

QUALITIES = ("fast", "best")
COLUMNS = (
    "file",
    "result",
    "outcome",
    "reason",
    "flags",
    "megapixels",
    "seconds",
    "share_of_pixels",
    "damaged_share",
    "delta_e2000_mean",
)

CHAMPION = Path("data/champion/model.keras")  # what `patina promote` writes, with its graph


def chosen_model(given: Path | None) -> Path:
    """The model to restore with: the one given, else the champion, else the shipped one."""
    return given or (CHAMPION if CHAMPION.exists() else shipped())


def load_restorer(
    model: Path, *, precision: str = "auto", quality: str = "fast", **applied: Any
) -> Restorer:
    """The network filed at `model`, with what the sidecars say of it.

    precision: see `models.graph`. quality: "best" takes the mean over the four mirror images of
    each tile, in four times the time. applied: as for Restorer.

    Raises FileNotFoundError when there is none, ValueError for another quality.
    """
    if quality not in QUALITIES:
        raise ValueError(f"quality: {quality}: not one of {', '.join(QUALITIES)}")
    if not model.exists():
        raise FileNotFoundError(f"restore: {model}: no such model; train one with `patina run`")
    with ThreadPoolExecutor(1) as thread:
        # Has it imported, which takes half a second, as the graph does
        thread.submit(getattr, color, "deltaE_ciede2000")
        interventions, estimate, precision = graph.load(model, precision)
    facts = {"file": model.name, "sha256": sha256_of(model), "precision": precision}
    facts["quality"] = quality
    if quality == "best":
        interventions = averaged(interventions)
    return Restorer(interventions, estimate, facts, **applied)


def plan(
    inboxes: Sequence[Place], outbox: Place, *, recursive: bool = True, keep_format: bool = False
) -> list[tuple[Place, Place]]:
    """Each image file of `inboxes`, files and folders, and where its result goes, sorted.

    What lies in an outbox inside an inbox is no scan. keep_format: JPEG and WebP stay such.
    Raises FileNotFoundError when there is no such file or folder, or no image in it; ValueError
    when a result would overwrite a scan or another result.
    """
    scans = [
        (source, outbox / target_of(inner, keep_format=keep_format))
        for inbox in inboxes
        for source, inner in _scans_of(inbox, outbox, recursive)
    ]
    taken = {_apart(source): source for source, _ in scans}
    for source, target in scans:
        if other := taken.get(_apart(target)):
            raise ValueError(
                f"restore: {source}: its result would overwrite that of, or be, {other}"
            )
        taken[_apart(target)] = source
    return scans


def _apart(place: Place) -> Place:
    """What two names of one file have in common."""
    return place.resolve() if isinstance(place, Path) else place


def _scans_of(inbox: Place, outbox: Place, recursive: bool) -> list[tuple[Place, Path]]:
    """Each scan, and its path within the inbox."""
    if isinstance(inbox, Remote):
        results = outbox if isinstance(outbox, Remote) and outbox != inbox else None
        found = images_under(inbox, EXTENSIONS, recursive=recursive, but=results)
        return [(place, relative(place, inbox)) for place in found]
    root = inbox if inbox.is_dir() else inbox.parent
    return [(source, source.relative_to(root)) for source in _images_in(inbox, outbox, recursive)]


def _images_in(inbox: Path, outbox: Place, recursive: bool) -> list[Path]:
    sources = (
        [inbox] if inbox.is_file() else sorted(inbox.rglob("*") if recursive else inbox.glob("*"))
    )
    there = outbox.resolve() if isinstance(outbox, Path) else None
    results = there if there != inbox.resolve() and inbox.is_dir() else None
    images = [
        source
        for source in sources
        if source.suffix.lower() in EXTENSIONS
        and source.is_file()
        and not (results and source.resolve().is_relative_to(results))
    ]
    if not images:
        what = "no image in this folder" if inbox.is_dir() else "no such file or folder"
        raise FileNotFoundError(f"restore: {inbox}: {what}")
    return images


def target_of(place: Path, *, keep_format: bool = False) -> Path:
    """Where the result goes: lossless kinds keep their names, others get `.tif` added to theirs."""
    kept = ENCODINGS | (LOSSY if keep_format else {})
    return place if place.suffix.lower() in kept else place.with_name(f"{place.name}.tif")


def held(outbox: Place) -> AbstractContextManager[None]:
    """Keep other runs out of `outbox`, and take away what a killed one left half done.

    Raises ValueError when another run holds it.
    """
    return _held_here(outbox) if isinstance(outbox, Path) else locked(outbox)


@contextmanager
def _held_here(outbox: Path) -> Iterator[None]:
    outbox.mkdir(parents=True, exist_ok=True)
    folder = os.open(outbox, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"restore: {outbox}: another run is filling it; wait for it, or give another --out"
            ) from error
        for left in [*outbox.rglob(f"{DRAFT}*")]:
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
        yield
    finally:
        os.close(folder)


def restore_scans(
    scans: Iterable[tuple[Place, Place]], restorer: Restorer, filing: Filing = PLAIN
) -> Iterator[Record]:
    """Restore each of `scans` (file, where its result goes) in turn; a record of COLUMNS for each.

    Raises OSError when a result cannot be written: then no other can.
    """
    for source, target in scans:
        outcome: Record = {"file": str(source), "result": str(target)}
        try:
            if isinstance(source, Path) and isinstance(target, Path):
                sidecar = restore_file(source, target, restorer, filing)
            else:
                sidecar = restore_remote(source, target, restorer, filing)
        except ImageError as error:
            yield outcome | {"outcome": "set aside", "result": "", "reason": str(error)}
            continue
        form, change = sidecar["source"], sidecar["change"]
        yield outcome | {
            "outcome": "restored",
            "flags": sidecar["flags"],
            "megapixels": form["width"] * form["height"] / 1e6,
            "seconds": sidecar["seconds"],
            "share_of_pixels": change["share_of_pixels"],
            "damaged_share": change["damaged_share"],
            "delta_e2000_mean": change["delta_e2000"]["mean"],
        }


def speed(megapixels: float, started: float) -> str:
    """Megapixels a second since `started`, of time.monotonic()."""
    return f"{megapixels / (time.monotonic() - started):.1f} MP/s"


def summed_up(outcomes: Sequence[Record], outbox: Place) -> str:
    """Write `outbox`/summary.csv and failures.jsonl; a line that tells how it went.

    Raises ValueError when every scan was set aside.
    """
    failures = [outcome for outcome in outcomes if "reason" in outcome]
    flagged = sum(bool(outcome.get("flags")) for outcome in outcomes)
    told_of = [json_line({k: each[k] for k in ("file", "reason")}) for each in failures]
    write(outbox / "failures.jsonl", b"".join(told_of))
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(each | {"flags": "; ".join(each.get("flags", []))} for each in outcomes)
    write(outbox / "summary.csv", table.getvalue().encode())
    told = f"restore: {len(outcomes)} scans, {len(failures)} set aside, {flagged} flagged"
    if len(failures) == len(outcomes):
        raise ValueError(f"{told}; see {outbox / 'failures.jsonl'}")
    return told
