"""Any number of scans through a network, one after the other, whatever becomes of a single one."""

import csv
import fcntl
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import fields
from itertools import takewhile
from pathlib import Path
from typing import Any

from skimage import color  # imports its parts when they are asked for

from patina.errors import InputError
from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.scans import ENCODINGS, LOSSY, NOT_READ, READ
from patina.tasks.io.atomic import DRAFT, Record, json_line
from patina.tasks.io.storage import Place, Remote, images_under, locked, read, relative, write
from patina.tasks.restoration.capture import Judge
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.iiif import is_published, publish
from patina.tasks.restoration.inference import Networks
from patina.tasks.restoration.remote import restore_remote
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.page import refuse_what_is_not_ours, write_report
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.report.summary import UNTOUCHED, outcome_of, summary_of
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import PLAIN, Filing
from patina.tasks.restoration.tiling import Network, averaged
from patina.tasks.restoration.weights import is_single, named, shipped

QUALITIES = ("fast", "best")
TILED = ("jpeg", "detail", "segmentation")  # networks whose mean over mirror images is better
PICTURES = READ | NOT_READ
RAW = "surrogateescape"  # a file's name in a table stays what it is, even if it is no UTF-8
COLUMNS = (
    "file",
    "result",
    "outcome",
    "reason",
    "summary",
    "flags",
    "megapixels",
    "seconds",
    "share_of_pixels",
    "damaged_share",
    "delta_e2000_mean",
)

OPEN = {"detail_255": 0.0}  # of a network that does all by itself, and so much in every work
CHAMPION = Path("data/champion/model.keras")  # what `patina promote` writes, with its graph


def chosen_model(given: Path | None) -> Path:
    """The model to restore with: the one given, else the champion, else the shipped one.

    The champion's folder is named as it is: what is promoted meanwhile lies in another.
    """
    return given or (CHAMPION.resolve() if CHAMPION.exists() else shipped())


def load_restorer(
    model: Path,
    *,
    precision: str = "auto",
    quality: str = "fast",
    gates: Mapping[str, float] | None = None,
    **applied: Any,
) -> Restorer:
    """The networks filed at `model`, with what the sidecars say of them.

    precision: see `inference`. quality: "best" takes the mean over the four mirror images of
    each tile, in four times the time. gates: as for Gates. applied: as for Restorer.
    Raises FileNotFoundError when there is none, ValueError for another quality.
    """
    if quality not in QUALITIES:
        raise InputError(f"quality: {quality}: not one of {', '.join(QUALITIES)}")
    if not model.exists():
        raise FileNotFoundError(f"restore: {model}: no such model; train one with `patina run`")
    with ThreadPoolExecutor(1) as thread:
        # Has it imported, which takes half a second, as the graph does
        thread.submit(getattr, color, "deltaE_ciede2000")
        found = Networks(model, precision)
    facts = {"file": model.name, "sha256": found.sha256, "precision": found.precision}
    facts |= {"quality": quality} | named(model)
    networks: Mapping[str, Network] = found
    if quality == "best":
        networks = {
            role: averaged(network) if role in TILED else network for role, network in found.items()
        }
    opened = {**(gates or {}), **(OPEN if is_single(model) else {})}
    judge = None if is_single(model) else judge_beside(model)
    return Restorer(networks, facts, Gates(**opened), judge=judge, **applied)


def judge_beside(model: Path) -> Judge | None:
    """What tells whether a work gains by the `detail` of that model, where it was learnt."""
    file = model.with_name("judge.json")
    if not file.exists():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    return Judge(**{field.name: told[field.name] for field in fields(Judge)})


