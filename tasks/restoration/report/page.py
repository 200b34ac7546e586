"""Writes the report of an outbox: one HTML file with style, script and data; pictures beside it."""

import base64
import hashlib
import html
import json
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from patina.errors import InputError
from patina.tasks.io.atomic import Record
from patina.tasks.io.storage import Place, read, write
from patina.tasks.restoration.report.records import gather

NAME = "report.html"
OURS = b'<meta name="generator" content="Patina">'
SCRIPTS = ("words.js", "list.js", "stage.js", "work.js", "print.js", "start.js")


def write_report(outbox: Place) -> Place:
    """Write the report of all works in `outbox`, and return its path.

    Raises InputError if the folder does not exist, or Patina did not write an existing report.html;
    OSError if the report cannot be written.
    """
    if isinstance(outbox, Path) and not outbox.is_dir():
        raise InputError(
            f"report: {outbox}: no such folder; give one with results of `patina restore`"
        )
    refuse_what_is_not_ours(outbox)
    works, left_out = gather(outbox)
    write(outbox / NAME, page_of(works, outbox.name or "outbox", left_out))
    return outbox / NAME


def refuse_what_is_not_ours(outbox: Place) -> None:
    """Raise InputError if Patina did not write the `report.html` in `outbox`."""
    there = read(outbox / NAME)
    if there is not None and OURS not in there[:2000]:
        raise InputError(
            f"report: {outbox / NAME}: Patina did not write this file; move it elsewhere"
        )


def page_of(works: list[Record], place: str, left_out: int = 0) -> bytes:
    """The page of `works` (see `records.gather`) as UTF-8. left_out: number of further works."""
    data = {
        "place": place,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("patina-restoration"),
        "left_out": left_out,
        "works": works,
    }
    style = _asset("style.css")
    script = "\n".join(_asset(name) for name in SCRIPTS)
    parts = {
        "policy": f"default-src 'none'; img-src 'self' file:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        "title": html.escape(f"{place} · Restoration report", quote=True),
        "style": style,
        "data": as_script(data),
        "script": script,
    }
    page = _asset("template.html")
    before, *rest = page.split("{{")
    pieces = [before]
    for piece in rest:
        name, after = piece.split("}}", 1)
        pieces += [parts[name], after]
    return "".join(pieces).encode()


def as_script(value: object) -> str:
    """JSON for a <script> element: ASCII without `<`, so that no string can end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (files(__package__) / "assets" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    """The hash by which a Content-Security-Policy allows the contents of an element."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
