"""Restores one scan: the result has the same size, depth and metadata, and a sidecar.

The networks work in sRGB. Their change is converted to the scan's own colour space and depth, and
added to the scan's own pixels. So a pixel that the networks do not change keeps its exact value.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyvips

from patina.tasks.imaging.disk_space import first_words, refuse_if_full
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.kinds import refuse_unless_a_file
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.imaging.software import versions
from patina.tasks.io.atomic import Record, draft_folder, sha256_of, write_json
from patina.tasks.restoration.mask_files import mask_for
from patina.tasks.restoration.progress import Step
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.redraw import with_previews
from patina.tasks.restoration.report.summary import summary_of
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import (
    DEFAULT_OUTPUT,
    STATEMENT,
    OutputOptions,
    already_done,
    flags_of,
    refuse_names,
    sidecar_of,
    wanted_of,
)
from patina.tasks.restoration.strip_writer import StripWriter
from patina.tasks.restoration.treatment import CHANGE_BYTES
from patina.tasks.restoration.undo import pack
from patina.tasks.restoration.user_masks import UserMasks

COLUMN_BYTES = 48  # memory for each pixel of a row of tiles: inputs, results and overlap
NEARLY_ALL = 0.95  # a mask of a larger share of the work gets a note
EFFECTS = {"mask": "fills", "protect": "protects", "stains": "marks as stained"}  # by option


def restore_file(
    source: Path, target: Path, restorer: Restorer, output: OutputOptions = DEFAULT_OUTPUT
) -> Record:
    """Restore `source` into `target`, write the sidecar `target`.json and return it.

    If the sidecar of `target` names the same source, model and options, the result is not computed
    again. Raises ImageError if `source` cannot be restored, OSError if the disk has no space for
    the result.
    """
    refuse_unless_a_file(source)
    restorer.on_progress(Step("reading"))
    try:
        version, source_sha256 = _file_version(source), sha256_of(source)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    wanted = wanted_of(source, restorer, output)
    refuse_names(source, target, output)
    if done := already_done(target, {"sha256": source_sha256}, wanted, output):
        return with_previews(done, source, target, output)
    started = time.monotonic()
    form, facts, previews = _write_result(source, target, restorer, output, version)
    sidecar = {
        "schema": 11,
        "statement": STATEMENT,
        "source": {"file": source.name, "sha256": source_sha256, **form},
        "result": {"file": target.name, "sha256": sha256_of(target)},
        "beside": [path.name for path in output.beside(target)],
        **wanted,
        "change": facts,
        "summary": summary_of(figures_of({"change": facts})),
        "flags": flags_of(facts, output),
        **previews,
        "software": versions(),
        "restored": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 3),
    }
    write_json(sidecar_of(target), sidecar)
    return sidecar


def _write_result(
    source: Path, target: Path, restorer: Restorer, output: OutputOptions, version: tuple[int, ...]
) -> tuple[Record, Record, Record]:
    """Write the result, with its maps and package, but without its sidecar.

    version: of `source`, see `_file_version`. Returns for the sidecar: form of the scan, figures of
    the change, entry of the previews.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    bytes_per_pixel = 2 * CHANGE_BYTES + (4 if output.maps else 0)
    memory_for = partial(working_bytes, restorer.tile_px)
    try:
        with (
            draft_folder(target.parent) as folder,
            opened(source, folder, bytes_per_pixel, memory_for) as scan,
        ):
            _refuse_if_replaced(source, version)
            masks = _read_masks(scan, output.masks(source))
            writer = StripWriter(scan, folder, output, masks)
            facts = writer.restore(restorer, target)
            if output.package:
                pack(scan, source, folder / "pixels", target)
                _refuse_if_replaced(source, version)
            previews = writer.file_previews(target)
            return scan.form(), facts, previews
    except pyvips.Error as error:
        refuse_if_full(error, target.parent)
        raise ImageError(f"{source.name}: cannot be converted: {first_words(error)}") from error


def working_bytes(tile_px: int, width: int, height: int) -> int:
    """Bytes of memory for a scan of this size, including a full row of tiles."""
    return width * min(height + 64, tile_px) * COLUMN_BYTES


def _file_version(source: Path) -> tuple[int, ...]:
    """Facts of a file that change if it is written or replaced."""
    facts = source.stat()
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _refuse_if_replaced(source: Path, version: tuple[int, ...]) -> None:
    """Raise ImageError if the file has been changed since its SHA-256 was computed."""
    if not source.exists() or _file_version(source) != version:
        raise ImageError(f"{source.name}: the file was changed while it was read; run again")


def _read_masks(scan: Scan, masks: Mapping[str, Path]) -> UserMasks:
    """The masks of a scan, by option, and a note if one of them marks nearly all of it."""
    read = {option: mask_for(path, scan) for option, path in masks.items()}
    for option, mask in read.items():
        if (share := mask.avg() / 255) > NEARLY_ALL:
            scan.notes.append(f"the mask {EFFECTS[option]} {share:.0%} of the work")
    return UserMasks.of(read.get("mask"), read.get("protect"), read.get("stains"))
