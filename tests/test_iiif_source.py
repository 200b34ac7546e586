"""Reading of IIIF, version by version; test_museums tests it as a museum."""

from pathlib import Path
from typing import Any

import pytest
from crawling import crawl
from replay.iiif import IN_COPYRIGHT, ZERO, Presentation2, Presentation3
from replay.serving import Query, Request
from replay.works import Json, Work, exhibition

from patina.crawler.image_api import renditions
from patina.crawler.items import CrawlError
from patina.crawler.presentation import image_of, kind_of, licence_of, rights_of, text_of, years_of
from patina.crawler.spiders.iiif import checked

CC = "creativecommons.org"
BASE = "https://images.example/7"


@pytest.mark.parametrize(
    ("rights", "licence"),
    [
        ([ZERO], "CC0"),
        ([f"https://{CC}/publicdomain/zero/1.0"], "CC0"),
        ([f"https://www.{CC}/publicdomain/zero/1.0/deed.nl"], "CC0"),
        ([f"http://{CC}/publicdomain/mark/1.0/"], "Public Domain Mark 1.0"),
        ([ZERO, f"http://{CC}/publicdomain/mark/1.0/"], "Public Domain Mark 1.0"),
        ([], ""),
        ([ZERO, IN_COPYRIGHT], ""),
        (["nothing that can be read"], ""),
        (["Public domain"], ""),
        ([f"https://{CC}/licenses/by/4.0/"], ""),
        ([f"https://{CC}/publicdomain/zero/1.0/?not"], ""),
        ([f"https://{CC}.evil.example/publicdomain/zero/1.0/"], ""),
        *(
            ([f"http://rightsstatements.org/vocab/{name}/1.0/"], "")
            for name in ("NoC-US", "NoC-CR", "NoC-NC", "NoC-OKLR", "NKC", "CNE", "InC", "UND")
        ),
    ],
)
def test_only_cc0_and_the_public_domain_mark_are_accepted(rights: list[str], licence: str) -> None:
    assert licence_of(rights)[0] == licence


def test_the_rights_of_the_image_count_in_addition_to_those_of_the_work() -> None:
    with Presentation3([]) as museum:
        manifest = museum.record(exhibition()[0])
    canvas = manifest["items"][0]
    assert licence_of(rights_of(manifest, canvas))[0] == "CC0"
    canvas["items"][0]["items"][0]["body"]["rights"] = IN_COPYRIGHT
    assert licence_of(rights_of(manifest, canvas)) == ("", "")
    canvas["items"][0]["items"][0]["body"]["rights"] = {"label": "free"}
    assert licence_of(rights_of(manifest, canvas)) == ("", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Night", "Night"),
        (None, ""),
        ({"@value": "Night", "@language": "en"}, "Night"),
        ([{"@value": "Nacht", "@language": "nl"}, {"@value": "Night", "@language": "en"}], "Night"),
        ([{"@value": "Nacht", "@language": "nl"}, {"@value": "Nuit", "@language": "fr"}], "Nacht"),
        ({"nl": ["Nacht"], "en-GB": ["Night"]}, "Night"),
        ({"nl": ["Nacht"], "none": ["1645"]}, "1645"),
        ({"nl": ["Nacht", "Zee"]}, "Nacht; Zee"),
        ({}, ""),
        ("<i>Night</i> &amp; Day", "Night & Day"),
        (1645, "1645"),
    ],
)
def test_the_english_label_is_preferred(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("date", "years"),
    [
        ("1645", (1645, 1645)),
        ("c. 1645–1650", (1645, 1650)),
        ("1690s", (1690, 1699)),
        ("17th century", (1601, 1700)),
        ("late 16th century – 1612", (1501, 1612)),
        ("undated", (None, None)),
        ("", (None, None)),
    ],
)
def test_years_are_read_from_a_date_in_words(
    date: str, years: tuple[int | None, int | None]
) -> None:
    assert years_of(date) == years


