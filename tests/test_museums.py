"""What holds for every museum: real crawls of servers on this machine that answer as it does."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from itertools import accumulate, combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from replay import (
    Artic,
    Cleveland,
    Met,
    Misbehaviour,
    Offer,
    Replay,
    Request,
    Stall,
    broken_off,
    exhibition,
    failing,
    gone,
    guarded,
    holding,
    painted,
    picture,
    redirect,
    slow,
    too_many,
    truncated,
    unmodified,
)
from scrapy import Request as ScrapyRequest
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import Settings
from twisted.internet.testing import MemoryReactorClock
from typer.testing import CliRunner

from crawler.items import Artwork, CrawlError, Rendition
from crawler.network import HostsMiddleware, PublicResolver, replay_from
from crawler.patience import retry_after_s
from crawler.run import TRY_LATER, Outcome, app, forecast
from crawler.selection import Selection

MUSEUMS = (Artic, Met, Cleveland)  # a new museum enrols here
ROOT = Path(__file__).resolve().parents[1]
FREE = range(101, 108)
CONTACT = "crawl@example.org"


class Crawl(NamedTuple):
    museum: Replay
    folder: Path
    code: int
    said: str
    error: str
    asked: list[Request]  # what this crawl asked for
    stats: dict[str, Any]

    def rows(self, name: str) -> dict[str, dict[str, Any]]:
        """The rows of a file of the harvest, by id."""
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}

    def works(self, kind: str) -> list[int]:
        """Numbers of the works asked for, sorted, as often as they were."""
        return sorted(request.number for request in self.asked if request.kind == kind)

    def filed(self) -> set[int]:
        return {int(work.rpartition("-")[2]) for work in self.rows("manifest.jsonl")}

    def reason(self, number: int) -> str:
        return self.rows("rejected.jsonl")[self.id(number)]["reason"]

    def id(self, number: int) -> str:
        return f"{self.museum.source}-{number}"


def command(museum: Replay, folder: Path, *options: object) -> list[str]:
    call = [sys.executable, "-W", "error", "-m", "crawler.run", "--source", museum.source]
    call += ["--out", str(folder), "--replay-origin", museum.origin, "--contact", CONTACT]
    return [*call, *map(str, options)]


def crawl(museum: Replay, folder: Path, *options: object) -> Crawl:
    before = len(museum.requests)
    stats = folder.with_name(f"{folder.name}.json")
    call = command(museum, folder, "--stats", stats, *options)
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    counted = json.loads(stats.read_text()) if stats.exists() else {}
    asked = museum.requests[before:]
    return Crawl(museum, folder, done.returncode, done.stdout, done.stderr, asked, counted)


def copied(made: Crawl, folder: Path) -> Path:
    """The harvest of a crawl and what it keeps of the museum's answers, elsewhere."""
    cache = made.folder.with_name(f".{made.folder.name}.http")
    shutil.copytree(cache, folder.with_name(f".{folder.name}.http"))
    return Path(shutil.copytree(made.folder, folder))


@pytest.fixture(scope="module", params=MUSEUMS, ids=lambda museum: museum.source)
def kind(request: pytest.FixtureRequest) -> type[Replay]:
    """Each museum in turn."""
    return request.param


