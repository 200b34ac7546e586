"""The Art Institute of Chicago; its rules are on https://api.artic.edu/docs/."""

import json
from collections.abc import AsyncIterator

from scrapy import Request

from patina.crawler.items import Artwork, Rendition
from patina.crawler.responses import Record, pixels, segment, year
from patina.crawler.spiders.museum import MuseumSpider

FIELDS = (
    "id,title,artist_display,date_display,date_start,date_end,medium_display,department_title,"
    "main_reference_number,is_public_domain,image_id,thumbnail,updated_at"
)
WIDTHS = (1686, 843, 600, 400, 200)  # widths that the museum has ready in its cache
LARGEST_PAGE = 100
PAGES_OF_A_SEARCH = 10  # for later pages the museum refuses with "too many results"


class ArticSpider(MuseumSpider):
    """Finds works by Elasticsearch queries; images come from the museum's IIIF server."""

    name = "artic"
    institution = "Art Institute of Chicago"
    website = "https://www.artic.edu"
    api = "https://api.artic.edu/api/v1"
    hosts = frozenset({"api.artic.edu", "www.artic.edu"})
    agent_header = "AIC-User-Agent"
    delay_s = 1.0  # 60 requests a minute; images one at a time, a second apart

    async def listing(self) -> AsyncIterator[Artwork]:
        """By relevance if there is a query, else by id, which has no limit of pages."""
        page, after = 1, -1
        while (found := await self.ask(self.search(page, after)))["data"]:
            for record in found["data"]:
                yield self.candidate(record["id"], record.get("updated_at"))
            numbers = [int(record["id"]) for record in found["data"]]
            after, total = max(after, *numbers), int(found["pagination"]["total"])
            last = page == found["pagination"]["total_pages"]
            if last or not self.pages.go_on(numbers, total):
                return
            if self.selection.query:
                page += 1
            if page > PAGES_OF_A_SEARCH:
                self.notes.append(
                    f"the museum lists only 1000 of {total} works found; use narrower filters"
                )
                return

    def search(self, page: int, after: int) -> str:
        """The address of a page: number `page` of a query, or the works after the id `after`."""
        asked = self.selection
        free: Record = {"term": {"is_public_domain": True}}
        filters = [free, {"exists": {"field": "image_id"}}]
        if asked.department:
            filters.append({"match_phrase": {"department_title": asked.department}})
        if asked.medium:
            filters.append({"match": {"medium_display": asked.medium}})
        if years := asked.years():
            bounds = {"date_start": {"lte": years[1]}}, {"date_end": {"gte": years[0]}}
            filters += [{"range": bound} for bound in bounds]
        params: Record = {"fields": FIELDS.split(","), "limit": LARGEST_PAGE}
        if asked.query:
            params |= {"q": asked.query, "page": page}
        else:
            filters.append({"range": {"id": {"gt": after}}})
            params["sort"] = [{"id": "asc"}]
        params["query"] = {"bool": {"filter": filters}}
        return self.url("/artworks/search", params=json.dumps(params, separators=(",", ":")))

    def record_request(self, number: str) -> Request:
        """The request for the record of work `number`."""
        return self.request(self.url("/artworks/", number, fields=FIELDS))

    def artwork(self, record: Record) -> Artwork:
        """The work of a record, see MuseumSpider."""
        images, record = record["config"]["iiif_url"], record["data"]
        loader = self.loader(free=record.get("is_public_domain") is True)
        loader.add_value("title", record["title"])
        loader.add_value("artist", record.get("artist_display"))
        loader.add_value("date", record.get("date_display"))
        loader.add_value("medium", record.get("medium_display"))
        loader.add_value("department", record.get("department_title"))
        loader.add_value("accession", record.get("main_reference_number"))
        loader.add_value("version", record.get("updated_at"))
        loader.add_value("source", f"{self.website}/artworks/{record['id']}")
        work = loader.load_item()
        work.begin, work.end = year(record.get("date_start")), year(record.get("date_end"))
        if record.get("image_id"):
            image = f"{images}/{segment(record['image_id'])}"
            work.renditions = sizes(image, record.get("thumbnail") or {})
        return work


def sizes(image: str, original: Record) -> list[Rendition]:
    """The sizes of the IIIF `image` that the museum has ready, none wider than the original."""
    width, height = pixels(original.get("width")), pixels(original.get("height"))
    offered = [wide for wide in WIDTHS if not width or wide <= width] or [WIDTHS[-1]]
    shape = height / width if width else 0.0
    return [
        Rendition(f"{image}/full/{wide},/0/default.jpg", wide, round(wide * shape))
        for wide in offered
    ]
