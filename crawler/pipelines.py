"""The item pipelines: read the record of a work, verify its image, save or reject it."""

import asyncio
from dataclasses import fields
from pathlib import Path
from threading import Lock
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.http import Response

from patina.crawler.harvest import (
    ABOUT_THE_WORK,
    MANIFEST_FIELDS,
    RECORD_FIELDS,
    Harvest,
    Row,
    read_lines,
    settle,
    write_lines,
)
from patina.crawler.items import Artwork, Rendition
from patina.crawler.network import DOWNLOAD_ERRORS
from patina.crawler.responses import UNINTELLIGIBLE, GoneError
from patina.crawler.spiders.museum import MuseumSpider, PacedSpider
from patina.crawler.text import plain, reason_of
from patina.crawler.verify import examine

WRITING = Lock()


class HarvestPipeline:
    """Base class of the pipelines: access to the harvest and the crawl's counters."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Part of Scrapy's interface."""
        return cls(crawler)

    @property
    def spider(self) -> PacedSpider:
        """The spider of the crawl."""
        assert isinstance(self.crawler.spider, PacedSpider)
        return self.crawler.spider

    @property
    def harvest(self) -> Harvest:
        """The harvest of the crawl."""
        return self.spider.harvest

    def count(self, name: str, number: int = 1) -> None:
        """Add `number` to a counter; thread-safe."""
        assert self.crawler.stats
        with WRITING:
            self.crawler.stats.inc_value(f"patina/{name}", number)

    async def download(self, request: Request) -> Response:
        """The response to `request`, at the pace of the crawl. Raises one of DOWNLOAD_ERRORS."""
        assert self.crawler.engine
        return await self.crawler.engine.download_async(request)


class RecordPipeline(HarvestPipeline):
    """Reads the museum's record of a work, unless the saved record is up to date."""

    async def process_item(self, item: Artwork) -> Artwork:
        """Complete the work from its saved record, or else from the museum's."""
        self.count("found")
        record = self.harvest.record(item.id)
        item.max_pixels = self.spider.selection.max_pixels
        known = record.get("selection") == self.spider.selection.key()
        if (
            item.version
            and known
            and all(getattr(item, n) == record.get(n) for n in ("version", "max_pixels"))
        ):
            await self.keep(item, record)
        if not (item.kept or item.local):
            await self.read(item, record)
        return item

    async def keep(self, item: Artwork, record: Row) -> None:
        """Take missing data from the saved `record`, if its file is intact."""
        if await asyncio.to_thread(self.harvest.intact, record):
            for name in RECORD_FIELDS:
                setattr(item, name, getattr(item, name) or record[name])
            item.suffix, item.kept = Path(item.file).suffix, True

    async def read(self, item: Artwork, record: Row) -> None:
        """Fill in the museum's present data, and check the licence.

        Raises DropItem if the work does not match the filters.
        """
        spider = self.spider
        assert isinstance(spider, MuseumSpider)
        try:
            fresh = await spider.record_of(item)
        except GoneError as error:
            refuse(item, record, f"record gone: {error}")
            return
        except DOWNLOAD_ERRORS as error:
            item.fault = f"record not read: {reason_of(error)}"
            return
        except UNINTELLIGIBLE as error:
            item.fault = f"record not understood: {type(error).__name__} {plain(error, 300)}"
            return
        known = record and record["selection"] == spider.selection.key()
        if not known and not spider.selection.wants(fresh):
            self.count("filtered")
            raise DropItem(f"{item.id}: outside the filters")
        for name in (one.name for one in fields(fresh)):
            if name not in ("id", "number", "max_pixels"):
                setattr(item, name, getattr(fresh, name))
        if not item.licence:
            refuse(item, record, "not in the public domain by its own record")
        elif not item.renditions:
            refuse(item, record, "no image offered")
        elif record and same(item, record, self.choice(item)):
            await self.keep(item, record)

    def choice(self, item: Artwork) -> list[Rendition]:
        """The sizes of the image that fit the filters."""
        return self.spider.selection.fitting(item.renditions)


def refuse(item: Artwork, record: Row, reason: str) -> None:
    """Record why a work cannot be used; a work that was saved before is withdrawn."""
    if record:
        item.withdrawn = reason
    else:
        item.fault = reason


