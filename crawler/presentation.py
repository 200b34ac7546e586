"""Reads IIIF manifests and collections, in versions 2 and 3 of the Presentation API.

A manifest has canvases, each a view of the work; a canvas has an image.
Source: https://iiif.io/api/presentation/3.0/ and https://iiif.io/api/presentation/2.1/.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from w3lib.html import remove_tags

from patina.crawler.responses import Record, pixels

FREE = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/publicdomain/(zero|mark)/1\.0"
    r"(?:/|/deed(?:\.[a-z_-]+)?|/legalcode(?:\.[a-z_-]+)?)?",
    re.IGNORECASE,
)
LICENCES = {
    "zero": ("CC0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "mark": ("Public Domain Mark 1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
}
# Labels of metadata that museums use; the specification defines none
FIELDS = {
    "artist": ("artist", "creator", "maker", "artist/maker", "author", "painter", "artists"),
    "date": ("date", "date created", "creation date", "created", "dated", "dates"),
    "medium": ("medium", "materials", "materials and techniques", "technique", "material"),
    "department": ("department", "curatorial department", "classification", "collection"),
    "accession": (
        "accession number",
        "object number",
        "inventory number",
        "accession",
        "identifier",
        "shelfmark",
    ),
}


@dataclass(frozen=True)
class Image:
    """The image of a canvas."""

    url: str  # address of the image file; "" if only the image server has it
    width: int  # pixels; 0: unknown
    height: int  # pixels; 0: unknown
    service: str  # base address at the image server; "" if there is none


def kind_of(document: Any) -> str:
    """ "Manifest" or "Collection". Raises ValueError if the document is neither."""
    kind = str(document.get("type") or document.get("@type")) if isinstance(document, dict) else ""
    kind = kind.removeprefix("sc:")
    if kind not in ("Manifest", "Collection"):
        raise ValueError("it is not a manifest or collection of IIIF Presentation 2 or 3")
    return kind


def id_of(value: Any) -> str:
    """The address of a resource, which may be an object or the address itself."""
    if isinstance(value, dict):
        value = value.get("id") or value.get("@id")
    return value if isinstance(value, str) else ""


def several(value: Any) -> list[Any]:
    """A value that may be single or a list, as a list."""
    return value if isinstance(value, list) else [] if value in (None, "") else [value]


def text_of(value: Any) -> str:
    """The text of a label or value without markup; in English, if it has several languages."""
    return html.unescape(remove_tags(said(value)))


def said(value: Any) -> str:
    """The text of a label or value, with markup; in English, if it has several languages."""
    if isinstance(value, dict):
        if "@value" in value:
            return said(value["@value"])
        languages = sorted(value, key=lambda name: (not name.startswith("en"), name != "none"))
        return said(value[languages[0]]) if languages else ""
    if isinstance(value, list):
        spoken = [one for one in value if isinstance(one, dict) and "@language" in one]
        english = [one for one in spoken if str(one["@language"]).startswith("en")]
        return "; ".join(filter(None, map(said, english or spoken[:1] or value)))
    return "" if value is None else str(value)


def parts_of(collection: Record) -> Iterator[tuple[str, Record]]:
    """Kind and object of each manifest and collection that a collection lists."""
    for name, usual in (
        ("items", ""),
        ("members", ""),
        ("collections", "Collection"),
        ("manifests", "Manifest"),
    ):
        for part in several(collection.get(name)):
            said_kind = str(part.get("type") or part.get("@type") or usual)
            kind = said_kind.removeprefix("sc:")
            if kind in ("Manifest", "Collection"):
                yield kind, part


def next_page(collection: Record) -> str:
    """The address of the next page, or of the first page; "" if there is none."""
    return id_of(collection.get("next")) or id_of(collection.get("first"))


def canvases_of(manifest: Record) -> list[Record]:
    """The canvases of a manifest, in order; of version 2, those of the first sequence."""
    if "items" in manifest:
        return several(manifest["items"])
    sequences = several(manifest.get("sequences"))
    return several(sequences[0].get("canvases")) if sequences else []


def resource_of(canvas: Record) -> Record:
    """The image resource of a canvas, the first one of a choice; {} if there is none."""
    annotations = [
        (one.get("motivation"), one.get("body"))
        for page in several(canvas.get("items"))
        for one in several(page.get("items"))
    ] + [("painting", one.get("resource")) for one in several(canvas.get("images"))]
    for motivation, bodies in annotations:
        for body in several(bodies) if "painting" in several(motivation) else []:
            kind = str(body.get("type") or body.get("@type"))
            if kind in ("Choice", "oa:Choice"):
                body = (several(body.get("default")) + several(body.get("items")))[0]
                kind = str(body.get("type") or body.get("@type"))
            if kind in ("Image", "dctypes:Image"):
                return body
    return {}


def image_of(canvas: Record) -> Image | None:
    """The image of a canvas; None if it has no image of its own."""
    if not (body := resource_of(canvas)):
        return None
    services = [one for one in several(body.get("service")) if serves_images(one)]
    service = id_of(services[0]).rstrip("/") if services else ""
    return Image(id_of(body), pixels(body.get("width")), pixels(body.get("height")), service)


def serves_images(service: Any) -> bool:
    """Whether a service is an image server of the Image API 2 or 3."""
    words = " ".join(
        said(service.get(name)) for name in ("type", "@type", "@context", "profile", "context")
    )
    return re.search(r"ImageService[23]|/image/[23]/|^ *level[012]$", words) is not None


def rights_of(manifest: Record, canvas: Record) -> list[str]:
    """All rights statements of the manifest, the canvas and its image."""
    named = [
        one
        for part in (manifest, canvas, resource_of(canvas))
        for name in ("rights", "license")
        for one in several(part.get(name))
    ]
    return [id_of(one).strip() or "not an address" for one in named]


def licence_of(rights: list[str]) -> tuple[str, str]:
    """Licence and its address if every statement is CC0 or the Public Domain Mark; else two "".

    Statements of rightsstatements.org do not count, because they are not free everywhere or for
    every use: NoC-US is valid in one country, NoC-CR, NoC-NC and NoC-OKLR name restrictions, NKC
    and CNE mean that the status is uncertain.
    """
    found = [FREE.fullmatch(one) for one in rights]
    if not found or None in found:
        return "", ""
    return max(LICENCES[one[1].lower()] for one in found if one)


def metadata_of(manifest: Record) -> dict[str, str]:
    """The metadata of a manifest by the keys of FIELDS; missing values are ""."""
    pairs = {
        text_of(pair.get("label")).strip(" :").casefold(): text_of(pair.get("value"))
        for pair in several(manifest.get("metadata"))
    }
    return {
        field: next((pairs[label] for label in labels if pairs.get(label)), "")
        for field, labels in FIELDS.items()
    }


def institution_of(manifest: Record) -> str:
    """The institution that holds the work: the provider, or else the required attribution."""
    for provider in several(manifest.get("provider")):
        if name := text_of(provider.get("label")):
            return name
    statement = manifest.get("requiredStatement") or {}
    return text_of(statement.get("value")) or text_of(manifest.get("attribution"))


def page_of(manifest: Record) -> str:
    """The work's page on a website; "" if none is named."""
    pages = several(manifest.get("homepage")) + several(manifest.get("related"))
    return next((id_of(one) for one in pages if id_of(one).startswith(("https:", "http:"))), "")


def years_of(date: str) -> tuple[int | None, int | None]:
    """First and last year in a date such as "c. 1645", "1690s" or "17th century"."""
    years = [
        (int(found[1]), int(found[1]) + (9 if found[2] else 0))
        for found in re.finditer(r"\b(\d{4})(s?)\b", date)
    ] + [
        (100 * int(found[1]) - 99, 100 * int(found[1]))
        for found in re.finditer(r"\b(\d{1,2})(?:st|nd|rd|th)[ -]century", date, re.IGNORECASE)
    ]
    if not years:
        return None, None
    return min(begin for begin, _ in years), max(end for _, end in years)
