"""Draws missing pictures for the report, from a scan and its result."""

from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging.one_at_a_time import one_at_a_time
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.io.atomic import Record, draft_folder, write_json
from patina.tasks.restoration.report.previews import (
    FOLDER,
    Previews,
    draft_previews,
    file_previews,
)
from patina.tasks.restoration.sidecars import OutputOptions, map_of, sidecar_of, within

ROWS = 256  # number of rows in memory at a time


def with_previews(sidecar: Record, source: Path, target: Path, output: OutputOptions) -> Record:
    """The sidecar of an existing result, with pictures for the report if they are requested.

    Raises ImageError and OSError as `opened` does.
    """
    outbox = output.report
    recorded = sidecar.get("previews", {})
    if not isinstance(outbox, Path) or (outbox / FOLDER / str(recorded.get("key"))).is_dir():
        return sidecar
    with (
        draft_folder(target.parent) as before,
        draft_folder(target.parent) as after,
        opened(source, before) as scan,
        opened(target, after) as result,
    ):
        damage = map_of(target, "damage") if output.maps else None
        previews = _drawn(scan, result, damage)
        drawn = one_at_a_time(draft_previews)(previews, scan)
        sidecar = sidecar | file_previews(scan, drawn, outbox, within(outbox, target))
    write_json(sidecar_of(target), sidecar)
    return sidecar


def _drawn(scan: Scan, result: Scan, damage: Path | None) -> Previews:
    """Draw the pictures. damage: the file of the damage map, if there is one."""
    previews = Previews((scan.height, scan.width))
    found = pyvips.Image.new_from_file(str(damage)) if damage else None
    for top in range(0, scan.height, ROWS):
        bottom = min(top + ROWS, scan.height)
        view = scan.srgb(top, bottom)
        change = result.srgb(top, bottom) - view
        shown = np.zeros(view.shape[:2], np.float32)
        if found:
            rows = found.crop(0, top, scan.width, bottom - top).numpy()
            shown = rows.reshape(shown.shape).astype(np.float32) / 255
        previews.add(top, previews.narrow(view, change, shown))
    return previews
