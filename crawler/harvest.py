"""A harvest: works as they were collected, each with its record, whole at every moment.

artworks/<id><suffix>    original bytes of the sound works
records/<id>.json        what is known of each, and how it got here
manifest.jsonl           the sound works, a line each
rejected/, rejected.jsonl    those with a fault, and why
withdrawn/, withdrawn.jsonl  those that the museum took back after they were collected
"""

import hashlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from patina.crawler.items import Artwork, CrawlError
from patina.crawler.verify import KINDS

Row = dict[str, Any]

FOLDERS = ("artworks", "rejected", "withdrawn", "records")
ABOUT_THE_WORK = [
    "title",
    "artist",
    "date",
    "medium",
    "department",
    "institution",
    "accession",
    "licence",
    "licence_url",
    "source",
]
ABOUT_THE_FILE = "image_url asked_width asked_height retrieved sha256 size_bytes width height"
MANIFEST_FIELDS = ("id", "file", *ABOUT_THE_WORK, *ABOUT_THE_FILE.split())
RECORD_FIELDS = (*MANIFEST_FIELDS, "number", "version", "etag", "last_modified", "max_pixels")
SUFFIXES = {".bin", *(kind.suffix for kind in KINDS)}
PLACEHOLDER_WORKS = 4  # so many works with the very same image have none


def write_atomically(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write `chunks` so that `path` is the whole of them or untouched; returns SHA-256 and size."""
    digest = hashlib.sha256()
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size_bytes


class Harvest:
    """The harvest in `folder`; made if missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self, lock: Path) -> Iterator[None]:
        """Keep other crawls out by the file `lock`, in the folder of the museum's answers.

        Raises CrawlError when one is at work.
        """
        from filelock import FileLock, Timeout

        with ExitStack() as stack:
            try:
                stack.enter_context(FileLock(lock, timeout=0))
            except Timeout as error:
                raise CrawlError(f"{self.folder}: another crawl is at work in it") from error
            self.tidy(lock.parent)
            yield
            self.tidy(lock.parent)

    def tidy(self, answers: Path) -> None:
        """Remove what a killed crawl left half-written, here and among the museum's answers."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        for folder in (answers, self.folder, *(self.folder / name for name in FOLDERS)):
            for part in folder.glob(".*.part"):
                part.unlink()

    @property
    def incoming(self) -> Path:
        return self.folder / ".incoming"

    def take(self, item: Artwork, chunks: Iterable[bytes]) -> None:
        """Bring the bytes of `item` in, to be verified."""
        self.incoming.mkdir(exist_ok=True)
        item.file = f"{self.incoming.name}/{item.id}"
        item.sha256, item.size_bytes = write_atomically(self.folder / item.file, chunks)

    def record(self, work: str) -> Row:
        """What an earlier crawl wrote down of the work; {} when there is nothing whole."""
        try:
            record = json.loads((self.folder / "records" / f"{work}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def records(self) -> Iterator[Row]:
        """All records, by id."""
        for path in sorted((self.folder / "records").glob("*.json")):
            if record := self.record(path.stem):
                yield record

    def intact(self, record: Row) -> bool:
        """Whether the record's file is there with the bytes that it had."""
        try:
            with (self.folder / record["file"]).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == record["sha256"]
        except (FileNotFoundError, KeyError):
            return False

    def file(self, item: Artwork, selection: str) -> Row:
        """Put a sound work and its record in their places; returns the record.

        The record comes last: a crawl killed between the two fetches the image again.
        """
        self.place(item, "artworks")
        record: Row = {name: getattr(item, name) for name in RECORD_FIELDS}
        record["selection"] = selection
        self.remove(item.id, "rejected")
        if record != self.record(item.id):
            write_record(self.folder / "records" / f"{item.id}.json", record)
        return record

    def reject(self, item: Artwork) -> None:
        """Set a work aside; what was filed of it, if it is still whole, is the last that was sound.

        Its record then forgets its version, so that the next crawl asks again.
        """
        self.place(item, "rejected")
        record = self.record(item.id)
        path = self.folder / "records" / f"{item.id}.json"
        if record and self.intact(record):
            write_record(path, record | {"version": ""})
        else:
            path.unlink(missing_ok=True)

    def place(self, item: Artwork, folder: str) -> None:
        """Move the bytes of `item`, if any came, to `folder`, in the place of those of before."""
        if not item.file:
            return
        old, item.file = self.folder / item.file, f"{folder}/{item.id}{item.suffix or '.bin'}"
        new = self.folder / item.file
        if old != new:
            old.replace(new)
        self.remove(item.id, folder, but=new.suffix)

    def remove(self, work: str, folder: str, but: str = "") -> None:
        """Remove the work's files from `folder`, except the one with the suffix `but`.

        By name: to look for them would be to read the whole folder for every work.
        """
        for suffix in SUFFIXES - {but}:
            (self.folder / folder / f"{work}{suffix}").unlink(missing_ok=True)

    def listed(self, crawl: str) -> str:
        """The day on which that crawl came to its end last; "" if it never did."""
        path = self.folder / "listed.json"
        return json.loads(path.read_bytes()).get(crawl, "") if path.exists() else ""

    def set_listed(self, crawl: str, day: str) -> None:
        path = self.folder / "listed.json"
        days = json.loads(path.read_bytes()) if path.exists() else {}
        text = json.dumps(days | {crawl: day}, sort_keys=True, indent=1) + "\n"
        write_atomically(path, [text.encode()])

    def set_withdrawn(self, record: Row) -> str:
        """Move the file of a work aside that the museum took back; returns its place."""
        source = self.folder / record["file"]
        if source.exists():
            source.replace(self.folder / "withdrawn" / source.name)
        return f"withdrawn/{source.name}"

    def forget(self, work: str) -> None:
        """Remove the work's record, when all that is to be kept of it stands elsewhere."""
        (self.folder / "records" / f"{work}.json").unlink(missing_ok=True)