def plan(
    inboxes: Sequence[Place], outbox: Place, *, recursive: bool = True, keep_format: bool = False
) -> list[tuple[Place, Place]]:
    """Each image file of `inboxes`, files and folders, and where its result goes, sorted.

    Also those of kinds that are not restored, and whatever is named itself: they will be set aside.
    What lies in an outbox inside an inbox is no scan, nor is a picture of a report. keep_format:
    JPEG and WebP stay such.
    Raises FileNotFoundError when there is no such file or folder, or no image in it; ValueError
    when a result would overwrite a scan or another result.
    """
    scans = [
        (source, outbox / target_of(inner, keep_format=keep_format))
        for inbox in inboxes
        for source, inner in _scans_of(inbox, outbox, recursive)
        if FOLDER not in inner.parts
    ]
    taken = {_apart(source): source for source, _ in scans}
    for source, target in scans:
        if other := taken.get(_apart(target)):
            raise InputError(
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
        found = images_under(inbox, PICTURES, recursive=recursive, but=results)
        return [(place, relative(place, inbox)) for place in found]
    root = inbox if inbox.is_dir() else inbox.parent
    return [(source, source.relative_to(root)) for source in _images_in(inbox, outbox, recursive)]


def _images_in(inbox: Path, outbox: Place, recursive: bool) -> list[Path]:
    if inbox.is_file():
        return [inbox]
    sources = sorted(inbox.rglob("*") if recursive else inbox.glob("*"))
    there = outbox.resolve() if isinstance(outbox, Path) else None
    results = there if there != inbox.resolve() else None
    images = [
        source
        for source in sources
        if source.suffix.lower() in PICTURES
        and source.is_file()
        and not (results and source.resolve().is_relative_to(results))
        and not is_published(source.relative_to(inbox))
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
    with ExitStack() as stack:
        if not stack.enter_context(_lock(outbox)) or any(map(_is_held, outbox.resolve().parents)):
            raise InputError(
                f"restore: {outbox}: another run is filling it, or a folder that it is in; wait "
                "for it, or give another --out"
            )
        for left in [*outbox.rglob(f"{DRAFT}*")]:
            within = takewhile(lambda folder: folder != outbox, left.parents)
            if any(map(_is_held, within)):
                continue  # of another run, which fills a folder of this one
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
        yield


@contextmanager
def _lock(folder: Path, kind: int = fcntl.LOCK_EX) -> Iterator[bool]:
    """Keep others from locking `folder`; False, and nothing kept, when another has it locked."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(opened)


def _is_held(folder: Path) -> bool:
    try:
        with _lock(folder, fcntl.LOCK_SH) as free:
            return not free
    except OSError:  # not to be read or locked, and so no outbox
        return False


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
                if filing.iiif:
                    publish(source, target, filing.iiif, sidecar)
            else:
                sidecar = restore_remote(source, target, restorer, filing)
        except ImageError as error:
            yield outcome | {"outcome": "set aside", "result": "", "reason": str(error)}
            continue
        form, change = sidecar["source"], sidecar["change"]
        figures = figures_of(sidecar)
        yield outcome | {
            "outcome": outcome_of(figures),
            "summary": sidecar.get("summary") or summary_of(figures),
            "flags": sidecar["flags"],
            "megapixels": form["width"] * form["height"] / 1e6,
            "seconds": sidecar["seconds"],
            "share_of_pixels": change["share_of_pixels"],
            "damaged_share": change.get("damage", {}).get("found_share", 0.0),
            "delta_e2000_mean": change["delta_e2000"]["mean"],
        }


def speed(megapixels: float, started: float) -> str:
    """Megapixels a second since `started`, of time.monotonic()."""
    return f"{megapixels / (time.monotonic() - started):.1f} MP/s"


@contextmanager
def summary_in(outbox: Place, *, report: bool = False) -> Iterator[list[Record]]:
    """A list for outcomes, that summary.csv and failures.jsonl tell of, however the run ends.

    They also keep what they told of scans of earlier runs. report: write report.html, too.
    Raises InputError, before anything is done, when a report.html of another's is in the way.
    """
    if report:
        refuse_what_is_not_ours(outbox)
    outcomes: list[Record] = []
    try:
        yield outcomes
    except BaseException:  # Ctrl-C and a worker's end, too: all are raised again
        with suppress(OSError):  # the error that ended the run says more
            _write_summary(outcomes, outbox, report)
        raise
    _write_summary(outcomes, outbox, report)


def _write_summary(outcomes: Sequence[Record], outbox: Place, report: bool) -> None:
    tables = outbox / "summary.csv", outbox / "failures.jsonl"
    new = [_row(outcome) for outcome in outcomes]
    again = {row["file"] for row in new}
    before = csv.DictReader(io.StringIO((read(tables[0]) or b"").decode(errors=RAW)))
    rows = [row for row in before if row.get("file") not in again and {*row} <= {*COLUMNS}] + new
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["file"]))
    write(tables[0], table.getvalue().encode(errors=RAW))
    failed = ({k: row[k] for k in ("file", "reason")} for row in rows if row["reason"])
    write(tables[1], b"".join(json_line(failure) for failure in failed))
    if report:
        write_report(outbox)


def _row(outcome: Record) -> dict[str, str]:
    told = {name: str(outcome.get(name, "")) for name in COLUMNS}
    return told | {"flags": "; ".join(outcome.get("flags", []))}


def summed_up(outcomes: Sequence[Record], outbox: Place) -> str:
    """A line that tells how a run into `outbox` went.

    Raises ValueError when every scan was set aside.
    """
    failed = sum("reason" in outcome for outcome in outcomes)
    flagged = sum(bool(outcome.get("flags")) for outcome in outcomes)
    untouched = sum(outcome.get("outcome") == UNTOUCHED for outcome in outcomes)
    told = (
        f"restore: {len(outcomes)} scans, {untouched} untouched, {failed} set aside, "
        f"{flagged} flagged"
    )
    if failed == len(outcomes):
        raise InputError(f"{told}; see {outbox / 'failures.jsonl'}")
    return told
