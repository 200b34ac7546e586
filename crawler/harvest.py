"""A harvest: the folder of the collected works. It is consistent at every moment, even after a
kill.

artworks/<id><suffix>        original bytes of the accepted works
records/<id>.json            data of each work, and how it was fetched
manifest.jsonl               the accepted works, a line each
rejected/, rejected.jsonl    works with a fault, with the reason
withdrawn/, withdrawn.jsonl  works that the museum withdrew after they were collected
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
PLACEHOLDER_WORKS = 4  # an image that so many works share is a placeholder


def write_atomically(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write `chunks` to `path` atomically; return SHA-256 and size in bytes."""
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
    """The harvest in `folder`, which is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self, lock: Path) -> Iterator[None]:
        """Lock the harvest for this block. lock: a file in the folder of the cached responses.

        Raises CrawlError if another crawl holds the lock.
        """
        from filelock import FileLock, Timeout

        with ExitStack() as stack:
            try:
                stack.enter_context(FileLock(lock, timeout=0))
            except Timeout as error:
                raise CrawlError(
                    f"{self.folder}: another crawl is using it; wait until it ends"
                ) from error
            self.tidy(lock.parent)
            yield
            self.tidy(lock.parent)

    def tidy(self, answers: Path) -> None:
        """Remove incomplete files of a killed crawl, here and in the folder `answers` of the
        cache.
        """
        shutil.rmtree(self.incoming, ignore_errors=True)
        for folder in (answers, self.folder, *(self.folder / name for name in FOLDERS)):
            for part in folder.glob(".*.part"):
                part.unlink()

    @property
    def incoming(self) -> Path:
        """The folder of the files that are not verified yet."""
        return self.folder / ".incoming"

    def take(self, item: Artwork, chunks: Iterable[bytes]) -> None:
        """Save the bytes of `item` in `.incoming`, to be verified."""
        self.incoming.mkdir(exist_ok=True)
        item.file = f"{self.incoming.name}/{item.id}"
        item.sha256, item.size_bytes = write_atomically(self.folder / item.file, chunks)

    def record_file(self, work: str) -> Path:
        """The file of the work's record."""
        return self.folder / "records" / f"{work}.json"

    def record(self, work: str) -> Row:
        """The record that an earlier crawl saved of the work; {} if there is none."""
        try:
            record = json.loads(self.record_file(work).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def records(self) -> Iterator[Row]:
        """All records, by id."""
        for path in sorted((self.folder / "records").glob("*.json")):
            if record := self.record(path.stem):
                yield record

    def intact(self, record: Row) -> bool:
        """Whether the file of the record exists with its original bytes."""
        try:
            with (self.folder / record["file"]).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == record["sha256"]
        except (FileNotFoundError, KeyError):
            return False

    def file(self, item: Artwork, selection: str) -> Row:
        """Save an accepted work and its record; return the record.

        The record comes last: after a kill between the two, the image is fetched again.
        """
        self.place(item, "artworks")
        record: Row = {name: getattr(item, name) for name in RECORD_FIELDS}
        record["selection"] = selection
        self.remove(item.id, "rejected")
        if record != self.record(item.id):
            write_record(self.record_file(item.id), record)
        return record

    def reject(self, item: Artwork) -> None:
        """Move a work to the rejected ones; an earlier intact file of the work stays.

        Its record then loses the version, so that the next crawl requests the work again.
        """
        self.place(item, "rejected")
        record = self.record(item.id)
        if record and self.intact(record):
            write_record(self.record_file(item.id), record | {"version": ""})
        else:
            self.forget(item.id)

    def place(self, item: Artwork, folder: str) -> None:
        """Move the bytes of `item`, if there are any, to `folder`; they replace earlier ones."""
        if not item.file:
            return
        old, item.file = self.folder / item.file, f"{folder}/{item.id}{item.suffix or '.bin'}"
        new = self.folder / item.file
        if old != new:
            old.replace(new)
        self.remove(item.id, folder, but=new.suffix)

    def remove(self, work: str, folder: str, but: str = "") -> None:
        """Remove the work's files from `folder`, except the one with the suffix `but`.

        By all possible names, because listing the whole folder for every work would be slow.
        """
        for suffix in SUFFIXES - {but}:
            (self.folder / folder / f"{work}{suffix}").unlink(missing_ok=True)

    def listed(self, crawl: str) -> str:
        """The day of the last complete crawl with the key `crawl`; "" if there was none."""
        path = self.folder / "listed.json"
        return json.loads(path.read_bytes()).get(crawl, "") if path.exists() else ""

    def set_listed(self, crawl: str, day: str) -> None:
        """Record that the crawl with the key `crawl` was complete on `day` (ISO 8601)."""
        path = self.folder / "listed.json"
        days = json.loads(path.read_bytes()) if path.exists() else {}
        text = json.dumps(days | {crawl: day}, sort_keys=True, indent=1) + "\n"
        write_atomically(path, [text.encode()])

    def set_withdrawn(self, record: Row) -> str:
        """Move the file of a work that the museum withdrew; return its new place."""
        source = self.folder / record["file"]
        if source.exists():
            source.replace(self.folder / "withdrawn" / source.name)
        return f"withdrawn/{source.name}"

    def forget(self, work: str) -> None:
        """Remove the record of a work."""
        self.record_file(work).unlink(missing_ok=True)


def write_record(path: Path, record: Row) -> None:
    """Write `record` as JSON, atomically."""
    write_atomically(path, [json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n"])


def settle(rows: dict[str, Row], *, museum: bool) -> tuple[dict[str, Row], dict[str, Row]]:
    """Split manifest rows by id into accepted rows, and duplicates with their reason.

    Of several works with the same image, the first id keeps it. If PLACEHOLDER_WORKS or more works
    of a museum share an image, it is a placeholder, and no work keeps it.
    """
    same_bytes: dict[str, list[str]] = defaultdict(list)
    for work in sorted(rows):
        same_bytes[rows[work]["sha256"]].append(work)
    doubles = {}
    for works in same_bytes.values():
        placeholder = museum and len(works) >= PLACEHOLDER_WORKS
        for work in works if placeholder else works[1:]:
            reason = (
                f"placeholder: {len(works)} works have this image"
                if placeholder
                else f"duplicate: the same bytes as {works[0]}"
            )
            doubles[work] = {"id": work, "source": rows[work]["source"], "reason": reason}
    return {work: row for work, row in rows.items() if work not in doubles}, doubles


def write_lines(path: Path, rows: dict[str, Row]) -> None:
    """Write `rows` by id as sorted JSON lines; the same works give the same file."""
    lines = (json.dumps(rows[key], ensure_ascii=False) + "\n" for key in sorted(rows))
    write_atomically(path, (line.encode() for line in lines))


def read_lines(path: Path) -> dict[str, Row]:
    """Rows by id; empty if the file is missing. Raises CrawlError if it is damaged.

    Only a line feed ends a line, because texts may contain other line separators of Unicode.
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
                f"{path}: line {number} is not a valid row; correct or remove it"
            ) from error
    return rows
