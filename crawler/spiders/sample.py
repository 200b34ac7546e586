"""The built-in sample museum, crawled over HTTP; its API is the Art Institute of Chicago's."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from scrapy import Request, Spider
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from crawler.items import Artwork, CrawlError
from crawler.loaders import ArtworkLoader

FIELDS = "id,title,artist_display,date_display,medium_display,image_id,is_public_domain"
LARGEST_PAGE = 100
TEXT = {"artist": "artist_display", "date": "date_display", "medium": "medium_display"}
# The museum is this machine: nobody to be slow for, no proxy between.
LOOPBACK = {
    "AUTOTHROTTLE_ENABLED": False,
    "DOWNLOAD_DELAY": 0,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
    "HTTPPROXY_ENABLED": False,
}


class SampleSpider(Spider):
    """Yields the works in the public domain, page by page to the last."""

    name = "sample"
    custom_settings = LOOPBACK

    def __init__(self, origin: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CrawlError(
                f"--origin {origin!r}: not a web address, such as http://127.0.0.1:8000"
            )
        self.origin = origin.rstrip("/")
        self.allowed_domains = [parts.hostname]

    async def start(self) -> AsyncIterator[Request]:
        yield self.page(1)

    def page(self, number: int) -> Request:
        query = urlencode({"fields": FIELDS, "limit": LARGEST_PAGE, "page": number}, safe=",")
        return Request(f"{self.origin}/api/v1/artworks/search?{query}", errback=self.failed)

    def parse(self, response: Response) -> Iterator[Request | Artwork]:
        assert isinstance(response, TextResponse)
        listing = response.json()
        pages = listing["pagination"]
        if pages["current_page"] < pages["total_pages"]:
            yield self.page(pages["current_page"] + 1)
        for record in listing["data"]:
            if record["is_public_domain"] is True and record["image_id"]:
                yield self.artwork(record, listing["config"], response)

    def artwork(
        self, record: dict[str, Any], config: dict[str, str], page: TextResponse
    ) -> Artwork:
        loader = ArtworkLoader(response=page)
        loader.add_value("id", f"sample-{record['id']}")
        loader.add_value("title", record["title"])
        for field, name in TEXT.items():
            loader.add_value(field, record[name])
        loader.add_value("institution", "Patina sample museum")
        loader.add_value("licence", "CC0")
        loader.add_value("source", f"{config['website_url']}/artworks/{record['id']}")
        image = f"{config['iiif_url']}/{record['image_id']}/full/843,/0/default.jpg"
        loader.add_value("image_url", image)
        return loader.load_item()

    def failed(self, failure: Failure) -> None:
        """Without this page the listing would end early and look complete."""
        address = failure.request.url  # type: ignore[attr-defined]  # set by Scrapy
        reason = failure.getErrorMessage().rstrip(".")
        raise CrawlError(f"{address}: the listing broke off: {reason}; run it again to go on")
