"""The record of a work: from the manifest of its harvest, or from the user."""

from collections.abc import Mapping
from pathlib import Path

from patina.tasks.io.atomic import Record, json_object

MANIFEST = "manifest.jsonl"
FIELDS = {  # keys of a manifest, and their names in a report
    "title": "Title",
    "artist": "Artist",
    "date": "Date",
    "medium": "Medium",
    "accession": "Accession number",
    "institution": "Institution",
    "licence": "Licence",
    "source": "Source",
}
LARGEST = 200_000_000  # maximum bytes of a manifest
LEVELS = 3  # number of folders above a scan that may have its manifest


def record_of(scan: Path, sha256: str, given: Mapping[str, str]) -> dict[str, str]:
    """The record of the work in the file `scan`, by FIELDS, without unknown values.

    sha256: of the file. The record is the line of a manifest.jsonl, in the folder of the scan or in
    LEVELS folders above, with this SHA-256, file name or id. given: values of the user, which
    override the manifest. Without a title, the file name is used.
    """
    found = _line_for(scan, sha256)
    known = {name: str(found.get(name) or "").strip() for name in FIELDS}
    known |= {name: value.strip() for name, value in given.items() if value.strip()}
    known["title"] = known["title"] or scan.stem
    return {name: known[name] for name in FIELDS if known[name]}


def _line_for(scan: Path, sha256: str) -> Record:
    """The line with the scan's SHA-256, or else with its file name or id."""
    by_name: Record = {}
    for folder in [*scan.resolve().parents][:LEVELS]:
        manifest = folder / MANIFEST
        if not manifest.is_file() or manifest.stat().st_size > LARGEST:
            continue
        with manifest.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if sha256 not in line and scan.stem not in line:
                    continue
                record = json_object(line)
                if record.get("sha256") == sha256:
                    return record
                named = Path(str(record.get("file", ""))).name, str(record.get("id", ""))
                if not by_name and (scan.name == named[0] or scan.stem == named[1]):
                    by_name = record
    return by_name
