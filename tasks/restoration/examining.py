"""A scan, or a result in an outbox -> what a condition report is written from."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir

from patina.tasks.imaging.images import ImageError
from patina.tasks.io.atomic import Record, draft_folder, sha256_of
from patina.tasks.restoration.batch import target_of
from patina.tasks.restoration.condition import Examination
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import PLAIN, STATEMENT, Filing, map_of, sidecar_of


@contextmanager
def examined(
    scan: Path, restorer: Restorer, *, original: Path | None = None, marks: Filing = PLAIN
) -> Iterator[Examination]:
    """What is known of `scan`: as its sidecar says where it is a result, else newly restored.

    restorer: for a scan that is not restored yet, and for a result without a damage map. original:
    the scan from which a result was made; where it is not given, summary.csv names it. marks: the
    masks by which it is, or was, restored. What is newly restored is there as long as the block
    lasts. Raises ImageError when the scan cannot be restored, the original of a result is not
    found, or it was restored by other masks and has no damage map that tells of them.
    """
    sidecar = _sidecar_of(scan)
    if sidecar is None:
        with _restored(scan, restorer, marks) as fresh:
            yield fresh
        return
    source = _original_of(scan, sidecar, original)
    damage = map_of(scan, "damage")
    if damage.name in sidecar.get("beside", []) and damage.is_file():
        yield Examination(source, scan, damage, sidecar, made=True)
        return
    _refuse_other_masks(scan, source, sidecar, marks)
    with _restored(source, restorer, marks) as fresh:
        yield Examination(source, scan, fresh.damage, sidecar, made=True)


def _refuse_other_masks(result: Path, source: Path, sidecar: Record, marks: Filing) -> None:
    """Raises ImageError when a report would tell areas as filled that a mask had stay."""
    masks = {"mask": marks.filling(source), "protect": marks.protecting(source)}
    for option, mask in masks.items():
        if sidecar["applied"].get(option) != (sha256_of(mask) if mask else None):
            raise ImageError(
                f"{result}: restored with --{option}, so that only its damage map tells what was "
                "filled; restore it anew with --maps as well"
            )


@contextmanager
def _restored(scan: Path, restorer: Restorer, marks: Filing) -> Iterator[Examination]:
    """A scan restored for the report alone: the one place where this is done."""
    with draft_folder(Path(gettempdir())) as folder:
        result = Path(folder) / target_of(Path(scan.name))
        sidecar = restore_file(scan, result, restorer, replace(marks, maps=True))
        yield Examination(scan, result, map_of(result, "damage"), sidecar, made=False)


def _sidecar_of(result: Path) -> Record | None:
    """The sidecar of `result`, if it is one of ours."""
    try:
        record = json.loads(sidecar_of(result).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("statement") == STATEMENT else None


def _original_of(result: Path, sidecar: Record, given: Path | None) -> Path:
    """The scan that a result was made from, told by its bytes."""
    wanted = sidecar["source"]["sha256"]
    candidates = [given] if given else _candidates(result)
    for path in candidates:
        if path.is_file() and sha256_of(path) == wanted:
            return path
    if given:
        raise ImageError(f"{given}: not the scan that {result} was made from")
    raise ImageError(
        f"{result}: the scan that it was made from, {sidecar['source']['file']}, is not found; "
        "name it with --scan"
    )


def _candidates(result: Path) -> Iterator[Path]:
    """Scans that summary.csv, in its folder or one above, says were restored to `result`."""
    for folder in result.resolve().parents:
        summary = folder / "summary.csv"
        if not summary.is_file():
            continue
        with summary.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            for row in csv.DictReader(file):
                if Path(row.get("result") or "").name == result.name:
                    yield Path(row.get("file") or "")
