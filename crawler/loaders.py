"""Cleans the fields that spiders find, so that every text in an `Artwork` is plain."""

import hashlib
import re
import unicodedata

from itemloaders.processors import Identity, MapCompose, TakeFirst
from scrapy.loader import ItemLoader

from patina.crawler.items import Artwork
from patina.crawler.text import plain

LONGEST_SLUG = 60


def slug(text: str) -> str:
    """`text` in lower-case ASCII letters, digits and hyphens."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:LONGEST_SLUG].strip("-")


def file_safe(identifier: str) -> str:
    """`identifier` if it is a safe file name, else its slug and a hash that makes it unique."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", identifier):
        return identifier
    return f"{slug(identifier)}-{short_hash(identifier)}".lstrip("-")


def short_hash(text: str) -> str:
    """The first ten hex digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:10]


class ArtworkLoader(ItemLoader):
    """Takes the first value of a field that is neither null nor ""."""

    default_item_class = Artwork
    default_input_processor = MapCompose(plain)
    default_output_processor = TakeFirst()
    id_in = MapCompose(plain, file_safe)
    local_in = Identity()
