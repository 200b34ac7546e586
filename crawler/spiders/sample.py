"""The built-in sample museum, crawled over HTTP; its API is the Art Institute of Chicago's."""

from typing import ClassVar

from patina.crawler.sample.museum import WEBSITE
from patina.crawler.spiders.artic import ArticSpider


class SampleSpider(ArticSpider):
    """The sample museum is this machine: there is nobody to be slow for."""

    name = "sample"
    institution = "Patina sample museum"
    website = WEBSITE
    api = f"{WEBSITE}/api/v1"
    hosts = frozenset({WEBSITE.removeprefix("https://")})
    delay_s = 0.0
    at_once = 8
    museum = False
    custom_settings: ClassVar[dict] = {"CONCURRENT_REQUESTS_PER_DOMAIN": 8}  # type: ignore[misc]
