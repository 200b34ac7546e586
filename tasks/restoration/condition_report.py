"""Writes the condition reports of scans, each as PDF and HTML."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from patina.errors import InputError
from patina.tasks.io.atomic import as_bytes, write_bytes
from patina.tasks.restoration.condition import condition_of
from patina.tasks.restoration.condition_html import html_of
from patina.tasks.restoration.condition_pdf import MADE_BY, pdf_of
from patina.tasks.restoration.doubtful import every_piece_in
from patina.tasks.restoration.examination import examined
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import DEFAULT_OUTPUT, OutputOptions

KINDS = ("pdf", "html")


def reports_of(scan: Path, folder: Path) -> list[Path]:
    """The paths of the reports of a scan, in the order of KINDS."""
    return [folder / f"{scan.name}.condition.{kind}" for kind in KINDS]


def refuse_overwriting(scans: Sequence[Path], folder: Path) -> None:
    """Raise InputError if reports would overwrite each other, or a file that is not a report."""
    taken: dict[str, Path] = {}
    for scan in scans:
        if other := taken.get(scan.name):
            raise InputError(
                f"condition: {scan}: its report would overwrite that of {other}; give another --out"
            )
        taken[scan.name] = scan
        for report in reports_of(scan, folder):
            if report.exists() and MADE_BY.encode() not in report.read_bytes():
                raise InputError(
                    f"condition: {report}: Patina did not write this file; move it elsewhere"
                )


def key_in(report: Path) -> str:
    """The key of a report in HTML, see `condition.key_of`; "" if it has none."""
    found = re.search(r'<meta name="patina-key" content="([0-9a-f]+)">', report.read_text("utf-8"))
    return found[1] if found else ""


def file_reports(
    scan: Path,
    folder: Path,
    restorer: Restorer,
    *,
    given: Mapping[str, str],
    original: Path | None = None,
    width_mm: float | None = None,
    marks: OutputOptions = DEFAULT_OUTPUT,
) -> list[Path]:
    """Examine `scan`, or a result in an outbox, write its reports to `folder`, and return them.

    restorer, original, marks: as for `examination.examined`. given, width_mm: as for
    `condition.condition_of`. Raises ImageError if the scan cannot be examined.
    """
    with examined(scan, restorer, original=original, marks=marks) as found:
        every = every_piece_in(found.scan, restorer) if "damage" in restorer.treat else None
        condition = condition_of(found, given, width_mm=width_mm, every=every)
    files = reports_of(scan, folder)
    for path, content in zip(files, (pdf_of(condition), as_bytes(html_of(condition))), strict=True):
        write_bytes(path, content)
    return files
