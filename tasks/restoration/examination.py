"""Examines a scan for a condition report: reads its result, or restores it temporarily."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, draft_folder, sha256_of
from patina.tasks.restoration.condition import Examination
from patina.tasks.restoration.gates import NAMES
from patina.tasks.restoration.inbox import target_of
from patina.tasks.restoration.mask_files import FOLDER, WORDS, saved_mask
from patina.tasks.restoration.option_values import TREATMENTS
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import (
    DEFAULT_OUTPUT,
    OutputOptions,
    map_of,
    sidecar_in,
)


@contextmanager
def examined(
    scan: Path,
    restorer: Restorer,
    *,
    original: Path | None = None,
    marks: OutputOptions = DEFAULT_OUTPUT,
) -> Iterator[Examination]:
    """Examine `scan`: a result with its sidecar is read, any other scan is restored temporarily.

    restorer: for a scan that is not restored yet, and for a result without a damage map. original:
    the scan from which a result was made; the default is its path in summary.csv. marks: the masks
    for the restoration. A temporary result exists during the block. Raises ImageError if the scan
    cannot be restored, if the original of a result is not found, or if the result was restored with
    other masks and has no damage map.
    """
    sidecar = _sidecar_of(scan)
    if sidecar is None:
        with _restored(scan, restorer, marks) as fresh:
            yield fresh
        return
    source = _original_of(scan, sidecar, original)
    damage = map_of(scan, "damage")
    if damage.name in sidecar.get("beside", []) and damage.is_file():
        masks = _masks_of(source, scan.parent, sidecar, marks)
        yield Examination(source, scan, damage, sidecar, made=True, masks=masks)
        return
    _refuse_other_masks(scan, source, sidecar, marks)
    with _restored(source, _as_applied(restorer, sidecar), marks) as fresh:
        yield replace(fresh, result=scan, sidecar=sidecar, made=True)


def _as_applied(restorer: Restorer, sidecar: Record) -> Restorer:
    """The restorer with the treatments and gates of a result."""
    applied = sidecar["applied"]
    strength = restorer.strengths | applied.get("strength", {})
    gates = {name: value for name, value in applied["gates"].items() if name in NAMES}
    return replace(
        restorer,
        treat=tuple(applied.get("treat", restorer.treat)),
        forced=tuple(applied.get("force", ())),
        strength=tuple(strength[name] for name in TREATMENTS),
        gates=replace(restorer.gates, **gates),
    )


def _masks_of(source: Path, outbox: Path, sidecar: Record, marks: OutputOptions) -> dict[str, Path]:
    """The masks with which a result was restored, as far as they are found.

    They are searched for in `marks`, and in the folder in which the page saves them.
    """
    named, found = marks.masks(source), {}
    for option in WORDS:
        wanted = sidecar["applied"].get(option)
        saved = saved_mask(outbox / FOLDER, sidecar["source"]["file"], option)
        for path in (named.get(option), saved):
            if wanted and path and path.is_file() and sha256_of(path) == wanted:
                found[option] = path
    return found


def _refuse_other_masks(result: Path, source: Path, sidecar: Record, marks: OutputOptions) -> None:
    """Raise ImageError if a report would show areas as filled that a mask protected."""
    masks = marks.masks(source)
    for option in WORDS:
        if sidecar["applied"].get(option) != (
            sha256_of(masks[option]) if option in masks else None
        ):
            raise ImageError(
                f"{result}: it was restored with --{option}, so its damage map is needed to know "
                "what was filled; restore it again with --maps"
            )


@contextmanager
def _restored(scan: Path, restorer: Restorer, marks: OutputOptions) -> Iterator[Examination]:
    """Restore a scan temporarily, for the report only."""
    with draft_folder() as folder:
        result = folder / target_of(Path(scan.name))
        sidecar = restore_file(scan, result, restorer, replace(marks, maps=True))
        masks = _masks_of(scan, folder, sidecar, marks)
        damage = map_of(result, "damage")
        yield Examination(scan, result, damage, sidecar, made=False, masks=masks)


def _sidecar_of(result: Path) -> Record | None:
    """The sidecar of `result`, if Patina wrote it and it is complete."""
    with suppress(ImageError):
        return sidecar_in(result)
    return None


def _original_of(result: Path, sidecar: Record, given: Path | None) -> Path:
    """The scan from which a result was made, identified by its SHA-256."""
    wanted = sidecar["source"]["sha256"]
    candidates = [given] if given else _candidates(result)
    for path in candidates:
        if path.is_file() and sha256_of(path) == wanted:
            return path
    if given:
        raise ImageError(f"{given}: this is not the scan from which {result} was made")
    raise ImageError(
        f"{result}: the scan from which it was made, {sidecar['source']['file']}, is not found; "
        "give it with --scan"
    )


def _candidates(result: Path) -> Iterator[Path]:
    """Scans that were restored to `result` according to summary.csv in its folder or above."""
    for folder in result.resolve().parents:
        summary = folder / "summary.csv"
        if not summary.is_file():
            continue
        with summary.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            for row in csv.DictReader(file):
                if Path(row.get("result") or "").name == result.name:
                    yield Path(row.get("file") or "")
