"""What is known of a work: from the manifest of its harvest, or as a user gives it."""

import json
from collections.abc import Mapping
from pathlib import Path

from patina.tasks.io.atomic import Record

MANIFEST = "manifest.jsonl"
FIELDS = {  # of a manifest, under the names that a report gives them
    "title": "Title",
    "artist": "Artist",
    "date": "Date",
    "medium": "Medium",
    "accession": "Accession number",
    "institution": "Institution",
    "licence": "Licence",
    "source": "Source",
}
LARGEST = 200_000_000  # bytes of a manifest that is read
LEVELS = 3  # folders above a scan in which its manifest is looked for


def record_of(scan: Path, sha256: str, given: Mapping[str, str]) -> dict[str, str]:
    """What is known of the work in the file `scan`, by FIELDS, without those that nobody knows.

    sha256: of the file; a line of a manifest.jsonl in its folder, or in one of LEVELS above, that
    names it is that of the work. given: by the user, over what a manifest says; the values are cut
    of white space at their ends. Without a title the name of the file stands for it.
    """
    found = _line_for(scan, sha256)
    known = {name: str(found.get(name) or "").strip() for name in FIELDS}
    known |= {name: value.strip() for name, value in given.items() if value.strip()}
    known["title"] = known["title"] or scan.stem
    return {name: known[name] for name in FIELDS if known[name]}


def _line_for(scan: Path, sha256: str) -> Record:
    """The line about the scan's bytes, else one about a file of its name or a work of its id."""
    by_name: Record = {}
    for folder in [*scan.resolve().parents][:LEVELS]:
        manifest = folder / MANIFEST
        if not manifest.is_file() or manifest.stat().st_size > LARGEST:
            continue
        with manifest.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if sha256 not in line and scan.stem not in line:
                    continue
                record = _parsed(line)
                if record.get("sha256") == sha256:
                    return record
                named = Path(str(record.get("file", ""))).name, str(record.get("id", ""))
                if not by_name and (scan.name == named[0] or scan.stem == named[1]):
                    by_name = record
    return by_name


def _parsed(line: str) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # a line that another program spoilt says nothing
        return {}
    return record if isinstance(record, dict) else {}
