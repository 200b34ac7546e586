"""Data with which a malicious museum could harm its visitors."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import pytest
from crawling import Crawl, crawl, played
from replay.museums import Artic, Cleveland, Met
from replay.serving import Query, Replay, Reply, endless, holding
from replay.works import Json, Work, exhibition, picture

from patina.crawler.fetching import BUDGET, MOST_BYTES, most_bytes
from patina.crawler.harvest import read_lines, write_lines
from patina.crawler.items import CrawlError
from patina.crawler.listing import Pages
from patina.crawler.responses import segment
from patina.crawler.text import LONGEST_LINE, plain, reason_of
from patina.crawler.verify import examine

DEEP = b"[" * 100_000 + b"]" * 100_000
STEERING = "\x1b[31m\x07\x9b2J\r\n\x00\u2028\u0085\u202e"


def deep(kind: type[Replay], folder: Path) -> Crawl:
    """One record is nested too deeply; another one has invalid numbers."""
    with kind(exhibition()[:4]) as museum:
        museum.misbehave("record", 101, always=holding(DEEP, "application/json"))
        endlessly = json.dumps(museum.record(museum.works[102])).replace("1800", "1e999")
        years = endlessly.replace("1690", "-1e999").replace("1699", "NaN").encode()
        museum.misbehave("record", 102, always=holding(years, "application/json"))
        return crawl(museum, folder)


def repeated(kind: type[Replay], folder: Path) -> Crawl:
    """Every page of the listing is the first one, and states many more works."""

    class Repeating(kind):  # type: ignore[misc, valid-type]
        first: Json | None = None

        def listing(self, path: str, query: Query) -> Json | None:
            found = super().listing(path, query)
            text = json.dumps(found)
            for name in ("total", "total_pages"):
                text = re.sub(rf'"{name}": \d+', f'"{name}": {10**12}', text)
            if found and '"Collection"' in text and '"Manifest"' not in text:
                return found  # of collections within collections, the first that lists works
            self.first = self.first or json.loads(text)
            return self.first if found else None

    with Repeating(exhibition()[:4], page=2) as museum:
        return crawl(museum, folder)


def flooded(kind: type[Replay], folder: Path) -> Crawl:
    """The images of work 101 do not end, in any size."""
    with kind(exhibition()[:2]) as museum:
        museum.misbehave("image", 101, always=endless)
        return crawl(museum, folder, "--max-pixels", 3_000_000)


@pytest.fixture(scope="module")
def crawls(kind: type[Replay], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Crawl]:
    """Crawls of a museum by name, each with its own server."""
    return played((deep, repeated, flooded), kind, tmp_path_factory.mktemp(kind.source))


def test_a_work_with_a_too_deeply_nested_record_is_set_aside(crawls: dict[str, Crawl]) -> None:
    made = crawls["deep"]
    assert (made.code, made.error) == (0, "")
    assert made.reason(101) == "record not read: JSON that is nested too deeply"
    assert made.filed() >= {103, 104}


def test_invalid_numbers_do_not_end_a_crawl(crawls: dict[str, Crawl]) -> None:
    assert "2 found" not in crawls["deep"].said
    assert crawls["deep"].works("record").count(102) == 1


def test_a_listing_that_repeats_itself_is_ended_with_a_note(crawls: dict[str, Crawl]) -> None:
    made = crawls["repeated"]
    assert (made.code, made.error) == (0, "")
    assert made.filed() == {101, 102}
    if made.museum.listings == 3:  # pages; collections within collections end by themselves
        assert "the museum's listing repeats itself; Patina stopped after 2 pages and" in made.said
        assert not (made.folder / "listed.json").exists()  # so that nothing is taken for unchanged


def test_an_endless_image_is_cut_at_the_limit_of_its_work(crawls: dict[str, Crawl]) -> None:
    made = crawls["flooded"]
    assert (made.code, made.filed()) == (0, {102})
    most = most_bytes(3_000_000)
    assert made.reason(101) in (
        f"too large: more than {most / 1e6:.0f} MB",
        f"too large: all its sizes together exceed {BUDGET * most / 1e6:.0f} MB",
    )
    assert made.works("image").count(101) <= BUDGET + 1


def test_the_limit_of_bytes_follows_from_the_number_of_pixels() -> None:
    assert most_bytes(4_000_000) > 8 * 4_000_000
    assert most_bytes(0) == most_bytes(10**9) == MOST_BYTES


def test_the_name_of_an_image_is_escaped_to_one_segment_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = dict(enumerate(["%4000000000d", "../../secret", "a/b?c#d", "%2e%2e", "{0}"], 101))
    with Artic(exhibition()[:6]) as museum:
        ours = museum.image_id
        monkeypatch.setattr(museum, "image_id", lambda work: named.get(work.number) or ours(work))
        made = crawl(museum, tmp_path / "harvest")
    assert (made.code, made.filed()) == (0, {106})
    assert {made.reason(number) for number in named} == {"download failed: HTTP 404"}
    paths = [one.path for one in made.asked if one.host == museum.images]
    images = [path for path in paths if path != "/robots.txt"]
    assert len(images) > len(named)
    for path in images:
        assert re.fullmatch(r"/iiif/2/[^/?#]+/full/\d{3,4},/0/default\.jpg", path)


@pytest.mark.parametrize("number", ["", ".", "..", "x" * 1000])
def test_a_name_that_cannot_be_a_segment_of_an_address_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of an address"):
        segment(number)
    assert segment("a/../b?c=%d") == "a%2F..%2Fb%3Fc%3D%25d"


class Separating(Met):
    """The address of the image of work 101 ends with a line separator of Unicode."""

    image_path = re.compile(r"/CRDImages/ep/[a-z-]+/DP(\d+)\.jpg(?:%E2%80%A8)?")

    def offers(self, work: Work) -> list[Any]:
        more = "\u2028" if work.number == 101 else ""
        return [offer._replace(url=offer.url + more) for offer in super().offers(work)]

    def image_reply(self, number: int, url: str) -> Reply:
        return super().image_reply(number, url.replace("%E2%80%A8", "\u2028"))


def test_line_separators_in_a_value_do_not_split_its_row(tmp_path: Path) -> None:
    with Separating(exhibition()[:3]) as museum:
        assert crawl(museum, tmp_path / "harvest").filed() == {101, 102, 103}
        museum.change(101, public=False, version="2025-01-01")
        assert crawl(museum, tmp_path / "harvest").filed() == {102, 103}
        made = crawl(museum, tmp_path / "harvest")
    assert (made.code, made.error) == (0, "")
    assert "\u2028" in made.rows("withdrawn.jsonl")["met-101"]["image_url"]


def test_rows_can_have_any_text_and_a_damaged_row_is_an_error(tmp_path: Path) -> None:
    rows = {"a": {"id": "a", "title": f"x{STEERING}y\v\f\x1c\x1d\x1e"}}
    write_lines(tmp_path / "rows.jsonl", rows)
    assert read_lines(tmp_path / "rows.jsonl") == rows
    for damage in (b'{"id": "b"', b"[]", b"{}", DEEP):
        (tmp_path / "bad.jsonl").write_bytes(b'{"id": "a"}\n' + damage + b"\n")
        with pytest.raises(CrawlError, match=r"bad.jsonl: line 2 is not a valid row"):
            read_lines(tmp_path / "bad.jsonl")


def test_text_of_a_museum_cannot_control_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Met(exhibition()[:2]) as museum:
        monkeypatch.setattr(museum, "departments", [f"{STEERING}Arts{STEERING}", "x" * 100_000])
        printed = crawl(museum, tmp_path / "a", "--department", "Cheese")
    assert "the Met has [31m 2J Arts" in printed.error
    with Cleveland(exhibition()[:2]) as museum:
        kind = "text/\x1b[31mhtml"
        museum.misbehave("record", 101, always=holding(b"<h1>", kind))
        museum.misbehave("record", 102, always=holding(b'{"data": {"title": 7}, "x": 1}', kind))
        made = crawl(museum, tmp_path / "b")
    with Cleveland(exhibition()[:2]) as museum:
        total = json.dumps({"info": {"total": f"<b>{STEERING}"}, "data": []}).encode()
        museum.misbehave("listing", 0, always=holding(total))
        listed = crawl(museum, tmp_path / "c")
    for text in (printed.error, made.error, made.said, listed.error, made.reason(101)):
        assert text
        assert all(line.isprintable() for line in text.removesuffix("\n").split("\n"))
    assert len(printed.error) <= LONGEST_LINE + 1


def test_text_from_outside_is_printed_as_one_line() -> None:
    assert plain(f"a{STEERING}b") == "a [31m 2J b"
    assert plain("x" * 3000) == "x" * (LONGEST_LINE - 1) + "…"
    assert plain("\ud800 naïve 絵") == "? naïve 絵"
    assert reason_of(TimeoutError()) == "TimeoutError"


def test_a_listing_with_a_new_work_on_each_page_has_an_end() -> None:
    notes: list[str] = []
    pages = Pages(notes)
    read = 0
    while pages.go_on([read], total=10):
        read += 1
    assert read < 30
    assert notes == [
        f"the museum's listing does not end; Patina stopped after {read + 1} pages "
        f"and {read + 1} works"
    ]


def test_an_endless_listing_is_ended() -> None:
    pages = Pages([], most_works=1000)
    read = 0
    while pages.go_on(range(100 * read, 100 * read + 100), total=10**12):
        read += 1
    assert pages.cut
    assert read == 10


def test_a_listing_that_grows_a_little_during_a_crawl_is_read_to_its_end() -> None:
    pages = Pages([])
    assert all(pages.go_on(range(at, at + 3), total) for at, total in ((0, 9), (3, 10), (6, 10)))
    assert pages.go_on([9], 10)
    assert not pages.cut


def huge_jpeg_2000(before: bytes = b"") -> bytes:
    """A small picture whose header declares 60,000 pixels a side, after the box `before`."""
    pixels = cv2.imdecode(memoryview_of(picture(1, ".png")), cv2.IMREAD_COLOR)
    data = bytearray(cv2.imencode(".jp2", pixels)[1].tobytes())
    at = data.index(b"\xff\x4f\xff\x51") + 8
    data[at : at + 8] = (60_000).to_bytes(4) * 2
    return bytes(data[:12]) + before + bytes(data[12:])


def memoryview_of(data: bytes) -> Any:
    import numpy as np

    return np.frombuffer(data, np.uint8)


def test_a_jpeg_2000_is_not_decoded_before_its_true_size_is_known(tmp_path: Path) -> None:
    siz = b"\xff\x4f\xff\x51" + bytes(4) + (100).to_bytes(4) * 2 + bytes(40)
    for before in (
        b"",
        (8 + len(siz)).to_bytes(4) + b"xml " + siz,
        bytes([0, 1, 0, 8]) + b"free" + bytes(2**16),
    ):
        path = tmp_path / "scan.jp2"
        path.write_bytes(huge_jpeg_2000(before))
        assert examine(path).fault == "too large: 60000×60000 pixels"
    path.write_bytes(huge_jpeg_2000()[:100])
    assert examine(path).fault == "truncated or damaged JPEG 2000: it contains no image"
