"""Restores scans in a storage: downloads a scan, restores it, uploads the results, the sidecar
last.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import DRAFT, Record, draft_folder, json_bytes, sweep
from patina.tasks.io.storage import Place, Remote, StorageError, fetch, mark_of, remove, send, write
from patina.tasks.restoration.report.previews import FOLDER
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import (
    DEFAULT_OUTPUT,
    OutputOptions,
    already_done,
    refuse_names,
    sidecar_of,
    wanted_of,
    within,
)


def restore_remote(
    source: Place, target: Place, restorer: Restorer, output: OutputOptions = DEFAULT_OUTPUT
) -> Record:
    """As `restore_file`, if source, target or both are Remote.

    Nothing is downloaded if the sidecar names the present versions of source and result, the same
    model and the same options.
    """
    wanted = wanted_of(source, restorer, output)
    refuse_names(source, target, output)
    with _set_aside(source):
        version = mark_of(source)
    if done := already_done(target, version, wanted, output):
        return done
    with draft_folder() as folder:
        local_source = _local_copy(source, folder / "in")
        local_outbox = folder / "out"
        inner = within(output.report, target) if output.report else Path(target.name)
        local_target = target if isinstance(target, Path) else local_outbox / inner
        has_previews = isinstance(target, Remote) and output.report
        record = restore_file(
            local_source,
            local_target,
            restorer,
            replace(output, report=local_outbox) if has_previews else output,
        )
        record["source"] |= version
        if isinstance(target, Remote):
            for stale in output.stale_files(target):
                remove(stale)
            remove(
                sidecar_of(target)
            )  # a result without a sidecar counts as incomplete, in case of a kill
            _send(local_target, target, output)
            _send_previews(record, local_outbox, output.report)
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


def _local_copy(source: Place, folder: Path) -> Path:
    if isinstance(source, Path):
        return source
    with _set_aside(source):
        fetch(source, folder / source.name)
    return folder / source.name


def _send_previews(record: Record, local_outbox: Path, outbox: Place | None) -> None:
    if outbox and (previews := record.get("previews")):
        for name in previews["files"]:
            inner = Path(FOLDER) / previews["key"] / name
            place = outbox / inner
            assert isinstance(place, Remote)
            send(local_outbox / inner, place)


def _send(result: Path, target: Remote, output: OutputOptions) -> None:
    """Upload the result and the files beside it, without the sidecar, which comes last."""
    send(result, target)
    for path, place in zip(output.beside(result), output.beside(target), strict=True):
        send(path, place)


def sweep_copies() -> None:
    """Remove copies of scans that killed runs of this user left in the temporary folder."""
    for stale in Path(tempfile.gettempdir()).glob(f"{DRAFT}*"):
        try:
            ours = not hasattr(os, "getuid") or stale.lstat().st_uid == os.getuid()
        except FileNotFoundError:  # another run has removed it
            continue
        if ours:
            sweep(stale)
