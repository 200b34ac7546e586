"""The servers of a museum: they record their requests, and can be made to misbehave."""

import hashlib
import json
import re
import threading
import time
from abc import abstractmethod
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, urlsplit

from patina.crawler.loopback import Loopback

from .works import Json, Work

Query = dict[str, str]

ROBOTS = "User-agent: *\nAllow: /\n"
LONGEST_STALL_S = 60


class Offer(NamedTuple):
    """An image size that a museum offers; 0 if the museum does not state it."""

    url: str
    width: int = 0
    height: int = 0


class Request(NamedTuple):
    """A request that a museum received."""

    host: str
    path: str  # with the query
    at: float  # monotonic seconds
    status: int
    kind: str = ""  # robots, listing, record or image; "" for an unknown address
    number: int = 0  # of the work
    agent: str = ""  # User-Agent


@dataclass(frozen=True)
class Reply:
    """A response of a museum."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Json = field(default_factory=dict)
    wait_s: float = 0.0  # seconds before it is sent
    breaks: bool = False  # whether the connection breaks after half of the body
    endless: bool = False  # whether the body is repeated until the client leaves
    stall: "Stall | None" = None  # waits after half of the body

    @cached_property
    def etag(self) -> str:
        """The ETag of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


Misbehaviour = Callable[[Reply], Reply]
PAGE = b"<!DOCTYPE html><title>Sorry</title><p>Are you a robot?"
NOT_FOUND = Reply(b'{"message":"not found"}', status=404)


def too_many(retry_after_s: int) -> Misbehaviour:
    """Status 429, with the time to wait."""
    headers = {"Retry-After": retry_after_s}
    return lambda _: Reply(PAGE, "text/html", 429, headers)


def guarded(_: Reply) -> Reply:
    """The refusal of the firewall in front of the Met's servers."""
    return Reply(PAGE, "text/html; charset=utf-8", 403)


def failing(_: Reply) -> Reply:
    """Status 500."""
    return Reply(PAGE, "text/html", 500)


def gone(_: Reply) -> Reply:
    """Status 404."""
    return NOT_FOUND


def unmodified(_: Reply) -> Reply:
    """Status 304, although the request had no condition."""
    return Reply(b"", status=304)


def truncated(reply: Reply) -> Reply:
    """Half of the body, as if it were complete."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def broken_off(reply: Reply) -> Reply:
    """The connection breaks after half of the body."""
    return replace(reply, breaks=True)


def endless(_: Reply) -> Reply:
    """A body of unknown length that does not end."""
    return Reply(bytes(2**16), "image/jpeg", endless=True)


def slow(seconds: float) -> Misbehaviour:
    """The response arrives after `seconds`."""
    return lambda reply: replace(reply, wait_s=seconds)


def holding(body: bytes, content_type: str = "text/html") -> Misbehaviour:
    """Another body than the requested one, with status 200."""
    return lambda _: Reply(body, content_type)


def redirect(url: str) -> Misbehaviour:
    """A redirect to `url`."""
    return lambda _: Reply(b"", "text/html", 302, {"Location": url})


class Stall:
    """Sends half of the body, and keeps the client waiting for the rest."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, reply: Reply) -> Reply:
        return replace(reply, stall=self)