def same(item: Artwork, record: Row, renditions: list[Rendition]) -> bool:
    """Whether the saved record is up to date, and its image one of `renditions`."""
    urls = [rendition.url for rendition in renditions]
    if item.max_pixels != record["max_pixels"]:  # a larger image may fit now
        urls = urls[:1]
    return record["image_url"] in urls and all(
        getattr(item, name) == record[name] for name in (*ABOUT_THE_WORK, "version")
    )


class VerifyPipeline(HarvestPipeline):
    """Decodes the image of every work completely and records its fault, if any."""

    async def process_item(self, item: Artwork) -> Artwork:
        """Verify the file of a work that was fetched in this crawl."""
        if not (item.kept or item.fault or item.withdrawn):
            found = await asyncio.to_thread(examine, self.harvest.folder / item.file)
            item.suffix, item.fault = found.suffix, found.fault
            item.width, item.height = found.width, found.height
        return item


class FilePipeline(HarvestPipeline):
    """Saves accepted works, moves the others aside, and writes the manifests."""

    def open_spider(self) -> None:
        """Read the withdrawn works; part of Scrapy's interface."""
        self.filed: dict[str, Row] = {}
        self.kept: set[str] = set()  # ids of saved works with a file from an earlier crawl
        self.rejected: dict[str, Row] = {}
        self.withdrawn = read_lines(self.harvest.folder / "withdrawn.jsonl")

    async def process_item(self, item: Artwork) -> Artwork:
        """Save, reject or withdraw the work."""
        put = self.withdraw if item.withdrawn else self.reject if item.fault else self.file
        await asyncio.to_thread(put, item)
        return item

    def file(self, item: Artwork) -> None:
        """Save an accepted work, and count it."""
        record = self.harvest.file(item, self.spider.selection.key())
        self.filed[item.id] = line(record)
        self.withdrawn.pop(item.id, None)
        self.count("filed")
        if item.kept:
            self.kept.add(item.id)
            self.count("up_to_date")
        else:
            self.count("bytes", item.size_bytes)

    def reject(self, item: Artwork) -> None:
        """Move a work with a fault to the rejected works, and count it."""
        self.harvest.reject(item)
        item.fault = plain(item.fault)
        self.rejected[item.id] = {"id": item.id, "source": item.source, "reason": item.fault}
        self.count(f"rejected/{item.fault.split(':')[0]}")

    def withdraw(self, item: Artwork) -> None:
        """Move a work that the museum withdrew to the withdrawn works, and count it."""
        record = self.harvest.record(item.id)
        place = self.harvest.set_withdrawn(record)
        self.withdrawn[item.id] = line(record) | {"file": place, "reason": item.withdrawn}
        with WRITING:  # works are filed in several threads
            write_lines(self.harvest.folder / "withdrawn.jsonl", self.withdrawn)
        self.harvest.forget(item.id)  # last, so that the next crawl repeats this after a kill
        self.count("withdrawn")

    def close_spider(self) -> None:
        """Write the manifests, unless no work was found, as when a museum cannot be reached."""
        museum = self.spider.museum
        assert self.crawler.stats
        counted_only = isinstance(self.spider, MuseumSpider) and self.spider.dry_run
        if counted_only or not self.crawler.stats.get_value("patina/found"):
            return
        rows = {r["id"]: line(r) for r in self.harvest.records()} if museum else self.filed
        manifest, doubles = settle(rows, museum=museum)
        for work in doubles.values():
            self.count(f"rejected/{work['reason'].split(':')[0]}")
            self.count("filed", -(work["id"] in self.filed))
            self.count("up_to_date", -(work["id"] in self.kept))
        write_lines(self.harvest.folder / "manifest.jsonl", manifest)
        write_lines(self.harvest.folder / "rejected.jsonl", self.rejected | doubles)
        if museum:  # also those that came back
            write_lines(self.harvest.folder / "withdrawn.jsonl", self.withdrawn)


def line(record: dict[str, Any]) -> Row:
    """The record's line in the manifest."""
    return {name: record[name] for name in MANIFEST_FIELDS}