V2 = {"@context": "http://iiif.io/api/image/2/context.json", "width": 4000, "height": 3000}
V3 = {"@context": "http://iiif.io/api/image/3/context.json", "width": 4000, "height": 3000}
LEVEL_0, LEVEL_2 = (f"http://iiif.io/api/image/2/level{n}.json" for n in (0, 2))
READY = {"sizes": [{"width": 1000, "height": 750}, {"width": 2000, "height": 1500}]}


@pytest.mark.parametrize(
    ("info", "max_pixels", "sizes"),
    [
        (V2 | {"profile": LEVEL_2}, 0, ["full"]),
        (V2 | {"profile": [LEVEL_2]}, 3_000_000, ["2000,"]),
        (V2 | {"profile": [LEVEL_2]} | READY, 3_000_000, ["2000,", "1000,"]),
        (V2 | {"profile": [LEVEL_2, {"maxWidth": 1600}]}, 0, ["1600,"]),
        (V2 | {"profile": [LEVEL_2, {"maxArea": 3_000_000}]}, 0, ["2000,"]),
        (V2 | {"profile": LEVEL_0}, 3_000_000, ["full"]),
        (V2 | {"profile": LEVEL_0} | READY, 0, ["full", "2000,", "1000,"]),
        (V2 | {"profile": LEVEL_0} | READY, 2_999_999, ["1000,"]),
        (V2 | {"profile": [LEVEL_0, {"supports": ["sizeByW"]}]}, 3_000_000, ["2000,"]),
        (V3 | {"profile": "level2"}, 0, ["max"]),
        (V3 | {"profile": "level1"}, 3_000_000, ["2000,"]),
        (V3 | {"profile": "level1", "maxHeight": 300}, 0, ["400,"]),
        (V3 | {"profile": "level0"} | READY, 3_000_000, ["2000,1500", "1000,750"]),
        (V3 | {"profile": "level0"} | READY, 100, ["1000,750"]),
        (V3 | {"profile": "level0"}, 100, ["max"]),
        (V3 | {"profile": "level0", "extraFeatures": ["sizeByW"]}, 3_000_000, ["2000,"]),
    ],
)
def test_the_largest_size_within_the_limit_that_the_server_offers_is_requested(
    info: Json, max_pixels: int, sizes: list[str]
) -> None:
    found = renditions(info, BASE, max_pixels)
    assert [one.url for one in found] == [f"{BASE}/full/{size}/0/default.jpg" for size in sizes]
    assert all(one.width and one.height for one in found)


@pytest.mark.parametrize(
    "info",
    [
        {},
        V3 | {"width": 0},
        V3 | {"height": "many"},
        V3 | {"@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json"},
    ],
)
def test_an_invalid_info_json_is_refused(info: Json) -> None:
    with pytest.raises(ValueError, match=r"^info\.json"):
        renditions(info, BASE, 0)


def test_the_first_image_of_a_choice_is_used_for_a_canvas() -> None:
    images = [{"id": f"{BASE}/{n}.jpg", "type": "Image", "width": 9, "height": 8} for n in "ab"]
    choice = {"type": "Choice", "items": images}
    page = {"items": [{"motivation": "painting", "body": choice}]}
    found = image_of({"items": [page]})
    assert found
    assert (found.url, found.width, found.service) == (f"{BASE}/a.jpg", 9, "")
    assert image_of({"items": [{"items": [{"motivation": "commenting", "body": choice}]}]}) is None
    assert image_of({"images": [{"resource": {"default": images[0], "@type": "oa:Choice"}}]})


@pytest.mark.parametrize("document", [{}, [], "x", None, {"type": "Range"}, {"@type": "sc:Range"}])
def test_a_document_of_another_kind_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="not a manifest or collection"):
        kind_of(document)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "monet",
        "museum.org/manifest.json",
        "ftp://museum.org/m.json",
        "file:///etc/passwd",
        "https://a:b@museum.org/m.json",
        "https://museum.org:8443/m.json",
        "https://museum.org:x/m.json",
        "https:///m.json",
        "http://127.0.0.1/m.json",
        "http://[::1]/m.json",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_forbidden_address_is_an_error(address: str) -> None:
    with pytest.raises(CrawlError, match=r"iiif needs the address|is not a public address"):
        checked(address)