class Replay(Loopback):
    """The servers of one museum; a subclass defines the format of its responses.

    page: maximum number of works in a page of the listing. misfiled: numbers of works that the
    search takes for free, whatever their records say. requests: all requests, in order.
    most_at_once: host -> maximum number of simultaneous requests.
    """

    source: ClassVar[str]  # the crawler's name for it
    institution: ClassVar[str]
    api: ClassVar[str]  # host
    images: ClassVar[str]  # host
    record_path: ClassVar[re.Pattern[str]]  # the group is the work's number
    image_path: ClassVar[re.Pattern[str]]
    listings: ClassVar[int] = 3  # number of requests that list eight works in pages of three
    listing_kinds: ClassVar[frozenset[str]] = frozenset(
        {"listing"}
    )  # kinds of request of a dry run
    misunderstood: ClassVar[str] = "the listing cannot be read: KeyError"

    def __init__(
        self,
        works: Iterable[Work],
        page: int = 1000,
        robots: str = ROBOTS,
        misfiled: Iterable[int] = (),
    ) -> None:
        self.works = {work.number: work for work in works}
        self.page, self.robots, self.misfiled = page, robots, set(misfiled)
        self.requests: list[Request] = []
        self.most_at_once: Counter[str] = Counter()
        self.at_once: Counter[str] = Counter()
        self.once: dict[tuple[str, int], deque[Misbehaviour]] = defaultdict(deque)
        self.always: dict[tuple[str, int], Misbehaviour] = {}
        self.lock = threading.Lock()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The request handler of the server."""
        return answering(self)

    @abstractmethod
    def offers(self, work: Work) -> list[Offer]:
        """The sizes of the image, the best first."""

    @abstractmethod
    def page_of(self, work: Work) -> str:
        """The work's page on the museum's website."""

    @abstractmethod
    def record(self, work: Work) -> Json:
        """The answer to a request for the record."""

    @abstractmethod
    def listing(self, path: str, query: Query) -> Json | None:
        """The response to any other request to the API; None if the address does not exist."""

    def asking(self, words: str = "") -> list[str]:
        """The options of a crawl that search this museum for `words`."""
        return ["--query", words] if words else []

    def id(self, number: int) -> str:
        """The id of work `number` in a harvest."""
        return f"{self.source}-{number}"

    def number(self, work: str) -> int:
        """The number of the work with the id `work`."""
        return int(work.rpartition("-")[2])

    def image(self, number: int, url: str = "") -> bytes:
        """The bytes of the image at `url`; of the largest size if no address is given."""
        work = self.works[number]
        best = url in ("", self.offers(work)[0].url)
        source = work.image if best or work.small is None else work.small
        return source.read_bytes() if isinstance(source, Path) else source()

    def listed(self) -> list[Work]:
        """The works that a search for free works finds, by number."""
        works = (self.works[number] for number in sorted(self.works))
        return [work for work in works if work.public or work.number in self.misfiled]

    def change(self, number: int, **changes: Any) -> None:
        """Change the data of work `number`."""
        self.works[number] = replace(self.works[number], **changes)

    def misbehave(
        self, kind: str, number: int, *ways: Misbehaviour, always: Misbehaviour | None = None
    ) -> None:
        """Answer the next requests of `kind` in these `ways`, and all later ones as `always`
        does.
        """
        self.once[kind, number].extend(ways)
        if always:
            self.always[kind, number] = always

    def asked(self, kind: str) -> list[Request]:
        """The requests of a kind."""
        return [request for request in self.requests if request.kind == kind]

    def answer(self, host: str, path: str, query: Query) -> tuple[str, int, Reply]:
        """Kind of the request, number of the work, and the proper reply."""
        if host in (self.api, self.images) and path == "/robots.txt":
            return "robots", 0, Reply(self.robots.encode(), "text/plain")
        if host == self.api and (record := self.record_path.fullmatch(path)):
            work = self.works.get(int(record[1]))
            return "record", int(record[1]), as_json(self.record(work)) if work else NOT_FOUND
        if host == self.images and (image := self.image_path.fullmatch(path)):
            return "image", int(image[1]), self.image_reply(int(image[1]), f"https://{host}{path}")
        found = self.listing(path, query) if host == self.api else None
        return ("", 0, NOT_FOUND) if found is None else ("listing", 0, as_json(found))

    def image_reply(self, number: int, url: str) -> Reply:
        """The response to a request for an image of work `number`."""
        work = self.works.get(number)
        if work is None or url not in [offer.url for offer in self.offers(work)]:
            return NOT_FOUND
        return Reply(self.image(number, url), "image/jpeg")

    def misbehaviour(self, kind: str, number: int) -> Misbehaviour:
        """The misbehaviour for the next request of `kind`, if any."""
        with self.lock:
            waiting = self.once[kind, number]
            return waiting.popleft() if waiting else self.always.get((kind, number), lambda r: r)

    def attend(self, host: str, change: int) -> None:
        """Count a request to the host: 1 when it arrives, -1 before it is answered."""
        with self.lock:
            self.at_once[host] += change
            self.most_at_once[host] = max(self.most_at_once[host], self.at_once[host])


def as_json(found: Json) -> Reply:
    """A response with `found` as JSON."""
    return Reply(json.dumps(found).encode())


def answering(museum: Replay) -> type[BaseHTTPRequestHandler]:
    """The request handler of one museum."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with suppress(ConnectionError):  # a killed crawl closes the connection
                super().handle()

        def do_GET(self) -> None:
            at = time.monotonic()
            host, _, path = self.path.removeprefix("/").partition("/")
            museum.attend(host, 1)
            url = urlsplit(f"/{path}")
            query = {name: values[-1] for name, values in parse_qs(url.query).items()}
            kind, number, reply = museum.answer(host, url.path, query)
            reply = museum.misbehaviour(kind, number)(reply)
            if reply.status == 200 and self.headers["If-None-Match"] == reply.etag:
                reply = replace(reply, status=304)
            agent = self.headers["User-Agent"] or ""
            museum.requests.append(Request(host, f"/{path}", at, reply.status, kind, number, agent))
            if reply.wait_s:
                threading.Event().wait(reply.wait_s)
            museum.attend(host, -1)
            self.send(reply)

        def send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            headers = {"Content-Type": reply.content_type, "ETag": reply.etag, **reply.headers}
            if reply.endless:
                headers["Connection"] = "close"
            elif reply.status != 304:
                headers["Content-Length"] = len(reply.body)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()
            while reply.endless:
                self.wfile.write(reply.body)
            half = len(reply.body) // 2
            if reply.status != 304:
                self.wfile.write(reply.body[:half])
            if reply.stall:
                reply.stall.reached.set()
                reply.stall.go_on.wait(LONGEST_STALL_S)
            if reply.breaks:
                self.close_connection = True
            elif reply.status != 304:
                self.wfile.write(reply.body[half:])

        def log_message(self, format: str, *arguments: Any) -> None:
            """`requests` is the log."""

    return Handler
