"""An outbox: locks it for one run, and writes its tables summary.csv and failures.jsonl."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path

from patina.errors import InputError
from patina.tasks.io.atomic import DRAFT, Record, json_line, json_object, sweep
from patina.tasks.io.locks import is_held, only_one
from patina.tasks.io.storage import LOCK, Place, locked, read, write
from patina.tasks.restoration.remote import sweep_copies
from patina.tasks.restoration.report.page import refuse_what_is_not_ours, write_report
from patina.tasks.restoration.report.records import JOINERS

SURROGATES = "surrogateescape"  # keeps file names in a table, even if they are invalid UTF-8
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
SUMMARY, FAILURES = "summary.csv", "failures.jsonl"
SUMMARY_START = b"file,result,outcome"  # the beginning of every summary that Patina wrote
FORMULA_STARTS = ("=", "+", "-", "@")  # spreadsheets treat cells that begin so as formulas


def locked_outbox(outbox: Place) -> AbstractContextManager[None]:
    """Lock `outbox` for this block, and remove drafts of killed runs.

    Raises InputError if another run has locked it, it is not a folder, or it has tables that Patina
    did not write.
    """
    return _locked_local(outbox) if isinstance(outbox, Path) else _locked_remote(outbox)


@contextmanager
def _locked_remote(outbox: Place) -> Iterator[None]:
    assert not isinstance(outbox, Path)
    sweep_copies()
    with locked(outbox):
        _refuse_tables_of_others(outbox)
        yield


@contextmanager
def _locked_local(outbox: Path) -> Iterator[None]:
    try:
        outbox.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(
            f"restore: {outbox}: this is a file, not a folder; give a folder as --out"
        ) from error
    sweep_copies()
    with ExitStack() as stack:
        alone = stack.enter_context(only_one(outbox / LOCK))
        if not alone or any(is_held(folder / LOCK) for folder in outbox.resolve().parents):
            raise InputError(
                f"restore: {outbox}: another run is writing to it, or to a folder that contains "
                "it; wait until it ends, or give another --out"
            )
        _refuse_tables_of_others(outbox)
        for draft in [*outbox.rglob(f"{DRAFT}*")]:
            inner = takewhile(lambda folder: folder != outbox, draft.parents)
            in_use = any(is_held(folder / LOCK) for folder in inner)  # by a run in a subfolder
            if not in_use:
                sweep(draft)
        yield


def _refuse_tables_of_others(outbox: Place) -> None:
    """Raise InputError if Patina did not write an existing table."""
    for place, ours in ((outbox / SUMMARY, _is_summary), (outbox / FAILURES, _are_failures)):
        try:
            content = read(place)
        except OSError as error:
            if not isinstance(place, Path):
                raise
            raise InputError(f"restore: {place}: {error.strerror}; move it elsewhere") from error
        if content and not ours(content):
            raise InputError(
                f"restore: {place}: Patina did not write this file; move it elsewhere, or "
                "give another --out"
            )


def _is_summary(content: bytes) -> bool:
    return content.startswith(SUMMARY_START)


def _are_failures(content: bytes) -> bool:
    return {"file", "reason"} <= {*json_object(content.split(b"\n", 1)[0])}


@contextmanager
def summary_in(outbox: Place, *, report: bool = False) -> Iterator[list[Record]]:
    """A list for outcomes; however the run ends, summary.csv and failures.jsonl then have them.

    The tables keep the scans of earlier runs. report: also write report.html. Raises InputError,
    before anything is done, if Patina did not write an existing report.html.
    """
    if report:
        refuse_what_is_not_ours(outbox)
    outcomes: list[Record] = []
    try:
        yield outcomes
    except BaseException:  # also Ctrl-C; all are raised again
        with suppress(OSError):  # the error that ended the run is more important
            _write_summary(outcomes, outbox, report)
        raise
    _write_summary(outcomes, outbox, report)


def _write_summary(outcomes: Sequence[Record], outbox: Place, report: bool) -> None:
    new = [_row(outcome) for outcome in outcomes]
    repeated = {row["file"] for row in new}
    rows = [row for row in _rows_before(outbox) if row["file"] not in repeated] + new
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["file"]))
    write(outbox / SUMMARY, table.getvalue().encode(errors=SURROGATES))
    raw = {_row(outcome)["file"]: outcome for outcome in outcomes}
    failed = (_failure(row, raw.get(row["file"])) for row in rows if row["reason"])
    write(outbox / FAILURES, b"".join(json_line(failure) for failure in failed))
    if report:
        write_report(outbox)


def _failure(row: Record, outcome: Record | None) -> Record:
    """A line of failures.jsonl, with the names unchanged."""
    names = ("file", "reason", "kind", "traceback")
    facts = outcome or row
    return {name: facts[name] for name in names if name in facts}


def _rows_before(outbox: Place) -> Iterator[Record]:
    """The readable rows of earlier runs."""
    text = (read(outbox / SUMMARY) or b"").decode(errors=SURROGATES)
    before = csv.DictReader(io.StringIO(text.replace("\r", "\\r")))
    with suppress(csv.Error):
        for row in before:
            if {"file", "reason"} <= {*row} <= {*COLUMNS} and all(
                isinstance(cell, str) for cell in row.values()
            ):
                yield row


def _row(outcome: Record) -> dict[str, str]:
    cells = {name: outcome.get(name, "") for name in COLUMNS}
    cells["flags"] = "; ".join(outcome.get("flags", []))
    return {
        name: neutral_cell(value) if isinstance(value, str) else str(value)
        for name, value in cells.items()
    }


def neutral_cell(text: str) -> str:
    """The text as a cell that no spreadsheet treats as a formula."""
    shown = neutral(text)
    return f"'{shown}" if shown.startswith(FORMULA_STARTS) else shown


def neutral(text: str) -> str:
    """The text with control characters as escapes, so that it is safe in a terminal."""
    return "".join(
        each
        if each.isprintable() or each in JOINERS or "\udc80" <= each <= "\udcff"
        else each.encode("unicode_escape").decode()
        for each in text
    )