def bomb() -> bytes:
    """A PNG of 60,000×60,000 black pixels, as its head has it; the rest is never to be read."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = (60_000).to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    pixels = chunk(b"IDAT", zlib.compress(bytes(7501) * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


class Fault(NamedTuple):
    way: Misbehaviour
    reason: str  # begins with


def faults(origin: str) -> dict[int, Fault]:
    """What may go wrong with the image of a work, and why it is set aside then."""
    away = f'<meta http-equiv="refresh" content="0;url={origin}/refreshed">'.encode()
    outside = "https://elsewhere.example"
    not_ours = "is not an address of the museum's"
    return {
        202: Fault(truncated, "truncated or damaged JPEG: "),
        203: Fault(holding(b"<!DOCTYPE html><p>Sorry"), "not an image: starts with b'<!DOCTYPE"),
        204: Fault(
            redirect(f"{origin}/secret"),
            f"download failed: {origin} (redirected there) {not_ours}",
        ),
        205: Fault(
            redirect(f"{outside}/x.jpg"),
            f"download failed: {outside} (redirected there) {not_ours}",
        ),
        206: Fault(holding(away), f"download failed: {origin} (redirected there) {not_ours}"),
        207: Fault(holding(bomb(), "image/png"), "too large: 60000×60000 pixels"),
        208: Fault(holding(picture(8, ".png", 63, 80)), "too small: 63×80 pixels"),
        209: Fault(gone, "download failed: HTTP 404"),
        210: Fault(unmodified, "download failed: HTTP 304"),
        211: Fault(redirect("file:///etc/passwd"), "download failed: "),
    }


DELAY_S, FIRST_WAIT_S = 0.2, 0.9
LATE_S = 0.4  # by which a request may arrive late on a machine that has much to do


def whole(kind: type[Replay], folder: Path) -> Crawl:
    """All that there is, of a museum that gives three works a page and lists 109 by mistake."""
    with kind(exhibition(), page=3, misfiled=[109]) as museum:
        return crawl(museum, folder)


def narrowed(kind: type[Replay], folder: Path) -> Crawl:
    asked = {"query": "night", "department": "European Painting", "medium": "oil"}
    options = [part for name, value in asked.items() for part in (f"--{name}", value)]
    with kind(exhibition(), page=1) as museum:
        return crawl(museum, folder, "--period", "1600-1699", *options)


def limited(kind: type[Replay], folder: Path) -> Crawl:
    """Three works, none larger than the second size offered."""
    with kind(exhibition()) as museum:
        second = museum.offers(museum.works[101])[1]
        most = second.width * second.height or 100 * 80
        return crawl(museum, folder, "--limit", 3, "--max-pixels", most)


def busy(kind: type[Replay], folder: Path) -> Crawl:
    """A museum that is in trouble with each of five works when first asked for it."""
    with kind(exhibition()[:5]) as museum:
        museum.misbehave("image", 101, too_many(1))
        museum.misbehave("record", 102, guarded)
        museum.misbehave("image", 103, failing)
        museum.misbehave("image", 104, broken_off)
        museum.misbehave("image", 105, slow(0.5))
        return crawl(museum, folder, "--delay-s", DELAY_S, "--first-wait-s", FIRST_WAIT_S)


def careless(kind: type[Replay], folder: Path) -> Crawl:
    """A museum whose images are faulty in many ways; 212 to 215 are one, and so are 216 and 217."""
    works = [painted(number, f"Sketch {number}") for number in range(201, 218)]
    with kind(works) as museum:
        for number, fault in faults(museum.origin).items():
            museum.misbehave("image", number, always=fault.way)
        for number in range(212, 218):
            alike = partial(picture, 212 if number < 216 else 216)
            museum.change(number, image=alike, small=None)
        return crawl(museum, folder)


def changed(kind: type[Replay], folder: Path) -> Crawl:
    with kind(exhibition()) as museum:
        museum.misbehave("listing", 0, always=holding(b'{"error": "there is a version 2"}'))
        return crawl(museum, folder)


@pytest.fixture(scope="module")
def crawls(kind: type[Replay], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Crawl]:
    """Crawls of a museum by name, each of a server of its own; two run at a time."""
    folder = tmp_path_factory.mktemp(kind.source)
    scenes = (busy, careless, changed, limited, narrowed, whole)
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda scene: scene(kind, folder / scene.__name__), scenes)
        return {scene.__name__: crawl for scene, crawl in zip(scenes, made, strict=True)}


@pytest.fixture(scope="module")
def first(crawls: dict[str, Crawl]) -> Crawl:
    return crawls["whole"]


def repeated(first: Crawl, folder: Path) -> Crawl:
    """101's record changed, 102's image too; 104 to 106 may not be had any more.

    Of these 104 is not listed, 105 has no record, and 106 is still listed by mistake.
    """
    now = datetime.now(UTC).isoformat()
    works = [work for work in exhibition() if work.number != 105]
    with type(first.museum)(works, page=3, misfiled=[106, 109]) as museum:
        museum.change(101, title="Harbour, Nocturne", version=now)
        museum.change(102, image=partial(picture, 1102), version=now)
        for number in (104, 106):
            museum.change(number, public=False, version=now)
        return crawl(museum, folder)


def counted(first: Crawl, folder: Path) -> Crawl:
    with type(first.museum)(exhibition(), page=3, misfiled=[109]) as museum:
        return crawl(museum, folder, "--dry-run")


def down(first: Crawl, folder: Path) -> Crawl:
    """A museum that withdrew a work at some time, and now nobody listens at its port any more."""
    shutil.copy(folder / "rejected.jsonl", folder / "withdrawn.jsonl")
    return crawl(first.museum, folder, "--first-wait-s", 0.1)


@pytest.fixture(scope="module")
def later(first: Crawl, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Crawl]:
    """Crawls by name that go on where the first one ended, each in a copy of its harvest."""
    folder = tmp_path_factory.mktemp("later")
    scenes = (down, repeated, counted)
    copies = [copied(first, folder / scene.__name__) for scene in scenes]
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda scene, copy: scene(first, copy), scenes, copies)
        return {scene.__name__: crawl for scene, crawl in zip(scenes, made, strict=True)}


@pytest.fixture(scope="module")
def again(later: dict[str, Crawl]) -> Crawl:
    return later["repeated"]


def test_every_free_work_arrives_once_from_the_first_page_to_the_last(first: Crawl) -> None:
    assert (first.code, first.error) == (0, "")
    assert list(first.rows("manifest.jsonl")) == [first.id(number) for number in FREE]
    assert first.works("image") == list(FREE)
    assert len([one for one in first.asked if one.kind == "listing"]) == 3
    assert "8 found, 7 filed (0 from an earlier crawl), 1 rejected" in first.said


def test_a_larger_size_is_fetched_when_it_may_be_larger_later(
    crawls: dict[str, Crawl], tmp_path: Path
) -> None:
    small = crawls["limited"]
    with type(small.museum)(exhibition()) as museum:
        made = crawl(museum, copied(small, tmp_path / "larger"), "--limit", 3)
        assert made.works("image") == [101, 102, 103]
        for row in made.rows("manifest.jsonl").values():
            number = int(row["id"].rpartition("-")[2])
            assert (made.folder / row["file"]).read_bytes() == museum.image(number)


def test_a_smaller_limit_asks_nothing_about_what_lies_beyond_it(
    first: Crawl, tmp_path: Path
) -> None:
    with type(first.museum)(exhibition(), page=3, misfiled=[109]) as museum:
        made = crawl(museum, copied(first, tmp_path / "few"), "--limit", 2)
    assert set(made.works("record")) <= {101, 102}
    assert "4 works of an earlier crawl were not looked at again" in made.said
    assert made.filed() == set(FREE)


def test_what_was_filed_for_another_search_does_not_count_for_this_one(
    first: Crawl, tmp_path: Path
) -> None:
    with type(first.museum)(exhibition()) as museum:
        made = crawl(museum, copied(first, tmp_path / "ink"), "--medium", "ink", "--limit", 3)
    assert made.stats["filed"] == 1
    assert not made.works("image")
    assert made.filed() == set(FREE)


def test_an_address_that_is_none_sets_one_work_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Met(exhibition()[:2]) as museum:
        bad, offers = [Offer("//nowhere/a.jpg")] * 2, museum.offers
        monkeypatch.setattr(museum, "offers", lambda w: bad if w.number == 101 else offers(w))
        made = crawl(museum, tmp_path / "harvest")
    assert made.reason(101).startswith("download failed: ")
    assert (made.code, made.filed()) == (0, {102})


def test_a_work_that_is_not_free_is_never_asked_for_its_image(first: Crawl) -> None:
    assert first.works("record") == [*FREE, 109]
    assert first.reason(109) == "not in the public domain by its own record"


def test_bytes_are_those_that_the_museum_serves(first: Crawl) -> None:
    for number in FREE:
        row = first.rows("manifest.jsonl")[first.id(number)]
        assert (first.folder / row["file"]).read_bytes() == first.museum.image(number)


def test_a_manifest_line_tells_whose_work_it_is_and_how_it_came(first: Crawl) -> None:
    museum, work = first.museum, first.museum.works[101]
    row, best = first.rows("manifest.jsonl")[first.id(101)], museum.offers(work)[0]
    retrieved = datetime.fromisoformat(row.pop("retrieved"))
    assert abs((datetime.now(UTC) - retrieved).total_seconds()) < 3600
    assert len(row.pop("sha256")) == 64
    assert row == {
        "id": first.id(101),
        "file": f"artworks/{museum.source}-101.png",
        "title": "Harbour by Night",
        "artist": "Odile Varga Norland, 1611–1660",
        "date": "1645",
        "medium": "Oil on canvas",
        "department": "European Painting",
        "institution": museum.institution,
        "accession": "1916.101",
        "licence": "CC0",
        "licence_url": "https://creativecommons.org/publicdomain/zero/1.0/",
        "source": museum.page_of(work),
        "image_url": best.url,
        "asked_width": best.width,
        "asked_height": best.height,
        "size_bytes": len(museum.image(101)),
        "width": 200,
        "height": 160,
    }


def test_what_a_museum_does_not_know_of_a_work_is_empty_text(first: Crawl) -> None:
    row = first.rows("manifest.jsonl")[first.id(103)]
    unknown = ("artist", "date", "medium", "department", "accession")
    assert [row[name] for name in unknown] == [""] * len(unknown)


def test_a_host_is_asked_for_its_robots_txt_first_and_told_who_is_calling(first: Crawl) -> None:
    for host in (first.museum.api, first.museum.images):
        kinds = [request.kind for request in first.asked if request.host == host]
        assert (kinds[0], kinds.count("robots")) == ("robots", 1)
    assert {request.agent for request in first.asked} == {f"Patina (+{CONTACT})"}


def test_only_what_changed_is_asked_for_again(again: Crawl) -> None:
    assert (again.code, again.error) == (0, "")
    assert again.works("record") == [101, 102, 104, 105, 106, 109]
    assert again.works("image") == [101, 102]
    assert "4 filed (3 from an earlier crawl)" in again.said


def test_a_changed_record_is_taken_over_and_its_image_kept(first: Crawl, again: Crawl) -> None:
    assert [one.status for one in again.asked if one.kind == "image" and one.number == 101] == [304]
    before, now = (made.rows("manifest.jsonl")[made.id(101)] for made in (first, again))
    assert now == before | {"title": "Harbour, Nocturne"}
    assert (again.folder / now["file"]).read_bytes() == first.museum.image(101)


def test_a_changed_image_is_fetched_anew(again: Crawl) -> None:
    row = again.rows("manifest.jsonl")[again.id(102)]
    assert (again.folder / row["file"]).read_bytes() == picture(1102)
    assert row["size_bytes"] == len(picture(1102))


def test_what_a_museum_took_back_is_set_aside_and_not_deleted(first: Crawl, again: Crawl) -> None:
    assert again.filed() == {101, 102, 103, 107}
    not_free = "not in the public domain by its own record"
    withdrawn = again.rows("withdrawn.jsonl")
    assert {number: withdrawn[again.id(number)]["reason"] for number in (104, 105, 106)} == {
        104: not_free,
        105: "record gone: HTTP 404",
        106: not_free,
    }
    for work, row in withdrawn.items():
        assert row["file"].startswith("withdrawn/")
        number = int(work.rpartition("-")[2])
        assert (again.folder / row["file"]).read_bytes() == first.museum.image(number)
    left = {path.stem for path in (again.folder / "artworks").iterdir()}
    assert left == {path.stem for path in (again.folder / "records").iterdir()}
    assert left == set(again.rows("manifest.jsonl"))


def test_a_dry_run_counts_from_the_listing_alone(first: Crawl, later: dict[str, Crawl]) -> None:
    made = later["counted"]
    assert (made.code, made.error) == (0, "")
    assert {request.kind for request in made.asked} == {"robots", "listing"}
    assert "8 found, 7 up to date, 1 to fetch: at least 0 s" in made.said
    assert made.rows("manifest.jsonl") == first.rows("manifest.jsonl")


def test_a_museum_that_is_down_changes_nothing(first: Crawl, later: dict[str, Crawl]) -> None:
    made = later["down"]
    assert made.code == TRY_LATER
    assert "the listing broke off: " in made.error
    for name in ("manifest.jsonl", "rejected.jsonl", "listed.json"):
        assert (made.folder / name).read_bytes() == (first.folder / name).read_bytes()


def test_words_department_medium_and_period_are_all_asked_for(crawls: dict[str, Crawl]) -> None:
    assert crawls["narrowed"].filed() == {101, 102}
    assert crawls["narrowed"].works("image") == [101, 102]


def test_so_many_works_as_asked_for_in_the_best_size_that_fits(crawls: dict[str, Crawl]) -> None:
    made = crawls["limited"]
    rows = made.rows("manifest.jsonl")
    assert (made.code, len(rows), len(set(made.works("image")))) == (0, 3, 3)
    museum = made.museum
    offers = [museum.offers(museum.works[number])[1] for number in sorted(made.filed())]
    assert [row["image_url"] for row in rows.values()] == [offer.url for offer in offers]
    assert {(row["width"], row["height"]) for row in rows.values()} == {(100, 80)}


def test_a_busy_museum_is_given_its_time(crawls: dict[str, Crawl]) -> None:
    made = crawls["busy"]
    assert (made.code, made.error, made.filed()) == (0, "", set(FREE[:5]))
    pauses_s = {403: FIRST_WAIT_S, 429: 1.0, 500: 1.0}
    assert pauses_s.keys() <= {request.status for request in made.asked}
    for host in (made.museum.api, made.museum.images):
        asked = [request for request in made.asked if request.host == host]
        due = list(accumulate((pauses_s.get(one.status, DELAY_S) for one in asked), initial=0.0))
        for i, j in combinations(range(len(asked)), 2):
            assert asked[j].at - asked[i].at >= due[j] - due[i] - LATE_S, asked[i : j + 1]
        assert made.museum.most_at_once[host] == 1


def test_what_was_tried_again_and_waited_for_is_counted(crawls: dict[str, Crawl]) -> None:
    made = crawls["busy"]
    statuses = Counter(str(request.status) for request in made.asked)
    assert made.stats["requests"] == statuses - Counter({"200": 1})  # the one that broke off
    least_ms = 1000 * (FIRST_WAIT_S + 1 + 1)
    assert least_ms < made.stats["waited_ms"] < least_ms + 1000 * DELAY_S * len(made.asked)


def test_a_faulty_image_is_set_aside_and_the_others_are_filed(crawls: dict[str, Crawl]) -> None:
    made = crawls["careless"]
    assert (made.code, made.error, made.filed()) == (0, "", {201, 216})
    reasons = {number: fault.reason for number, fault in faults(made.museum.origin).items()}
    said = {n: made.reason(n)[: len(reason)] for n, reason in reasons.items()}
    assert said == reasons
    assert "17 found, 2 filed" in made.said


def test_nobody_but_the_museum_is_asked_whatever_it_answers(crawls: dict[str, Crawl]) -> None:
    made = crawls["careless"]
    assert {request.host for request in made.asked} == {made.museum.api, made.museum.images}


def test_an_image_that_stands_for_many_works_is_none_of_them(crawls: dict[str, Crawl]) -> None:
    made = crawls["careless"]
    placeholder = "placeholder: one image stands for 4 works"
    assert {made.reason(number) for number in range(212, 216)} == {placeholder}
    assert made.reason(217) == f"duplicate: the bytes are those of {made.id(216)}"


def test_a_killed_crawl_goes_on_where_it_stopped(kind: type[Replay], tmp_path: Path) -> None:
    folder, stall = tmp_path / "harvest", Stall()
    with kind(exhibition()) as museum, ExitStack() as finally_:
        finally_.callback(stall.go_on.set)
        museum.misbehave("image", 107, stall)
        with subprocess.Popen(command(museum, folder), cwd=ROOT) as killed:
            assert stall.reached.wait(60)
            killed.kill()
        assert killed.returncode == -signal.SIGKILL
        assert not (folder / "manifest.jsonl").exists()
        records = (folder / "records").glob("[!.]*.json")
        finished = {int(path.stem.rpartition("-")[2]) for path in records}
        assert finished  # the last work is begun when one of those before it has been dealt with
        made = crawl(museum, folder)
    assert (made.code, made.error, made.filed()) == (0, "", set(FREE))
    assert made.works("image") == sorted(set(FREE) - finished)
    repeated = [one for one in made.asked if one.kind == "record" and one.number in finished]
    assert {one.status for one in repeated} <= {304}  # where a listing does not tell the version
    for row in made.rows("manifest.jsonl").values():
        served = museum.image(int(row["id"].rpartition("-")[2]))
        assert (folder / row["file"]).read_bytes() == served
    assert not list(folder.rglob("*.part"))
    assert not (folder / ".incoming").exists()


def test_a_listing_in_another_shape_is_an_error(crawls: dict[str, Crawl]) -> None:
    made = crawls["changed"]
    assert made.code == 1
    assert "the listing is not understood: KeyError" in made.error
    assert len(made.error.splitlines()) == 1


def test_a_museum_that_wants_to_be_left_alone_is(tmp_path: Path) -> None:
    with Artic(exhibition()) as museum:
        museum.misbehave("image", 102, too_many(3600))
        made = crawl(museum, tmp_path / "harvest")
    assert made.code == TRY_LATER
    assert f"{museum.images} asks to be left alone for 3600 s; run it again then" in made.error
    statuses = [request.status for request in made.asked if request.host == museum.images]
    assert statuses.index(429) == len(statuses) - 1


def test_robots_txt_is_obeyed_and_named(tmp_path: Path) -> None:
    with Cleveland(exhibition(), robots="User-agent: *\nDisallow: /\n") as museum:
        made = crawl(museum, tmp_path / "harvest")
    assert made.code == 1
    assert "Forbidden by robots.txt" in made.error
    assert {request.kind for request in made.asked} == {"robots"}


def test_departments_that_the_met_has_are_told_when_another_is_asked_for(tmp_path: Path) -> None:
    with Met(exhibition()) as museum:
        made = crawl(museum, tmp_path / "harvest", "--dry-run", "--department", "Cheese")
    assert made.code == 1
    assert "department 'Cheese': the Met has Arts of the Isles, European" in made.error


@pytest.mark.parametrize("contact", ["", "Bob"])
def test_no_museum_is_asked_by_somebody_it_cannot_write_to(
    kind: type[Replay], contact: str, tmp_path: Path
) -> None:
    options = ["--source", kind.source, "--contact", contact, "--out", str(tmp_path / "harvest")]
    done = CliRunner().invoke(app, options)
    told = "asks to know who is calling: give crawl.contact, an e-mail or web address\n"
    assert (done.exit_code, done.stderr) == (1, f"crawl {kind.source}: {kind.source} {told}")


@pytest.mark.parametrize(
    "origin",
    [
        "http://192.168.0.1:80",
        "https://127.0.0.1:8000",
        "http://localhost:1",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:80/x",
        "http://a@127.0.0.1:80",
        "127.0.0.1:80",
    ],
)
def test_a_replay_comes_from_this_machine_alone(origin: str) -> None:
    with pytest.raises(CrawlError, match=f"^--replay-origin '{re.escape(origin)}': must be this"):
        replay_from(Settings(), origin)


@pytest.mark.parametrize("loopback", [False, True])
@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("151.101.2.217", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("172.16.0.9", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_a_name_must_resolve_to_a_public_address(
    address: str, public: bool, loopback: bool
) -> None:
    resolver = PublicResolver(MemoryReactorClock(), cache_size=10, timeout=1)
    resolver.loopback = loopback
    if public:
        assert resolver.checked(address, "api.artic.edu") == address
    else:
        with pytest.raises(OSError, match=f"api.artic.edu resolves to {address}, which is no"):
            resolver.checked(address, "api.artic.edu")


def test_a_replays_own_address_is_the_only_other_one() -> None:
    resolver = PublicResolver(MemoryReactorClock(), cache_size=10, timeout=1)
    with pytest.raises(OSError, match=r"no public address"):
        resolver.checked("127.0.0.1", "127.0.0.1")
    resolver.loopback = True
    assert resolver.checked("127.0.0.1", "127.0.0.1") == "127.0.0.1"
    with pytest.raises(OSError, match=r"no public address"):
        resolver.checked("127.0.0.2", "127.0.0.2")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(b"120", 120), (b"0.5", 0.5), (b"-5", 0), (b"Mon, 01 Jan 2024 00:00:00 GMT", 0)],
)
def test_a_museum_says_when_to_come_back(header: bytes, seconds: float) -> None:
    assert retry_after_s(header) == seconds


def test_a_museum_may_name_a_time_to_come_back() -> None:
    in_an_hour = formatdate(time.time() + 3600, usegmt=True).encode()
    assert retry_after_s(in_an_hour) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("header", [None, b"", b"soon", b"\xff"])
def test_a_museum_that_says_nothing_intelligible_names_no_time(header: bytes | None) -> None:
    assert retry_after_s(header) is None


MUSEUM = SimpleNamespace(spider=SimpleNamespace(hosts=frozenset({"museum.org"})))


@pytest.mark.parametrize(
    "url", ["https://museum.org/a", "http://museum.org/a", "https://museum.org:443/a"]
)
def test_a_museums_own_address_may_be_asked(url: str) -> None:
    assert HostsMiddleware(MUSEUM).process_request(ScrapyRequest(url)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://museum.org:8443/a",
        "https://museum.org:80/a",
        "https://museum.org@evil.example/a",
        "https://museum.org.evil.example/a",
        "https://evil.example/museum.org",
        "ftp://museum.org/a",
        "file:///museum.org/a",
        "file://museum.org/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
    ],
)
def test_no_other_address_may_be_asked(url: str) -> None:
    with pytest.raises(IgnoreRequest, match=r"is not an address of the museum's; it has museum"):
        HostsMiddleware(MUSEUM).process_request(ScrapyRequest(url))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("period", "years"),
    [
        ("", None),
        ("1600-1699", (1600, 1699)),
        ("1889", (1889, 1889)),
        (" 1600 - 1699 ", (1600, 1699)),
        ("-500--400", (-500, -400)),
        ("-50-50", (-50, 50)),
        ("-500", (-500, -500)),
        ("7", (7, 7)),
    ],
)
def test_a_period_is_one_year_or_two(period: str, years: tuple[int, int] | None) -> None:
    assert Selection(period=period).years() == years


@pytest.mark.parametrize("period", ["baroque", "1699-1600", "1600-", "16-17-18", "-", " ", "1_600"])
def test_what_is_no_period_is_told(period: str) -> None:
    with pytest.raises(CrawlError, match=f"period '{period}': give years, such as 1600-1699"):
        Selection(period=period).years()


@pytest.mark.parametrize(
    ("begin", "end", "wanted"),
    [
        (1650, 1660, True),
        (1590, 1600, True),
        (1699, 1720, True),
        (1500, 1800, True),
        (1500, 1599, False),
        (1700, 1750, False),
        (1650, None, True),
        (None, None, False),
        (None, 1650, False),
    ],
)
def test_a_work_belongs_to_a_period_that_its_years_touch(
    begin: int | None, end: int | None, wanted: bool
) -> None:
    assert Selection(period="1600-1699").wants(Artwork(begin=begin, end=end)) == wanted


def test_department_and_medium_are_parts_of_what_the_record_says() -> None:
    work = Artwork(medium="Oil on canvas", department="European Painting")
    assert Selection(medium="OIL", department="european").wants(work)
    assert not Selection(medium="ink").wants(work)
    assert not Selection(department="Asian").wants(work)
    assert not Selection(medium="oil").wants(Artwork())


def test_the_sizes_that_fit_are_tried_in_their_order() -> None:
    sizes = [Rendition("a", 200, 100), Rendition("b"), Rendition("c", 103, 100)]
    assert Selection(max_pixels=10_000).fitting(sizes) == sizes[1:]
    assert Selection().fitting(sizes) == sizes


def test_a_selection_is_the_same_however_many_works_are_to_be_had() -> None:
    key = Selection(query="night", limit=5, max_pixels=10).key()
    assert key == Selection(query="night").key()
    assert key != Selection(query="day").key()


def test_a_dry_run_says_how_long_the_pace_makes_a_crawl() -> None:
    counted = Outcome(source="artic", found=100, up_to_date=10, to_fetch=90)
    assert forecast(counted, 1.0).endswith("90 to fetch: at least 90 s at one in 1 s")
