"""Base classes of the spiders: they yield works, a few at a time, until enough are saved."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from scrapy import Request, Spider
from scrapy.exceptions import IgnoreRequest
from scrapy.http.request import NO_CALLBACK
from scrapy.signals import item_dropped, item_error, item_scraped
from twisted.python.failure import Failure

from patina.crawler.harvest import Harvest
from patina.crawler.items import Artwork, CrawlError, LaterError
from patina.crawler.listing import Pages
from patina.crawler.loaders import ArtworkLoader, file_safe
from patina.crawler.network import DOWNLOAD_ERRORS, GONE
from patina.crawler.responses import UNINTELLIGIBLE, GoneError, Record, answer, segment
from patina.crawler.selection import Selection
from patina.crawler.text import plain, reason_of

ALL = Selection()
JSON_BYTES = 16 * 2**20  # maximum size of a record or a page of a listing

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


class PacedSpider(Spider):
    """Yields works while fewer than `at_once` are in the pipelines.

    So memory does not grow with the collection, and the image of a work is requested right after
    its record.
    """

    at_once = 8  # maximum number of works in the pipelines
    enough = 0  # number of saved works after which the spider stops; 0: no limit
    museum = False  # whether works come from a museum, and stay if they are not found again

    def __init__(
        self, harvest: Harvest | None = None, selection: Selection = ALL, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.filed_in, self.selection = harvest, selection
        self.under_way, self.done, self.changed = 0, 0, asyncio.Event()
        self.failures: list[BaseException] = []  # errors that are not about one work

    @property
    def harvest(self) -> Harvest:
        """The harvest. Raises CrawlError if there is none, as under Scrapy's own commands."""
        if self.filed_in is None:
            raise CrawlError("there is no harvest folder; use `patina crawl` to fetch works")
        return self.filed_in

    @abstractmethod
    def works(self) -> AsyncIterator[Artwork]:
        """The works, in the order in which to fetch them."""

    def unseen(self) -> Iterator[Artwork]:
        """Works to check again after all others."""
        return iter(())

    async def start(self) -> AsyncIterator[Artwork]:
        """Yield the works as soon as they may start; part of Scrapy's interface."""
        self.crawler.signals.connect(self.failed, item_error)
        for signal in (item_scraped, item_dropped, item_error):
            self.crawler.signals.connect(self.dealt_with, signal)
        try:
            works = aiter(self.works())
            while await self.room() and (work := await anext(works, None)):
                self.under_way += 1
                yield work
            self.enough = 0
            for work in self.unseen():
                if not await self.room():
                    break
                self.under_way += 1
                yield work
        except Exception as error:  # noqa: BLE001 -- after any error the crawl is incomplete
            self.failures.append(error)
        while self.under_way:  # Scrapy does not wait for items without a request
            await self.change()

    async def room(self) -> bool:
        """Wait until another work may start; return whether it may."""
        while self.under_way >= self.at_once or (
            self.enough and self.done < self.enough <= self.done + self.under_way
        ):
            await self.change()
        return not self.failures and (not self.enough or self.done < self.enough)

    async def change(self) -> None:
        """Wait until a work has left the pipelines."""
        self.changed.clear()
        await self.changed.wait()

    def dealt_with(self, item: Artwork) -> None:
        """Count a work that has left the pipelines."""
        self.under_way -= 1
        self.done += item.ok
        self.changed.set()

    def failed(self, failure: Failure) -> None:
        """Record an error that is not about one work; no more works start."""
        self.failures.append(failure.value)


