"""A museum that publishes IIIF, in both versions, with image servers of different levels."""

import re
from typing import ClassVar

from patina.crawler.loaders import file_safe

from .serving import Offer, Query, Replay, Reply, as_json
from .works import Json, Work

ZERO = "http://creativecommons.org/publicdomain/zero/1.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"
SEARCH = re.compile(r"/iiif/(?:collection|page/(\d+))\.json")


class Iiif(Replay):
    """The common part of both versions: addresses, and a collection as the result of a search."""

    source = "iiif"
    institution = "Museum of the Isles"
    api = "api.isles.example"
    images = "images.isles.example"
    record_path = re.compile(r"/iiif/(\d+)/manifest\.json")
    image_path = re.compile(r"/image/(\d+)/full/[^/]+/0/default\.jpg")
    info_path = re.compile(r"/image/(\d+)/info\.json")
    listing_kinds = frozenset({"listing", "record"})
    misunderstood = "it is not a manifest or collection of IIIF Presentation 2 or 3"
    whole: ClassVar[str]  # the server's name for the size of the whole image

    def asking(self, words: str = "") -> list[str]:
        return ["--query", self.collection(words)]

    def collection(self, words: str = "") -> str:
        return f"https://{self.api}/iiif/collection.json" + (f"?q={words}" if words else "")

    def id(self, number: int) -> str:
        return file_safe(f"iiif-{self.manifest(number)}")

    def number(self, work: str) -> int:
        return {self.id(number): number for number in range(100, 300)}[work]

    def manifest(self, number: int) -> str:
        return f"https://{self.api}/iiif/{number}/manifest.json"

    def service(self, work: Work) -> str:
        return f"https://{self.images}/image/{work.number}"

    def page_of(self, work: Work) -> str:
        return f"https://www.isles.example/works/{work.number}"

    def metadata(self, work: Work) -> dict[str, str]:
        metadata = {
            "Artist": work.artist,
            "Date": work.date,
            "Medium": work.medium,
            "Department": work.department,
            "Accession number": work.accession,
        }
        return {label: value for label, value in metadata.items() if value}

    def info(self, work: Work) -> Json:
        raise NotImplementedError

    def answer(self, host: str, path: str, query: Query) -> tuple[str, int, Reply]:
        if host == self.images and (found := self.info_path.fullmatch(path)):
            number = int(found[1])
            return "info", number, as_json(self.info(self.works[number]))
        return super().answer(host, path, query)

    def found(self, query: Query) -> list[Work]:
        words = query.get("q", "").casefold()
        return [work for work in self.listed() if words in f"{work.title} {work.artist}".casefold()]


class Presentation2(Iiif):
    """Collections in pages, and an image server that gives any width."""

    def offers(self, work: Work) -> list[Offer]:
        halved = work.width // 2, work.height // 2
        sizes = ("full", work.width, work.height), (f"{halved[0]},", *halved)
        return [Offer(f"{self.service(work)}/full/{n}/0/default.jpg", w, h) for n, w, h in sizes]

    def info(self, work: Work) -> Json:
        return {
            "@context": "http://iiif.io/api/image/2/context.json",
            "@id": self.service(work),
            "protocol": "http://iiif.io/api/image",
            "width": work.width,
            "height": work.height,
            "profile": ["http://iiif.io/api/image/2/level2.json", {"supports": ["sizeByW"]}],
        }

    def record(self, work: Work) -> Json:
        address = self.manifest(work.number)
        service = {
            "@context": "http://iiif.io/api/image/2/context.json",
            "@id": self.service(work),
            "profile": "http://iiif.io/api/image/2/level2.json",
        }
        image = {
            "@id": f"{self.service(work)}/full/full/0/default.jpg",
            "@type": "dctypes:Image",
            "service": service,
        }
        canvas = {
            "@id": f"{address}/canvas",
            "@type": "sc:Canvas",
            "label": "recto",
            "images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "resource": image}],
        }
        return {
            "@context": "http://iiif.io/api/presentation/2/context.json",
            "@id": address,
            "@type": "sc:Manifest",
            "label": {"@value": work.title, "@language": "en"},
            "attribution": f"<b>{self.institution}</b>",
            "license": ZERO if work.public else IN_COPYRIGHT,
            "related": {"@id": self.page_of(work), "format": "text/html"},
            "metadata": [
                {
                    "label": [{"@value": label, "@language": "en"}, {"@value": "x"}],
                    "value": value,
                }
                for label, value in self.metadata(work).items()
            ],
            "sequences": [{"@type": "sc:Sequence", "canvases": [canvas]}],
            "service": {"profile": "a test's", "version": work.version},
        }

    def listing(self, path: str, query: Query) -> Json | None:
        if not (asked := SEARCH.fullmatch(path)):
            return None
        works, page = self.found(query), int(asked[1] or 0)
        shown = works[page * self.page : (page + 1) * self.page]
        collection: Json = {
            "@id": f"https://{self.api}{path}",
            "@type": "sc:Collection",
            "label": "All",
            "total": len(works),
            "manifests": [
                {"@id": self.manifest(work.number), "@type": "sc:Manifest", "label": work.title}
                for work in shown
            ],
        }
        if (page + 1) * self.page < len(works):
            words = f"?q={query['q']}" if "q" in query else ""
            collection["next"] = f"https://{self.api}/iiif/page/{page + 1}.json{words}"
        return collection


