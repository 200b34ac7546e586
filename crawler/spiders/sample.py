"""The built-in sample museum, with the API of the Art Institute of Chicago."""

from typing import ClassVar

from patina.crawler.sample.museum import WEBSITE
from patina.crawler.spiders.artic import ArticSpider


class SampleSpider(ArticSpider):
    """Crawls the sample museum on this machine, without delay."""

    name = "sample"
    institution = "Patina sample museum"
    website = WEBSITE
    api = f"{WEBSITE}/api/v1"
    hosts = frozenset({WEBSITE.removeprefix("https://")})
    delay_s = 0.0
    at_once = 8
    museum = False
    custom_settings: ClassVar[dict] = {"CONCURRENT_REQUESTS_PER_DOMAIN": 8}  # type: ignore[misc]
