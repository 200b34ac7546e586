"""Faults during a crawl, from a faulty image to a kill, and their consequences."""

import signal
import subprocess
import zlib
from collections import Counter
from contextlib import ExitStack
from functools import partial
from itertools import accumulate, combinations
from pathlib import Path
from typing import NamedTuple

import pytest
from crawling import FREE, ROOT, Crawl, command, crawl, played
from replay.museums import Artic, Cleveland, Met
from replay.serving import (
    Misbehaviour,
    Offer,
    Replay,
    Stall,
    broken_off,
    failing,
    gone,
    guarded,
    holding,
    redirect,
    slow,
    too_many,
    truncated,
    unmodified,
)
from replay.works import exhibition, painted, picture
from typer.testing import CliRunner

from patina.crawler.run import TRY_LATER, app


def bomb() -> bytes:
    """A PNG whose header declares 60,000 × 60,000 black pixels; the rest must never be read."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = (60_000).to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    pixels = chunk(b"IDAT", zlib.compress(bytes(7501) * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


class Fault(NamedTuple):
    way: Misbehaviour
    reason: str  # begins with


def faults(origin: str) -> dict[int, Fault]:
    """Faults of the image of a work, and the reasons for its rejection."""
    away = f'<meta http-equiv="refresh" content="0;url={origin}/refreshed">'.encode()
    outside = "https://elsewhere.example"
    not_ours = "is not an address of the museum"
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


def busy(kind: type[Replay], folder: Path) -> Crawl:
    """A museum that refuses the first request for each of five works."""
    with kind(exhibition()[:5]) as museum:
        museum.misbehave("image", 101, too_many(1))
        museum.misbehave("record", 102, guarded)
        museum.misbehave("image", 103, failing)
        museum.misbehave("image", 104, broken_off)
        museum.misbehave("image", 105, slow(0.5))
        return crawl(museum, folder, "--delay-s", DELAY_S, "--first-wait-s", FIRST_WAIT_S)


def careless(kind: type[Replay], folder: Path) -> Crawl:
    """A museum with faulty images; 212 to 215 are the same image, and so are 216 and 217."""
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
    """Crawls of a museum by name, each with its own server."""
    return played((busy, careless, changed), kind, tmp_path_factory.mktemp(kind.source))


def test_a_crawl_waits_as_long_as_a_busy_museum_requests(crawls: dict[str, Crawl]) -> None:
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


def test_retries_and_waiting_times_are_counted(crawls: dict[str, Crawl]) -> None:
    made = crawls["busy"]
    statuses = Counter(str(request.status) for request in made.asked)
    assert made.stats["requests"] == statuses - Counter({"200": 1})  # the one that broke off
    least_ms = 1000 * (FIRST_WAIT_S + 1 + 1)
    assert least_ms < made.stats["waited_ms"] < least_ms + 1000 * DELAY_S * len(made.asked)


def test_a_faulty_image_is_set_aside_and_the_others_are_saved(crawls: dict[str, Crawl]) -> None:
    made = crawls["careless"]
    assert (made.code, made.error, made.filed()) == (0, "", {201, 216})
    reasons = {number: fault.reason for number, fault in faults(made.museum.origin).items()}
    said = {n: made.reason(n)[: len(reason)] for n, reason in reasons.items()}
    assert said == reasons
    assert "17 found, 2 filed" in made.said


def test_only_the_museum_is_requested_whatever_it_answers(crawls: dict[str, Crawl]) -> None:
    made = crawls["careless"]
    assert {request.host for request in made.asked} == {made.museum.api, made.museum.images}


def test_an_image_that_many_works_share_is_a_placeholder_and_is_rejected(
    crawls: dict[str, Crawl],
) -> None:
    made = crawls["careless"]
    placeholder = "placeholder: 4 works have this image"
    assert {made.reason(number) for number in range(212, 216)} == {placeholder}
    assert made.reason(217) == f"duplicate: the same bytes as {made.id(216)}"


def test_an_invalid_address_sets_one_work_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Met(exhibition()[:2]) as museum:
        bad, offers = [Offer("//nowhere/a.jpg")] * 2, museum.offers
        monkeypatch.setattr(museum, "offers", lambda w: bad if w.number == 101 else offers(w))
        made = crawl(museum, tmp_path / "harvest")
    assert made.reason(101).startswith("download failed: ")
    assert (made.code, made.filed()) == (0, {102})


def test_a_killed_crawl_is_resumed(kind: type[Replay], tmp_path: Path) -> None:
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
        finished = {museum.number(path.stem) for path in records}
        assert finished  # the last work is begun when one of those before it has been dealt with
        made = crawl(museum, folder)
    assert (made.code, made.error, made.filed()) == (0, "", set(FREE))
    assert made.works("image") == sorted(set(FREE) - finished)
    repeated = [one for one in made.asked if one.kind == "record" and one.number in finished]
    assert {one.status for one in repeated} <= {304}  # where a listing does not tell the version
    for row in made.rows("manifest.jsonl").values():
        served = museum.image(museum.number(row["id"]))
        assert (folder / row["file"]).read_bytes() == served
    assert not list(folder.rglob("*.part"))
    assert not (folder / ".incoming").exists()


def test_a_listing_with_an_unexpected_structure_is_an_error(crawls: dict[str, Crawl]) -> None:
    made = crawls["changed"]
    assert made.code == 1
    assert made.museum.misunderstood in made.error
    assert len(made.error.splitlines()) == 1


def test_a_crawl_ends_if_the_museum_requests_a_long_pause(tmp_path: Path) -> None:
    with Artic(exhibition()) as museum:
        museum.misbehave("image", 102, too_many(3600))
        made = crawl(museum, tmp_path / "harvest")
    assert made.code == TRY_LATER
    assert (
        f"{museum.images} asks for a pause of 3600 s; run the command again after that"
        in made.error
    )
    statuses = [request.status for request in made.asked if request.host == museum.images]
    assert statuses.index(429) == len(statuses) - 1


def test_robots_txt_is_obeyed_and_mentioned_in_the_message(tmp_path: Path) -> None:
    with Cleveland(exhibition(), robots="User-agent: *\nDisallow: /\n") as museum:
        made = crawl(museum, tmp_path / "harvest")
    assert made.code == 1
    assert "Forbidden by robots.txt" in made.error
    assert {request.kind for request in made.asked} == {"robots"}


@pytest.mark.parametrize("contact", ["", "Bob"])
def test_no_museum_is_requested_without_a_contact_address(
    kind: type[Replay], contact: str, tmp_path: Path
) -> None:
    options = ["--source", kind.source, "--contact", contact, "--out", str(tmp_path / "harvest")]
    done = CliRunner().invoke(app, options)
    told = (
        "wants to know who sends requests: set crawl.contact or --contact to your "
        "e-mail or web address\n"
    )
    assert (done.exit_code, done.stderr) == (1, f"crawl {kind.source}: {kind.source} {told}")
