"""What every museum's spider shares: it finds works, a few at a time, until enough are filed."""

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

from patina.crawler.answers import UNINTELLIGIBLE, GoneError, Record, answer, segment
from patina.crawler.harvest import Harvest
from patina.crawler.items import Artwork, CrawlError, LaterError
from patina.crawler.listing import Pages
from patina.crawler.loaders import ArtworkLoader, file_safe
from patina.crawler.network import DOWNLOAD_ERRORS, GONE
from patina.crawler.selection import Selection
from patina.crawler.text import plain, reason_of

ALL = Selection()
JSON_BYTES = 16 * 2**20  # of a record or a page of a listing

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


class PacedSpider(Spider):
    """Yields works while fewer than `at_once` are on their way through the pipelines.

    So memory does not grow with the collection, and a work's image is asked for right after its
    record was.
    """

    at_once = 8
    enough = 0  # works filed, after which no more are yielded; 0: there is no end
    museum = False  # whether what it finds is fetched from a museum, and stays when not found again

    def __init__(
        self, harvest: Harvest | None = None, selection: Selection = ALL, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.filed_in, self.selection = harvest, selection
        self.under_way, self.done, self.changed = 0, 0, asyncio.Event()
        self.failures: list[BaseException] = []  # beyond single works

    @property
    def harvest(self) -> Harvest:
        """Where works are filed; raises CrawlError when Scrapy's own commands gave none."""
        if self.filed_in is None:
            raise CrawlError("there is no harvest to file works in; run `patina crawl`")
        return self.filed_in

    @abstractmethod
    def works(self) -> AsyncIterator[Artwork]:
        """The works, in the order in which they are to be fetched."""

    def unseen(self) -> Iterator[Artwork]:
        """Works to look at again when all others have been dealt with."""
        return iter(())

    async def start(self) -> AsyncIterator[Artwork]:
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
        except Exception as error:  # noqa: BLE001 -- whatever it is, the crawl is not complete
            self.failures.append(error)
        while self.under_way:  # Scrapy would not wait for items that follow no request
            await self.change()

    async def room(self) -> bool:
        """Wait until another work may start; whether it may at all."""
        while self.under_way >= self.at_once or (
            self.enough and self.done < self.enough <= self.done + self.under_way
        ):
            await self.change()
        return not self.failures and (not self.enough or self.done < self.enough)

    async def change(self) -> None:
        self.changed.clear()
        await self.changed.wait()

    def dealt_with(self, item: Artwork) -> None:
        """A work has left the pipelines, filed or not."""
        self.under_way -= 1
        self.done += item.ok
        self.changed.set()

    def failed(self, failure: Failure) -> None:
        """Something that is not about one work went wrong: no more are begun."""
        self.failures.append(failure.value)


class MuseumSpider(PacedSpider):
    """A museum with an API: a listing of works, a record of each, and images of some."""

    at_once = 4
    museum = True
    institution: ClassVar[str]
    api: ClassVar[str]  # where it begins
    hosts: frozenset[str]  # the only ones asked, the images' among them
    agent_header = "User-Agent"  # where the museum looks for who is calling, beside that
    delay_s: ClassVar[float] = 1.0  # between two requests to one host, at least
    headers: ClassVar[dict[str, str]] = {  # an answer in the cache is asked about each time
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
        self.notes: list[str] = []  # what the user should know of the listing
        self.pages = Pages(self.notes)

    @classmethod
    def handles_request(cls, request: Request) -> bool:
        """Whether the address is one of the museum's: `scrapy shell` asks."""
        return urlsplit(request.url).hostname in cls.hosts

    @abstractmethod
    def listing(self) -> AsyncIterator[Artwork]:
        """Every work that the museum's search finds: id, number and, if it is told, version."""

    @abstractmethod
    def record_request(self, number: str) -> Request:
        """The request for the record of one work."""

    @abstractmethod
    def artwork(self, record: Record) -> Artwork:
        """The work that a record, as `record_request` answers it, speaks of.

        Its licence is "" unless the record itself says that the work and its image are free.
        """

    async def start(self) -> AsyncIterator[Artwork]:
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
        """The works listed, each once: a listing that changes while it is read repeats some.

        Raises CrawlError when a page of it has another shape than the museum documents.
        """
        try:
            async for work in self.listing():
                if work.id not in self.seen:
                    self.seen.add(work.id)
                    yield work
        except (*UNINTELLIGIBLE, ValueError) as error:
            what = f"{type(error).__name__} {plain(error, 300)}"
            raise CrawlError(
                f"the listing is not understood: {what}; the museum may have changed its API"
            ) from error

    @property
    def same_crawl(self) -> str:
        """Names the crawls that look at the same works: a lower limit looks at fewer of them."""
        return f"{self.selection.key()}-{self.selection.limit}"

    def unseen(self) -> Iterator[Artwork]:
        """Works filed for this selection but not listed: the museum may have withdrawn them."""
        key, limit = self.selection.key(), self.selection.limit
        missed = [
            Artwork(id=record["id"], number=record["number"])
            for record in (self.harvest.records() if self.museum else ())
            if record["id"] not in self.seen and record["selection"] == key
        ]
        if limit and len(missed) > limit:  # most of them lie beyond this crawl's limit
            self.notes.append(f"{len(missed)} works of an earlier crawl were not looked at again")
            return iter(())
        return iter(missed)

    async def count(self) -> None:
        """Only count what there is to fetch."""
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
        """A loader that knows the museum; `free`: the record itself says that the image is CC0."""
        loader = ArtworkLoader()
        loader.add_value("institution", self.institution)
        loader.add_value("licence", "CC0" if free else None)
        loader.add_value("licence_url", CC0 if free else None)
        return loader

    def candidate(self, number: object, version: object = None) -> Artwork:
        """A work as a listing names it."""
        number = plain(number)
        return Artwork(file_safe(f"{self.name}-{number}"), number, plain(version or ""))

    def url(self, path: str, number: str = "", **query: object) -> str:
        """An address of the API; what is "" or None is left out of the query."""
        asked = {name: value for name, value in query.items() if value not in ("", None)}
        address = f"{self.api}{path}{segment(number) if number else ''}"
        return f"{address}?{urlencode(asked, safe=',*')}" if asked else address

    def request(self, url: str) -> Request:
        named = {self.agent_header: self.settings["USER_AGENT"]}
        meta = {"download_maxsize": JSON_BYTES}
        return Request(url, headers=self.headers | named, callback=NO_CALLBACK, meta=meta)

    async def record_of(self, work: Artwork) -> Artwork:
        """What the museum's own record says of a work now.

        Raises GoneError when there is none any more, one of DOWNLOAD_ERRORS when it does not come,
        and one of UNINTELLIGIBLE when it has another shape than the museum documents.
        """
        assert self.crawler.engine
        response = await self.crawler.engine.download_async(self.record_request(work.number))
        if response.status in GONE:
            raise GoneError(f"HTTP {response.status}")
        return self.artwork(answer(response))

    async def ask(self, url: str) -> Any:
        """The JSON of a page of the listing.

        Raises LaterError when it does not come: the listing would end early and look complete;
        CrawlError when it may not be asked for.
        """
        assert self.crawler.engine
        try:
            response = await self.crawler.engine.download_async(self.request(url))
            return answer(response)
        except IgnoreRequest as error:
            raise CrawlError(f"{url}: {error}") from error
        except DOWNLOAD_ERRORS as error:
            broke_off = f"the listing broke off: {reason_of(error)}; run it again"
            raise LaterError(f"{url}: {broke_off}") from error