def test_an_address_is_requested_without_its_fragment() -> None:
    assert checked(" https://museum.org/m.json#canvas ") == "https://museum.org/m.json"
    assert checked("http://8.8.8.8/m.json") == "http://8.8.8.8/m.json"


class Book(Presentation3):
    """Two canvases in each manifest, the second one with its own image."""

    def record(self, work: Work) -> Json:
        first = super().record(work)
        second = super().record(self.works[work.number + 1])["items"][0]
        first["items"][0]["label"], second["label"] = {"en": ["recto"]}, {"en": ["verso"]}
        return first | {"items": [*first["items"], second]}


def test_a_manifest_gives_a_work_for_each_of_its_canvases(tmp_path: Path) -> None:
    with Book(exhibition()) as museum:
        made = crawl(museum, tmp_path / "harvest", "--query", museum.manifest(101))
        again = crawl(museum, tmp_path / "harvest", "--query", museum.manifest(101))
    assert (made.code, made.error) == (0, "")
    titles = {row["title"] for row in made.rows("manifest.jsonl").values()}
    assert titles == {"Harbour by Night: recto", "Harbour by Night: verso"}
    assert made.works("record") == [101]
    assert "2 filed (2 from an earlier crawl)" in again.said
    assert not again.works("image")


class Maze(Presentation3):
    """Collections that list themselves, each other, missing documents, and documents of other
    kinds.
    """

    def listing(self, path: str, query: Query) -> Json | None:
        address = f"https://{self.api}/iiif"
        names = ("collection", "page/1", "page/2", "gone")
        items: list[Json] = [
            {"id": f"{address}/{name}.json", "type": "Collection"} for name in names
        ]
        items.append({"id": self.manifest(101), "type": "Manifest"})
        items.append({"type": "Collection", "items": [{"id": "data:x", "type": "Manifest"}]})
        if path == "/iiif/page/2.json":
            return {"type": "Canvas"}
        found = super().listing(path, query)
        return found and found | {"items": items}


def test_circular_collections_are_ended(tmp_path: Path) -> None:
    with Maze(exhibition()[:1]) as museum:
        made = crawl(museum, tmp_path / "harvest")
    assert (made.code, made.error, made.filed()) == (0, "", {101})
    assert "gone.json was skipped: HTTP 404" in made.said
    asked = [request.path for request in made.asked if request.kind == "listing"]
    assert sorted(asked) == sorted(set(asked))


class Scattered(Presentation2):
    """Images on another host, and an image server that does not know them."""

    def record(self, work: Work) -> Json:
        found = super().record(work)
        resource = found["sequences"][0]["canvases"][0]["images"][0]["resource"]
        if work.number == 101:
            resource["@id"] = "http://127.0.0.1/secret.jpg"
        del resource["service"]["profile"]
        resource["service"]["@context"] = "http://iiif.io/api/image/2/context.json"
        return found

    def info(self, work: Work) -> Json:
        return {"width": "many"}


def test_an_image_is_fetched_as_it_is_if_its_image_server_does_not_answer(tmp_path: Path) -> None:
    with Scattered(exhibition()[:2]) as museum:
        made = crawl(museum, tmp_path / "harvest")
    assert (made.code, made.filed()) == (0, {102})
    assert made.reason(101) == "download failed: HTTP 404"  # this machine is 127.0.0.1 in a replay
    [row] = made.rows("manifest.jsonl").values()
    assert row["image_url"] == museum.offers(museum.works[102])[0].url


def test_an_address_without_a_manifest_is_an_error_of_one_line(tmp_path: Path) -> None:
    with Presentation3(exhibition()[:1]) as museum:
        info = f"https://{museum.images}/image/101/info.json"
        made = crawl(museum, tmp_path / "harvest", "--query", info)
        asked: list[Request] = made.asked
    assert made.code == 1
    assert made.error == (
        f"crawl iiif: {info}: it is not a manifest or collection of IIIF Presentation 2 or 3\n"
    )
    assert {request.kind for request in asked} == {"robots", "info"}
