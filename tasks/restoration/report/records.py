"""Collects the works of an outbox for its report, from sidecars and failures.jsonl."""

import heapq
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from patina.tasks.io.atomic import DRAFT, Record, json_object
from patina.tasks.io.storage import Place, Remote, named, read, relative
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.previews import FOLDER, PICTURES, key_of
from patina.tasks.restoration.report.summary import outcome_of, summary_of
from patina.tasks.restoration.sidecars import SIDECAR_BYTES, STATEMENT, with_present_names

SET_ASIDE = "set aside"
MOST_WORKS = 20_000  # maximum in a report, which a browser can still open
AT_ONCE = 1000  # number of sidecars of a storage in memory
JOINERS = "\u200c\u200d"  # belong to words in some scripts; not printable for Python
ORDER = (SET_ASIDE, "restored", "untouched")


class Gathered(NamedTuple):
    """The works of a report."""

    works: list[Record]
    left_out: int  # number of further works


def gather(outbox: Place, most: int = MOST_WORKS) -> Gathered:
    """A record of each work: first set aside and flagged ones, then by the size of the change.

    Of more than `most` works, only the first are kept, so that a million fits into memory.
    """
    restored = (_work_or_damaged(path, sidecar) for path, sidecar in sidecars_in(outbox))
    total = count()
    numbered = zip(chain(restored, _set_aside(outbox)), total, strict=False)
    works = [work for work, _ in heapq.nsmallest(most, numbered, key=lambda one: _rank(one[0]))]
    return Gathered(works, next(total) - len(works))


def sidecars_in(outbox: Place) -> Iterator[tuple[Path, Record]]:
    """Each sidecar of Patina in `outbox`, at any depth, with the path of its result."""
    for path, content in _json_files(outbox):
        sidecar = json_object(content)
        if sidecar.get("statement") == STATEMENT:
            yield path.with_suffix(""), sidecar


def _work_or_damaged(result: Path, sidecar: Record) -> Record:
    """`work_of`; for a damaged sidecar a record that says so."""
    try:
        return work_of(result, sidecar)
    except (AttributeError, TypeError, ValueError, KeyError):
        garbled = f"{result.name}.json: the sidecar is damaged; restore the scan again"
        return work_of(result, {"summary": garbled, "flags": ["the sidecar cannot be read"]})


def work_of(result: Path, sidecar: Record) -> Record:
    """The record of a restored or untouched work.

    result: its path in the outbox. sidecar: any sidecar; missing values are left out.
    """
    source, change, previews = (_part(sidecar, key) for key in ("source", "change", "previews"))
    figures = figures_of(with_present_names(sidecar))
    return {
        "id": key_of(result),
        "name": printable(result.as_posix()),
        "href": quote(result.as_posix().encode(errors="surrogateescape")),
        "file": printable(str(source.get("file", ""))),
        "outcome": outcome_of(figures),
        "summary": printable(str(sidecar.get("summary") or summary_of(figures))),
        "flags": [printable(str(flag)) for flag in sidecar.get("flags") or []],
        "changed": _number(change.get("share_of_pixels")),
        "delta_e": _number(_part(change, "delta_e2000").get("mean")),
        "width": _number(source.get("width")),
        "height": _number(source.get("height")),
        "key": key if re.fullmatch("[0-9a-f]{20}", key := str(previews.get("key"))) else "",
        "size": [_number(side) for side in previews.get("size") or []],
        "pictures": sorted(PICTURES & {str(name) for name in previews.get("files") or []}),
        "sidecar": sidecar,
    }


def _set_aside(outbox: Place) -> Iterator[Record]:
    for line in (read(outbox / "failures.jsonl") or b"").splitlines():
        failure = json_object(line)
        if "file" in failure:
            # Without the path on this machine, because the report may be given to others
            file = str(failure["file"])
            name = posixpath.basename(file)
            reason = str(failure.get("reason")).replace(file, name)
            yield {
                "id": key_of(file),
                "name": printable(name),
                "file": printable(name),
                "outcome": SET_ASIDE,
                "summary": printable(reason),
                "flags": [],
            }


def _rank(work: Record) -> tuple[Any, ...]:
    changed = -(work.get("delta_e") or 0), -(work.get("changed") or 0)
    return not work["flags"], ORDER.index(work["outcome"]), *changed, work["name"]


def _json_files(outbox: Place) -> Iterator[tuple[Path, bytes]]:
    """Each file that may be a sidecar: its path in the outbox, and its content."""
    if isinstance(outbox, Path):
        for path in _outside_of_ours(outbox.rglob("*.json"), outbox):
            with suppress(OSError):  # a folder, a pipe, too large, or gone since
                yield path, read(outbox / path, SIDECAR_BYTES) or b""
        return
    with named(outbox):
        outbox.files.invalidate_cache()
        found = [path for path in outbox.files.find(outbox.path) if path.endswith(".json")]
    for start in range(0, len(found), AT_ONCE):
        with named(outbox):
            contents = outbox.files.cat(found[start : start + AT_ONCE], on_error="omit")
        for path, content in contents.items():
            yield relative(Remote(outbox.files, path), outbox), content


def _outside_of_ours(paths: Iterable[Path], outbox: Path) -> Iterator[Path]:
    for path in paths:
        inner = path.relative_to(outbox)
        if FOLDER not in inner.parts and not any(part.startswith(DRAFT) for part in inner.parts):
            yield inner


def _part(record: Record, key: str) -> Record:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def printable(text: str) -> str:
    r"""`text` with invisible characters and changes of direction as escapes: \n, \u202e."""
    return "".join(
        character if _is_seen(character) else ascii(character)[1:-1] for character in text
    )


def _is_seen(character: str) -> bool:
    category = unicodedata.category(character)
    return character in JOINERS or not (category[0] == "C" or category in ("Zl", "Zp"))
