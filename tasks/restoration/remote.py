"""Restores scans in a storage: downloads a scan, restores it, uploads the results, the sidecar
last.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from patina.tasks.imaging.images import ImageError
from patina.tasks.io.atomic import DRAFT, Record, draft_folder, json_bytes, sweep
from patina.tasks.io.storage import Place, Remote, StorageError, fetch, mark_of, remove, send, write
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import (
    PLAIN,
    Filing,
    already_done,
    refuse_names,
    sidecar_of,
    wanted_of,
    within,
)


def restore_remote(
    source: Place, target: Place, restorer: Restorer, filing: Filing = PLAIN
) -> Record:
    """As `restore_file`, if source, target or both are Remote.

    Nothing is downloaded if the sidecar names the present versions of source and result, the same
    model and the same options.
    """
    wanted = wanted_of(source, restorer, filing)
    refuse_names(source, target, filing)
    with _set_aside(source):
        mark = mark_of(source)
    if done := already_done(target, mark, wanted, filing):
        return done
    with draft_folder(Path(tempfile.gettempdir())) as folder:
        here = _at_hand(source, folder / "in")
        out = folder / "out"
        inner = within(filing.report, target) if filing.report else Path(target.name)
        there = target if isinstance(target, Path) else out / inner
        sent = isinstance(target, Remote) and filing.report
        record = restore_file(
            here, there, restorer, replace(filing, report=out) if sent else filing
        )
        record["source"] |= mark
        if isinstance(target, Remote):
            for left in filing.stale(target):
                remove(left)
            remove(
                sidecar_of(target)
            )  # a result without a sidecar counts as incomplete, in case of a kill
            _send(there, target, filing)
            _send_previews(record, out, filing.report)
            record["result"] |= mark_of(target)
        write(sidecar_of(target), json_bytes(record))
    return record


@contextmanager
def _set_aside(source: Place) -> Iterator[None]:
    """Turn an unreadable file into an ImageError; an unreachable storage stays a StorageError."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror or error})") from error


def _at_hand(source: Place, folder: Path) -> Path:
    if isinstance(source, Path):
        return source
    with _set_aside(source):
        fetch(source, folder / source.name)
    return folder / source.name


def _send_previews(record: Record, out: Path, outbox: Place | None) -> None:
    if outbox and (told := record.get("previews")):
        for name in told["files"]:
            inner = Path(FOLDER) / told["key"] / name
            place = outbox / inner
            assert isinstance(place, Remote)
            send(out / inner, place)


def _send(result: Path, target: Remote, filing: Filing) -> None:
    """Upload the result and the files beside it, without the sidecar, which comes last."""
    send(result, target)
    for path, place in zip(filing.beside(result), filing.beside(target), strict=True):
        send(path, place)


def sweep_copies() -> None:
    """Remove copies of scans that killed runs of this user left in the temporary folder."""
    for left in Path(tempfile.gettempdir()).glob(f"{DRAFT}*"):
        try:
            ours = not hasattr(os, "getuid") or left.lstat().st_uid == os.getuid()
        except FileNotFoundError:  # another run has removed it
            continue
        if ours:
            sweep(left)