def write_record(path: Path, record: Row) -> None:
    write_atomically(path, [json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n"])


def settle(rows: dict[str, Row], *, museum: bool) -> tuple[dict[str, Row], dict[str, Row]]:
    """Manifest rows by id -> those to keep, and the duplicates with their reason.

    The first id keeps an image that several works share; where a museum's works share one,
    PLACEHOLDER_WORKS of them or more, it stands for an image that is not there, and none keeps it.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for work in sorted(rows):
        alike[rows[work]["sha256"]].append(work)
    doubles = {}
    for works in alike.values():
        placeholder = museum and len(works) >= PLACEHOLDER_WORKS
        for work in works if placeholder else works[1:]:
            reason = (
                f"placeholder: one image stands for {len(works)} works"
                if placeholder
                else f"duplicate: the bytes are those of {works[0]}"
            )
            doubles[work] = {"id": work, "source": rows[work]["source"], "reason": reason}
    return {work: row for work, row in rows.items() if work not in doubles}, doubles


def write_lines(path: Path, rows: dict[str, Row]) -> None:
    """`rows` by id as JSON lines, sorted, so that the same works make the same file."""
    lines = (json.dumps(rows[key], ensure_ascii=False) + "\n" for key in sorted(rows))
    write_atomically(path, (line.encode() for line in lines))


def read_lines(path: Path) -> dict[str, Row]:
    """Rows by id; none when there is no such file. Raises CrawlError for a damaged one.

    A line ends with a line feed and nothing else: text may hold what Unicode takes for a line's
    end, such as U+2028.
    """
    if not path.exists():
        return {}
    rows: dict[str, Row] = {}
    for number, text in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            row = json.loads(text) if text else None
            rows |= {row["id"]: row} if row is not None else {}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise CrawlError(
                f"{path}: line {number} is no row of a work; mend or remove it"
            ) from error
    return rows
