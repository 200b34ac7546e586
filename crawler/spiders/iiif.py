"""Any museum that publishes IIIF: the works of a manifest, or of all manifests in a collection."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urldefrag, urlsplit

from scrapy import Request

from patina.crawler.image_api import renditions
from patina.crawler.items import Artwork, CrawlError, Rendition
from patina.crawler.loaders import short_hash
from patina.crawler.network import DEFAULT_PORTS, DOWNLOAD_ERRORS, GONE, is_public
from patina.crawler.presentation import (
    Image,
    canvases_of,
    id_of,
    image_of,
    institution_of,
    kind_of,
    licence_of,
    metadata_of,
    next_page,
    page_of,
    parts_of,
    rights_of,
    text_of,
    years_of,
)
from patina.crawler.responses import UNINTELLIGIBLE, GoneError, Record, answer
from patina.crawler.spiders.museum import MuseumSpider
from patina.crawler.text import reason_of

UNREAD = (GoneError, *DOWNLOAD_ERRORS, *UNINTELLIGIBLE)
MOST_DOCUMENTS = 10_000  # maximum number of manifests and collections in one crawl
MOST_HOSTS = 100  # maximum number of hosts
MOST_NOTES = 10  # maximum number of notes about unreadable collections
REMEMBERED = 16  # number of manifests that are kept in memory
Part = tuple[str, str, Record]  # kind, address, and the object in the listing


class IiifSpider(MuseumSpider):
    """Sends requests to the host of the given address, and to hosts that documents there name.

    A work is a canvas. Its number is the address of the manifest; for canvases after the first,
    "#" and the id of the canvas follow.
    """

    name = "iiif"
    api = institution = ""
    hosts = frozenset()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.manifests: dict[str, Record] = {}
        self.seen_parts: set[str] = set()
        if self.filed_in:
            self.address = checked(self.selection.query)
            self.allow(self.address)

    def allow(self, address: str) -> None:
        """Allow requests to the host of `address`."""
        host = urlsplit(address).hostname
        if host and len(self.hosts) < MOST_HOSTS:
            self.hosts = self.hosts | {host}

    async def listing(self) -> AsyncIterator[Artwork]:
        """The works of all manifests that can be reached from the address."""
        document = await self.ask(self.address)
        try:
            waiting: deque[Part] = deque([(kind_of(document), self.address, document)])
        except ValueError as error:
            raise CrawlError(f"{self.address}: {error}") from error
        self.seen_parts.add(self.address)
        if waiting[0][0] == "Manifest":
            self.manifests[self.address] = document
        while waiting:
            kind, address, part = waiting.popleft()
            if kind == "Manifest":
                for work in await self.works_of(address):
                    yield work
            else:
                waiting.extend(self.parts(await self.collection(address, part)))

    async def collection(self, address: str, part: Record) -> Record:
        """The collection: `part` if that is complete, else its document; {} if it cannot be
        read.
        """
        if next_page(part) or next(parts_of(part), None):
            return part
        try:
            return await self.document(address)
        except UNREAD as error:
            if len(self.notes) < MOST_NOTES:
                self.notes.append(f"{address} was skipped: {reason_of(error)}")
            return {}

    def parts(self, collection: Record) -> Iterator[Part]:
        """The new parts of a collection, then its next page."""
        listed = list(parts_of(collection))
        self.pages.read += 1
        new = 0
        for kind, part in listed:
            address = urldefrag(id_of(part)).url
            if not address or address in self.seen_parts:
                continue
            if len(self.seen_parts) >= MOST_DOCUMENTS:
                self.pages.stop(f"names more than {MOST_DOCUMENTS} manifests and collections")
                return
            new += 1
            self.seen_parts.add(address)
            self.allow(address)
            yield kind, address, part
        self.pages.numbers = self.seen_parts
        more = next_page(collection)
        if not more or (listed and not new):
            if more:
                self.pages.stop("repeats itself")
            return
        if more not in self.seen_parts and len(self.seen_parts) < MOST_DOCUMENTS:
            self.seen_parts.add(more)
            yield "Collection", more, {}

    async def document(self, address: str) -> Record:
        """The JSON document at the address. Raises one of UNREAD."""
        assert self.crawler.engine
        self.allow(address)
        response = await self.crawler.engine.download_async(self.request(address))
        if response.status in GONE:
            raise GoneError(f"HTTP {response.status}")
        return answer(response)

    async def manifest(self, address: str) -> Record:
        """The manifest, from memory or from its address. Raises one of UNREAD."""
        if address not in self.manifests:
            document = await self.document(address)
            if kind_of(document) != "Manifest":
                raise ValueError("it is a collection, not a manifest")
            self.manifests[address] = document
            for old in list(self.manifests)[:-REMEMBERED]:
                del self.manifests[old]
        return self.manifests[address]

    async def works_of(self, address: str) -> list[Artwork]:
        """The works of a manifest; an unreadable manifest counts as one work, which is rejected."""
        try:
            manifest = await self.manifest(address)
            others = [f"{address}#{id_of(canvas)}" for canvas in canvases_of(manifest)[1:]]
            version = version_of(manifest)
        except UNREAD:
            return [self.candidate(address)]
        return [self.candidate(number, version) for number in (address, *others)]

    def record_request(self, number: str) -> Request:
        """The request for the manifest of work `number`."""
        return self.request(urldefrag(number).url)

    async def record_of(self, work: Artwork) -> Artwork:
        """The present data of a work, from its manifest; see MuseumSpider."""
        address, _, named = work.number.partition("#")
        manifest = await self.manifest(address)
        canvases = canvases_of(manifest) or [{}]
        canvas = next((one for one in canvases if named in ("", id_of(one))), None)
        if canvas is None:
            raise GoneError("its manifest no longer has this canvas")
        fresh = self.artwork({"address": address, "manifest": manifest, "canvas": canvas})
        if fresh.licence:
            fresh.renditions = await self.sizes(image_of(canvas))
        return fresh

    def artwork(self, record: Record) -> Artwork:
        """The work of a canvas. record: the manifest, its address, and the canvas."""
        manifest, canvas = record["manifest"], record["canvas"]
        loader = self.loader(free=False)
        title, view = text_of(manifest.get("label")), text_of(canvas.get("label"))
        several = len(canvases_of(manifest)) > 1
        loader.add_value("title", f"{title}: {view}" if several and view else title)
        host = urlsplit(record["address"]).hostname
        loader.add_value("institution", institution_of(manifest) or host)
        licence, licence_url = licence_of(rights_of(manifest, canvas))
        loader.add_value("licence", licence or None)
        loader.add_value("licence_url", licence_url or None)
        loader.add_value("version", version_of(manifest))
        loader.add_value("source", page_of(manifest) or record["address"])
        metadata = metadata_of(manifest)
        for field, value in metadata.items():
            loader.add_value(field, value or None)
        work = loader.load_item()
        work.begin, work.end = years_of(metadata["date"])
        return work

    async def sizes(self, image: Image | None) -> list[Rendition]:
        """The sizes that the image server offers, then the linked image itself."""
        if image is None:
            return []
        as_it_is = [Rendition(image.url, image.width, image.height)] if image.url else []
        self.allow(image.url)
        if not image.service:
            return as_it_is
        self.allow(image.service)
        try:
            info = await self.document(f"{image.service}/info.json")
            found = renditions(info, image.service, self.selection.max_pixels)
        except UNREAD:
            return as_it_is
        return found + [one for one in as_it_is if one.url not in {size.url for size in found}]


def version_of(manifest: Record) -> str:
    """A hash of the manifest."""
    return short_hash(repr(manifest))


def checked(address: str) -> str:
    """Return the address of a manifest or collection. Raises CrawlError if it is not allowed."""
    try:
        parts = urlsplit(address.strip())
        usual = DEFAULT_PORTS.get(parts.scheme)
        plain_host = parts.hostname and (parts.port or usual) == usual and "@" not in parts.netloc
    except ValueError:
        plain_host = usual = None
    if not (usual and plain_host):
        shown = "one with a name or a password" if "@" in address else repr(address)
        raise CrawlError(
            "iiif needs the address of a manifest or collection, such as "
            f"https://museum.org/manifest.json, not {shown}"
        )
    try:
        public = is_public(str(ip_address(parts.hostname or "")))
    except ValueError:  # a name; the resolver checks its address
        public = True
    if not public:
        raise CrawlError(f"{address}: {parts.hostname} is not a public address")
    return urldefrag(address.strip()).url