class Presentation3(Iiif):
    """Nested collections, and a folder of files as an image server of level 0."""

    listings = 4  # the collection, and three within it

    def offers(self, work: Work) -> list[Offer]:
        half = work.width // 2, work.height // 2
        sizes = ("max", work.width, work.height), (f"{half[0]},{half[1]}", *half)
        return [Offer(f"{self.service(work)}/full/{n}/0/default.jpg", w, h) for n, w, h in sizes]

    def info(self, work: Work) -> Json:
        half = {"width": work.width // 2, "height": work.height // 2}
        return {
            "@context": "http://iiif.io/api/image/3/context.json",
            "id": self.service(work),
            "type": "ImageService3",
            "protocol": "http://iiif.io/api/image",
            "profile": "level0",
            "width": work.width,
            "height": work.height,
            "sizes": [half, {"width": work.width, "height": work.height}],
        }

    def record(self, work: Work) -> Json:
        address = self.manifest(work.number)
        service = {"id": self.service(work), "type": "ImageService3", "profile": "level0"}
        image = {
            "id": f"{self.service(work)}/full/max/0/default.jpg",
            "type": "Image",
            "width": work.width,
            "height": work.height,
            "service": [{"@id": "https://auth.example", "@type": "AuthCookieService1"}, service],
        }
        painting = {"type": "Annotation", "motivation": "painting", "body": image}
        canvas = {
            "id": f"{address}/canvas",
            "type": "Canvas",
            "items": [{"type": "AnnotationPage", "items": [painting]}],
        }
        return {
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": address,
            "type": "Manifest",
            "label": {"nl": ["Naamloos"], "en": [work.title]},
            "provider": [{"type": "Agent", "label": {"none": [self.institution]}}],
            "rights": ZERO if work.public else IN_COPYRIGHT,
            "homepage": [{"id": self.page_of(work), "type": "Text"}],
            "metadata": [
                {"label": {"en": [label]}, "value": {"none": [value]}}
                for label, value in self.metadata(work).items()
            ],
            "items": [canvas],
            "seeAlso": [{"id": f"https://{self.api}/{work.version}", "type": "Dataset"}],
        }

    def listing(self, path: str, query: Query) -> Json | None:
        if not (asked := SEARCH.fullmatch(path)):
            return None
        works, words = self.found(query), f"?q={query['q']}" if "q" in query else ""
        starts = range(0, len(works), self.page)
        items = [
            {"id": f"https://{self.api}/iiif/page/{start}.json{words}", "type": "Collection"}
            for start in starts
        ]
        if asked[1]:
            start = int(asked[1])
            items = [
                {"id": self.manifest(work.number), "type": "Manifest"}
                for work in works[start : start + self.page]
            ]
        return {"id": f"https://{self.api}{path}", "type": "Collection", "items": items}
