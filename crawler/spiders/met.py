"""The Metropolitan Museum of Art; its API is described on https://metmuseum.github.io/."""

from collections.abc import AsyncIterator, Container
from datetime import date, timedelta

from scrapy import Request

from patina.crawler.items import Artwork, CrawlError, Rendition
from patina.crawler.responses import Record, year
from patina.crawler.spiders.museum import MuseumSpider

LARGEST_PAGE = 500
LISTED_AT_MOST = 10_000  # number of works that a search lists


class MetSpider(MuseumSpider):
    """Finds the numbers of works page by page; all other data are in the records."""

    name = "met"
    institution = "The Metropolitan Museum of Art"
    api = "https://collectionapi.metmuseum.org/public/collection"
    hosts = frozenset({"collectionapi.metmuseum.org", "images.metmuseum.org"})
    delay_s = 1.0  # 80 a second are allowed, but after about 30 fast requests it blocks

    async def listing(self) -> AsyncIterator[Artwork]:
        """The works that the search finds, page by page."""
        department = await self.department()
        changed = await self.changed_since(self.harvest.listed(self.same_crawl))
        offset = 0
        while offset < LISTED_AT_MOST:
            found = await self.ask(self.search(department, offset))
            numbers = found["objectIDs"] or []
            for number in numbers:
                work = self.candidate(number)
                if changed is not None and number not in changed:
                    work.version = self.harvest.record(work.id).get("version", "")
                yield work
            offset, total = offset + len(numbers), int(found["total"])
            if offset >= total or not self.pages.go_on(numbers, total):
                return
        self.notes.append(
            f"the museum lists only {LISTED_AT_MOST} of {total} works found; use narrower filters"
        )

    def search(self, department: int | None, offset: int) -> str:
        """The address of a page of the search. offset: number of works before it."""
        asked = self.selection
        years = asked.years() or (None, None)
        return self.url(
            "/v1.1/search",
            q=asked.query or "*",
            departmentId=department,
            dateBegin=years[0],
            dateEnd=years[1],
            isPublicDomain="true",
            hasImages="true",
            offset=offset,
            limit=LARGEST_PAGE,
        )

    async def department(self) -> int | None:
        """The number of the selected department. Raises CrawlError, with all names, if unknown."""
        if not (asked := self.selection.department.casefold()):
            return None
        departments = (await self.ask(self.url("/v1/departments")))["departments"]
        for one in departments:
            if asked in one["displayName"].casefold():
                return one["departmentId"]
        names = ", ".join(one["displayName"] for one in departments)
        raise CrawlError(f"department {self.selection.department!r}: unknown; the Met has {names}")

    async def changed_since(self, day: str) -> Container[int] | None:
        """Numbers of the works whose records have changed since `day`; None if `day` is "".

        Two more days are included, because the museum is in another time zone.
        """
        if not day:
            return None
        day = (date.fromisoformat(day) - timedelta(days=2)).isoformat()
        return set((await self.ask(self.url("/v1/objects", metadataDate=day)))["objectIDs"] or [])

    def record_request(self, number: str) -> Request:
        """The request for the record of work `number`."""
        return self.request(self.url("/v1/objects/", number))

    def artwork(self, record: Record) -> Artwork:
        """The work of a record, see MuseumSpider."""
        loader = self.loader(free=record.get("isPublicDomain") is True)
        loader.add_value("title", record["title"])
        loader.add_value("artist", record.get("artistDisplayName"))
        loader.add_value("date", record.get("objectDate"))
        loader.add_value("medium", record.get("medium") or record.get("classification"))
        loader.add_value("department", record.get("department"))
        loader.add_value("accession", record.get("accessionNumber"))
        loader.add_value("version", record.get("metadataDate"))
        loader.add_value("source", record.get("objectURL"))
        work = loader.load_item()
        work.begin, work.end = (
            year(record.get("objectBeginDate")),
            year(record.get("objectEndDate")),
        )
        offered = [record.get("primaryImage"), record.get("primaryImageSmall")]
        work.renditions = [Rendition(url) for url in offered if url]
        return work