class MuseumSpider(PacedSpider):
    """A museum with an API: a listing of works, a record of each, and images of some."""

    at_once = 4
    museum = True
    institution: ClassVar[str]
    api: ClassVar[str]  # base address of the API
    hosts: frozenset[str]  # the only hosts that get requests, including those of images
    agent_header = "User-Agent"  # header in which the museum expects the contact
    delay_s: ClassVar[float] = 1.0  # minimum seconds between two requests to one host
    headers: ClassVar[dict[str, str]] = {  # max-age=0: check every cached response
        "Accept": "application/json",
        "Cache-Control": "max-age=0",
    }

    def __init__(
        self,
        harvest: Harvest | None = None,
        selection: Selection = ALL,
        *,
        dry_run: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(harvest, selection, **arguments)
        self.enough = selection.limit
        self.dry_run = dry_run
        self.seen: set[str] = set()
        self.notes: list[str] = []  # notes for the user about the listing
        self.pages = Pages(self.notes)

    @classmethod
    def handles_request(cls, request: Request) -> bool:
        """Whether the address belongs to the museum; for `scrapy shell`."""
        return urlsplit(request.url).hostname in cls.hosts

    @abstractmethod
    def listing(self) -> AsyncIterator[Artwork]:
        """Every work that the museum's search finds: id, number and, if known, version."""

    @abstractmethod
    def record_request(self, number: str) -> Request:
        """The request for the record of one work."""

    @abstractmethod
    def artwork(self, record: Record) -> Artwork:
        """The work of a record, which is the response to `record_request`.

        Its licence is "" unless the record says that the work and its image are free.
        """

    async def start(self) -> AsyncIterator[Artwork]:
        """As PacedSpider; a dry run only counts. Records the day of a complete listing."""
        if self.dry_run:
            try:
                await self.count()
            except CrawlError as error:
                self.failures.append(error)
            return
        today = datetime.now(UTC).date().isoformat()
        async for work in super().start():
            yield work
        if self.museum and not self.failures and not self.pages.cut:
            self.harvest.set_listed(self.same_crawl, today)

    async def works(self) -> AsyncIterator[Artwork]:
        """The listed works, each once; a listing that changes while it is read repeats some.

        Raises CrawlError if a page differs from the museum's documentation.
        """
        try:
            async for work in self.listing():
                if work.id not in self.seen:
                    self.seen.add(work.id)
                    yield work
        except (*UNINTELLIGIBLE, ValueError) as error:
            what = f"{type(error).__name__} {plain(error, 300)}"
            raise CrawlError(
                f"the listing cannot be read: {what}; the museum may have changed its API"
            ) from error

    @property
    def same_crawl(self) -> str:
        """A key for crawls with the same filters and limit."""
        return f"{self.selection.key()}-{self.selection.limit}"

    def unseen(self) -> Iterator[Artwork]:
        """Saved works of this selection that were not listed; the museum may have withdrawn
        them.
        """
        key, limit = self.selection.key(), self.selection.limit
        missed = [
            Artwork(id=record["id"], number=record["number"])
            for record in (self.harvest.records() if self.museum else ())
            if record["id"] not in self.seen and record["selection"] == key
        ]
        if limit and len(missed) > limit:  # most of them are beyond this crawl's limit
            self.notes.append(f"{len(missed)} works of an earlier crawl were not checked again")
            return iter(())
        return iter(missed)

    async def count(self) -> None:
        """Only count the works to fetch."""
        assert self.crawler.stats
        async for work in self.works():
            record = self.harvest.record(work.id)
            known = bool(record and work.version and record["version"] == work.version)
            self.crawler.stats.inc_value("patina/found")
            self.crawler.stats.inc_value(f"patina/{'up_to_date' if known else 'to_fetch'}")
            self.done += 1
            if self.done == self.enough:
                break

    def loader(self, *, free: bool) -> ArtworkLoader:
        """A loader with the museum's fields. free: whether the record says that the image is
        CC0.
        """
        loader = ArtworkLoader()
        loader.add_value("institution", self.institution)
        loader.add_value("licence", "CC0" if free else None)
        loader.add_value("licence_url", CC0 if free else None)
        return loader

    def candidate(self, number: object, version: object = None) -> Artwork:
        """A work with the number and version from a listing."""
        number = plain(number)
        return Artwork(file_safe(f"{self.name}-{number}"), number, plain(version or ""))

    def url(self, path: str, number: str = "", **query: object) -> str:
        """An address of the API; values "" and None are left out of the query."""
        asked = {name: value for name, value in query.items() if value not in ("", None)}
        address = f"{self.api}{path}{segment(number) if number else ''}"
        return f"{address}?{urlencode(asked, safe=',*')}" if asked else address

    def request(self, url: str) -> Request:
        """A request for JSON from `url`, with the contact in its header."""
        named = {self.agent_header: self.settings["USER_AGENT"]}
        meta = {"download_maxsize": JSON_BYTES}
        return Request(url, headers=self.headers | named, callback=NO_CALLBACK, meta=meta)

    async def record_of(self, work: Artwork) -> Artwork:
        """The data of the museum's present record of a work.

        Raises GoneError if the record is gone, one of DOWNLOAD_ERRORS if it cannot be fetched, and
        one of UNINTELLIGIBLE if it differs from the museum's documentation.
        """
        assert self.crawler.engine
        response = await self.crawler.engine.download_async(self.record_request(work.number))
        if response.status in GONE:
            raise GoneError(f"HTTP {response.status}")
        return self.artwork(answer(response))

    async def ask(self, url: str) -> Any:
        """The JSON of a page of the listing.

        Raises LaterError if it cannot be fetched, because the listing would look complete; and
        CrawlError if the request is not allowed.
        """
        assert self.crawler.engine
        try:
            response = await self.crawler.engine.download_async(self.request(url))
            return answer(response)
        except IgnoreRequest as error:
            raise CrawlError(f"{url}: {error}") from error
        except DOWNLOAD_ERRORS as error:
            incomplete = f"the listing is incomplete: {reason_of(error)}; run the command again"
            raise LaterError(f"{url}: {incomplete}") from error
