"""What happens to a work that was found: its bytes arrive, are verified, and are filed.

A harvest:
    artworks/<id><suffix>   original bytes of the sound works
    rejected/<id><suffix>   bytes of those with a fault
    manifest.jsonl          the sound works of the last crawl, rejected.jsonl the others and why
    .records/<id>.json      how a filed work got here, so that a crawl that is run again goes on

Scrapy's FilesPipeline is not used: a file whose writing was cut short is up to date for it, works
that share an image URL share one file, and it logs a traceback for every 404.
"""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    DropItem,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http.request import NO_CALLBACK

from crawler.items import Artwork
from crawler.verify import examine

DOWNLOAD_ERRORS = (
    CannotResolveHostError,
    DownloadCancelledError,  # larger than DOWNLOAD_MAXSIZE
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,  # robots.txt, another domain
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
    ValueError,  # not a URL
)
ABOUT_THE_WORK = ("title", "artist", "date", "medium", "institution", "licence", "source")
ABOUT_THE_FILE = ("sha256", "size_bytes", "width", "height")
MANIFEST_FIELDS = ("id", "file", *ABOUT_THE_WORK, *ABOUT_THE_FILE)
CHUNK_BYTES = 2**20


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


def write_lines(path: Path, rows: dict[str, dict[str, Any]]) -> None:
    """`rows` by id as JSON lines, sorted, so that the same works make the same file."""
    lines = (json.dumps(rows[key], ensure_ascii=False) + "\n" for key in sorted(rows))
    write_atomically(path, (line.encode() for line in lines))


def image_key(url: str | None) -> str:
    """What tells a museum's images apart; not its host, as the sample museum's port changes."""
    parts = urlsplit(url or "")
    return f"{parts.path}?{parts.query}"


class HarvestPipeline:
    """What the three pipelines share: the harvest and the crawl's counters."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.harvest = Path(crawler.settings["HARVEST"])

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def count(self, name: str, number: int = 1) -> None:
        assert self.crawler.stats
        self.crawler.stats.inc_value(f"patina/{name}", number)

    def record_path(self, item: Artwork) -> Path:
        return self.harvest / ".records" / f"{item.id}.json"


class DownloadPipeline(HarvestPipeline):
    """Brings a work's original bytes into the harvest, unless they are there already."""

    def open_spider(self) -> None:
        self.seen: set[str] = set()
        shutil.rmtree(self.harvest / ".incoming", ignore_errors=True)  # of a killed crawl
        (self.harvest / ".incoming").mkdir(parents=True)

    def close_spider(self) -> None:
        shutil.rmtree(self.harvest / ".incoming")

    async def process_item(self, item: Artwork) -> Artwork:
        if item.id in self.seen:  # a listing that grows while it is read repeats works
            raise DropItem(f"{item.id}: found twice")
        self.seen.add(item.id)
        self.count("found")
        if item.local:
            await asyncio.to_thread(self.copy, item, item.local)
        elif await asyncio.to_thread(self.at_hand, item):
            self.count("kept")
        else:
            await self.fetch(item)
        return item

    def copy(self, item: Artwork, source: Path) -> None:
        try:
            file = source.open("rb")
        except OSError as error:
            item.fault = f"cannot be read: {error.strerror}"
            return
        with file:
            self.take(item, iter(lambda: file.read(CHUNK_BYTES), b""))

    def at_hand(self, item: Artwork) -> bool:
        """Whether a crawl before this one filed this very image, and its bytes are still those."""
        try:
            record = json.loads(self.record_path(item).read_bytes())
            with (self.harvest / record["file"]).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except (FileNotFoundError, ValueError, KeyError):
            return False
        if (found, image_key(item.image_url)) != (record["sha256"], record["image"]):
            return False
        item.file, item.sha256, item.size_bytes = record["file"], found, record["size_bytes"]
        return True

    async def fetch(self, item: Artwork) -> None:
        assert self.crawler.engine
        try:
            request = Request(item.image_url or "", callback=NO_CALLBACK)
            response = await self.crawler.engine.download_async(request)
        except DOWNLOAD_ERRORS as error:
            item.fault = f"download failed: {error or type(error).__name__}"
            return
        if response.status != 200:
            item.fault = f"download failed: HTTP {response.status}"
        else:
            await asyncio.to_thread(self.take, item, [response.body])

    def take(self, item: Artwork, chunks: Iterable[bytes]) -> None:
        item.file = f".incoming/{item.id}"
        item.sha256, item.size_bytes = write_atomically(self.harvest / item.file, chunks)


class VerifyPipeline(HarvestPipeline):
    """Decodes every work to its end and says what is wrong with it."""

    async def process_item(self, item: Artwork) -> Artwork:
        if not item.fault:
            found = await asyncio.to_thread(examine, self.harvest / item.file)
            item.suffix, item.fault = found.suffix, found.fault
            item.width, item.height = found.width, found.height
        return item


class FilePipeline(HarvestPipeline):
    """Files sound works, sets the others aside, and writes down both."""

    def open_spider(self) -> None:
        self.filed: dict[str, dict[str, Any]] = {}
        self.rejected: dict[str, dict[str, Any]] = {}
        for folder in ("artworks", "rejected", ".records"):
            (self.harvest / folder).mkdir(exist_ok=True)
        for folder in (".", ".records"):
            for part in (self.harvest / folder).glob(".*.part"):  # of a killed crawl
                part.unlink()

    def close_spider(self) -> None:
        if not (self.filed or self.rejected):  # a museum that is down tells nothing about its works
            return
        write_lines(self.harvest / "manifest.jsonl", self.filed)
        write_lines(self.harvest / "rejected.jsonl", self.rejected)

    async def process_item(self, item: Artwork) -> Artwork:
        await asyncio.to_thread(self.reject if item.fault else self.file, item)
        return item

    def file(self, item: Artwork) -> None:
        self.move(item, "artworks")
        record = {"image": image_key(item.image_url)}
        record |= {name: getattr(item, name) for name in ("file", "sha256", "size_bytes")}
        # after the file: a crawl killed between the two fetches the work again, and no harm is done
        write_atomically(self.record_path(item), [json.dumps(record).encode()])
        self.filed[item.id] = {name: getattr(item, name) for name in MANIFEST_FIELDS}
        self.count("filed")
        self.count("bytes", item.size_bytes)

    def reject(self, item: Artwork) -> None:
        if item.file:
            self.record_path(item).unlink(missing_ok=True)
            self.move(item, "rejected")
        self.rejected[item.id] = {"id": item.id, "source": item.source, "reason": item.fault}
        self.count(f"rejected/{item.fault.split(':')[0]}")

    def move(self, item: Artwork, folder: str) -> None:
        """Give a work its place, and take away what an earlier crawl had of it elsewhere."""
        old, item.file = self.harvest / item.file, f"{folder}/{item.id}{item.suffix}"
        new = self.harvest / item.file
        old.replace(new)
        for place in ("artworks", "rejected"):
            for other in (self.harvest / place).glob(f"{item.id}.*"):
                if other != new:
                    other.unlink()
