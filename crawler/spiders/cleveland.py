"""The Cleveland Museum of Art; its API is described on https://openaccess-api.clevelandart.org/."""

from collections.abc import AsyncIterator

from scrapy import Request

from patina.crawler.items import Artwork, Rendition
from patina.crawler.responses import Record, pixels, year
from patina.crawler.spiders.museum import MuseumSpider

LARGEST_PAGE = 1000
SIZES = ("full", "print", "web")  # the largest first; "full" is an uncompressed TIFF


class ClevelandSpider(MuseumSpider):
    """Finds works page by page; the API gives numbers as text, and the size of each image."""

    name = "cleveland"
    institution = "Cleveland Museum of Art"
    api = "https://openaccess-api.clevelandart.org/api"
    hosts = frozenset({"openaccess-api.clevelandart.org", "openaccess-cdn.clevelandart.org"})
    delay_s = 1.0  # the museum states no limit; this is the pace of other museums

    async def listing(self) -> AsyncIterator[Artwork]:
        """The works that the search finds, page by page."""
        # Compared here, because the search cannot match a part of the name
        department = self.selection.department.casefold()
        skip, total = 0, 1
        while skip < total:
            found = await self.ask(self.search(skip))
            total = int(found["info"]["total"])
            for record in found["data"]:
                if department in (record.get("department") or "").casefold():
                    yield self.candidate(record["id"], record.get("updated_at"))
            if not self.pages.go_on((record["id"] for record in found["data"]), total):
                return
            skip += len(found["data"])

    def search(self, skip: int) -> str:
        """The address of a page of the search. skip: number of works before it."""
        asked = self.selection
        years = asked.years()
        return self.url(
            "/artworks/",
            q=asked.query,
            created_after=years and years[0] - 1,
            created_before=years and years[1] + 1,
            cc0=1,
            has_image=1,
            fields="id,updated_at,department",
            limit=LARGEST_PAGE,
            skip=skip,
        )

    def record_request(self, number: str) -> Request:
        """The request for the record of work `number`."""
        return self.request(self.url("/artworks/", number))

    def artwork(self, record: Record) -> Artwork:
        """The work of a record, see MuseumSpider."""
        record = record["data"]
        loader = self.loader(free=record.get("share_license_status") == "CC0")
        loader.add_value("title", record["title"])
        makers = [maker.get("description") for maker in record.get("creators") or []]
        loader.add_value("artist", "; ".join(filter(None, makers)))
        loader.add_value("date", record.get("creation_date"))
        loader.add_value("medium", record.get("technique") or record.get("type"))
        loader.add_value("department", record.get("department"))
        loader.add_value("accession", record.get("accession_number"))
        loader.add_value("version", record.get("updated_at"))
        loader.add_value("source", record.get("url"))
        work = loader.load_item()
        work.begin = year(record.get("creation_date_earliest"))
        work.end = year(record.get("creation_date_latest"))
        images = record.get("images") or {}
        offered = [images[size] for size in SIZES if (images.get(size) or {}).get("url")]
        work.renditions = [
            Rendition(one["url"], pixels(one.get("width")), pixels(one.get("height")))
            for one in offered
        ]
        return work
