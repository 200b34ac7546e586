"""The formats of the museums' responses, as documented by the museums."""

import json
import re
from collections.abc import Sequence
from typing import ClassVar

from .iiif import Presentation2, Presentation3
from .serving import Offer, Query, Replay
from .works import Json, Work


class Artic(Replay):
    """The Art Institute of Chicago: Elasticsearch queries, null for missing data."""

    source = "artic"
    institution = "Art Institute of Chicago"
    api = "api.artic.edu"
    images = "www.artic.edu"
    record_path = re.compile(r"/api/v1/artworks/(\d+)")
    image_path = re.compile(r"/iiif/2/[0-9a-f]{8}-0000-4000-8000-(\d{12})/full/\d+,/0/default\.jpg")
    config: ClassVar[Json] = {
        "iiif_url": "https://www.artic.edu/iiif/2",
        "website_url": "https://www.artic.edu",
    }

    def image_id(self, work: Work) -> str:
        return f"{work.number:08x}-0000-4000-8000-{work.number:012d}"

    def offers(self, work: Work) -> list[Offer]:
        image = f"{self.config['iiif_url']}/{self.image_id(work)}/full/%d,/0/default.jpg"
        widths = [width for width in (1686, 843, 600, 400, 200) if width <= work.width]
        return [Offer(image % w, w, round(work.height * w / work.width)) for w in widths]

    def page_of(self, work: Work) -> str:
        return f"https://www.artic.edu/artworks/{work.number}"

    def fields(self, work: Work) -> Json:
        return {
            "id": work.number,
            "title": work.title,
            "artist_display": work.artist or None,
            "date_display": work.date or None,
            "date_start": work.begin,
            "date_end": work.end,
            "medium_display": work.medium or None,
            "department_title": work.department or None,
            "main_reference_number": work.accession or None,
            "is_public_domain": work.public,
            "image_id": self.image_id(work),
            "thumbnail": {"width": work.width, "height": work.height},
            "updated_at": work.version,
        }

    def record(self, work: Work) -> Json:
        return {"data": self.fields(work), "config": self.config}

    def listing(self, path: str, query: Query) -> Json | None:
        if path != "/api/v1/artworks/search":
            return None
        asked = json.loads(query["params"])
        found = []
        for work in self.listed():
            fields = self.fields(work) | {"is_public_domain": True}  # as its index has it
            if all(passes(fields, one) for one in asked["query"]["bool"]["filter"]) and says(
                asked.get("q", ""), work
            ):
                found.append({name: fields[name] for name in asked["fields"] if name in fields})
        limit, page = min(asked["limit"], self.page, 100), asked.get("page", 1)
        pages = {
            "total": len(found),
            "limit": limit,
            "offset": (page - 1) * limit,
            "total_pages": -(-len(found) // limit),
            "current_page": page,
        }
        data = found[(page - 1) * limit : page * limit]
        return {"pagination": pages, "data": data, "config": self.config}


def passes(fields: Json, clause: Json) -> bool:
    """Whether a work matches one filter of an Elasticsearch query."""
    ((kind, body),) = clause.items()
    ((name, asked),) = body.items()
    if kind == "exists":
        return fields[asked] is not None
    value = fields[name]
    if value is None:
        return False
    if kind == "range":
        tests = {"gt": value.__gt__, "gte": value.__ge__, "lte": value.__le__}
        return all(tests[how](bound) for how, bound in asked.items())
    if kind == "term":
        return value == asked
    return f" {asked.casefold()} " in f" {value.casefold()} "  # match, match_phrase


def says(words: str, work: Work) -> bool:
    """Whether the title or artist of the work contains the words."""
    return words.casefold() in f"{work.title} {work.artist}".casefold()


class Met(Replay):
    """The Metropolitan Museum: listings with numbers only, "" for missing data."""

    source = "met"
    institution = "The Metropolitan Museum of Art"
    api = "collectionapi.metmuseum.org"
    images = "images.metmuseum.org"
    record_path = re.compile(r"/public/collection/v1/objects/(\d+)")
    image_path = re.compile(r"/CRDImages/ep/[a-z-]+/DP(\d+)\.jpg")
    departments: ClassVar[Sequence[str]] = (
        "Arts of the Isles",
        "European Painting",
        "Musical Instruments",
    )

    def offers(self, work: Work) -> list[Offer]:
        folder = f"https://{self.images}/CRDImages/ep"
        return [Offer(f"{folder}/{size}/DP{work.number}.jpg") for size in ("original", "web-large")]

    def page_of(self, work: Work) -> str:
        return f"https://www.metmuseum.org/art/collection/search/{work.number}"

    def record(self, work: Work) -> Json:
        best, small = (offer.url if work.public else "" for offer in self.offers(work))
        return {
            "objectID": work.number,
            "accessionNumber": work.accession,
            "isPublicDomain": work.public,
            "primaryImage": best,
            "primaryImageSmall": small,
            "department": work.department,
            "title": work.title,
            "artistDisplayName": work.artist,
            "objectDate": work.date,
            "objectBeginDate": 0 if work.begin is None else work.begin,
            "objectEndDate": 0 if work.end is None else work.end,
            "medium": work.medium,
            "classification": "",
            "objectURL": self.page_of(work),
            "metadataDate": work.version,
        }

    def listing(self, path: str, query: Query) -> Json | None:
        collection = "/public/collection"
        if path == f"{collection}/v1/departments":
            named = enumerate(self.departments, 1)
            return {"departments": [{"departmentId": n, "displayName": name} for n, name in named]}
        if path == f"{collection}/v1/objects":
            since = query["metadataDate"]
            numbers = [n for n in sorted(self.works) if self.works[n].version[:10] > since]
            return {"total": len(numbers), "objectIDs": numbers}
        if path == f"{collection}/v1.1/search":
            numbers = [work.number for work in self.listed() if self.found(work, query)]
            offset, limit = int(query["offset"]), min(int(query["limit"]), self.page)
            return {"total": len(numbers), "objectIDs": numbers[offset : offset + limit] or None}
        return None

    def found(self, work: Work, query: Query) -> bool:
        if query["q"] != "*" and not says(query["q"], work):
            return False
        if "departmentId" in query:
            asked = self.departments[int(query["departmentId"]) - 1]
            if work.department != asked:
                return False
        first, last = query.get("dateBegin"), query.get("dateEnd")
        return first is None or last is None or within(work, int(first), int(last))


def within(work: Work, first: int, last: int) -> bool:
    """Whether the work may have been made from the year `first` to `last`."""
    if work.begin is None or work.end is None:
        return False
    return work.begin <= last and work.end >= first


class Cleveland(Replay):
    """The Cleveland Museum of Art: lengths as text, null for missing data."""

    source = "cleveland"
    institution = "Cleveland Museum of Art"
    api = "openaccess-api.clevelandart.org"
    images = "openaccess-cdn.clevelandart.org"
    record_path = re.compile(r"/api/artworks/(\d+)")
    image_path = re.compile(r"/(\d+)/\1_[a-z]+\.[a-z]+")

    def offers(self, work: Work) -> list[Offer]:
        folder = f"https://{self.images}/{work.number}/{work.number}"
        sizes = (("full.tif", 1), ("print.jpg", 2), ("web.jpg", 4))
        return [Offer(f"{folder}_{n}", work.width // by, work.height // by) for n, by in sizes]

    def page_of(self, work: Work) -> str:
        return f"https://clevelandart.org/art/{work.accession or work.number}"

    def record(self, work: Work) -> Json:
        full, print_, web = (
            {
                "url": offer.url,
                "filename": offer.url.rpartition("/")[2],
                "filesize": str(offer.width * offer.height),
                "width": str(offer.width),
                "height": str(offer.height),
            }
            for offer in self.offers(work)
        )
        makers = [{"description": work.artist, "role": "artist"}] if work.artist else []
        data = {
            "id": work.number,
            "accession_number": work.accession or None,
            "share_license_status": "CC0" if work.public else "Copyrighted",
            "title": work.title,
            "creators": makers,
            "creation_date": work.date or None,
            "creation_date_earliest": work.begin,
            "creation_date_latest": work.end,
            "technique": work.medium or None,
            "type": None,
            "department": work.department or None,
            "url": self.page_of(work),
            "images": {"web": web, "print": print_, "full": full},
            "updated_at": work.version,
        }
        return {"data": data}

    def listing(self, path: str, query: Query) -> Json | None:
        if path != "/api/artworks/":
            return None
        found = [self.record(work)["data"] for work in self.listed() if self.found(work, query)]
        skip, limit = int(query["skip"]), min(int(query["limit"]), self.page)
        names = query["fields"].split(",")
        data = [{name: one[name] for name in names} for one in found[skip : skip + limit]]
        return {"info": {"total": len(found), "parameters": query}, "data": data}

    def found(self, work: Work, query: Query) -> bool:
        department = query.get("department", work.department)
        if (
            not says(query.get("q", ""), work)
            or department.casefold() != work.department.casefold()
        ):
            return False
        after, before = query.get("created_after"), query.get("created_before")
        return after is None or before is None or within(work, int(after) + 1, int(before) - 1)


MUSEUMS = (Artic, Met, Cleveland, Presentation2, Presentation3)  # a new museum enrols here
