"""Museums on this machine that answer in the documented shapes of the real ones' APIs.

`Artic`, `Met` and `Cleveland` show the same works, each as its own museum would. A crawl reaches
them by `--replay-origin museum.origin`, which puts the real host first in the path. Tests tell them
to misbehave; a benchmark gives them works whose images are files.
"""

import hashlib
import json
import re
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyvips

Json = dict[str, Any]
Query = dict[str, str]
Source = Path | Callable[[], bytes]

ROBOTS = "User-agent: *\nAllow: /\n"
LONGEST_STALL_S = 60


@dataclass(frozen=True)
class Work:
    """A work of art; what the museum does not know of it is "" or None."""

    number: int
    title: str
    image: Source  # of the largest size; read when it is asked for
    width: int = 200  # of that size, pixels, as the museum says
    height: int = 160
    small: Source | None = None  # of the other sizes; `image` if None
    artist: str = ""
    date: str = ""
    begin: int | None = None
    end: int | None = None
    medium: str = ""
    department: str = ""
    accession: str = ""
    public: bool = True
    version: str = "2024-05-06T07:08:09-05:00"  # when the museum changed its record last


@lru_cache(maxsize=256)
def picture(seed: int, suffix: str = ".jpg", width: int = 200, height: int = 160) -> bytes:
    """Seeded noise around a gradient, encoded; always the same bytes for the same arguments."""
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, 3))
    shade = np.linspace(60, 180, height)[:, None, None]
    pixels = np.clip(shade + noise, 0, 255).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels).write_to_buffer(suffix)


def painted(number: int, title: str, **said: Any) -> Work:
    """A work with pictures of its own; JPEG or PNG by turns, and announced as a large scan."""
    suffix = (".jpg", ".png")[number % 2]
    large, small = partial(picture, number, suffix), partial(picture, number, suffix, 100, 80)
    usual: Json = {"accession": f"1916.{number}", "width": 1800, "height": 1440}
    return Work(number, title, large, small=small, **usual | said)


def exhibition() -> list[Work]:
    """Nine works that there are not: 103 with nothing but a title, 108 and 109 not free.

    Asked for oils of the 17th century in European Painting that say "night", a museum has 101 and
    102; each of 104 to 107 fails in just one of the four.
    """
    oil: Json = {"medium": "Oil on canvas", "department": "European Painting"}
    ink: Json = {"medium": "Ink on paper", "department": "European Painting"}
    isles: Json = {"medium": "Oil on panel", "department": "Arts of the Isles"}
    odile = "Odile Varga\nNorland, 1611–1660"
    return [
        painted(101, "Harbour by Night", artist=odile, date="1645", begin=1645, end=1645, **oil),
        painted(
            102, "Night Ferry", artist="T. Eberlein", date="1690s", begin=1690, end=1699, **oil
        ),
        painted(103, "Still Life with a Broken Jug", accession=""),
        painted(104, "Night Train", artist="A. Quist", date="c. 1889", begin=1884, end=1894, **oil),
        painted(
            105, "Reader at Night", artist="A. Quist", date="1650", begin=1650, end=1650, **ink
        ),
        painted(106, "Night Watchman", artist="Nuno", date="1630", begin=1630, end=1630, **isles),
        painted(107, "Noon in the Salt Pans", date="1666", begin=1666, end=1666, **oil),
        painted(108, "Neon", artist="B. Roth", date="1994", begin=1994, end=1994, public=False),
        painted(109, "Neon II", artist="B. Roth", date="1995", begin=1995, end=1995, public=False),
    ]


class Offer(NamedTuple):
    """A size in which a museum offers an image; 0 where it does not say how large."""

    url: str
    width: int = 0
    height: int = 0


class Request(NamedTuple):
    host: str
    path: str  # with the query
    at: float  # monotonic seconds
    status: int
    kind: str = ""  # robots, listing, record or image; "" for what is none of the museum's
    number: int = 0  # of the work
    agent: str = ""  # User-Agent


@dataclass(frozen=True)
class Reply:
    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Json = field(default_factory=dict)
    wait_s: float = 0.0  # before it is sent
    breaks: bool = False  # the connection, after half of the body
    stall: "Stall | None" = None  # after half of the body

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


Misbehaviour = Callable[[Reply], Reply]
PAGE = b"<!DOCTYPE html><title>Sorry</title><p>Are you a robot?"
NOT_FOUND = Reply(b'{"message":"not found"}', status=404)


def too_many(retry_after_s: int) -> Misbehaviour:
    """429, and when to come back."""
    headers = {"Retry-After": retry_after_s}
    return lambda _: Reply(PAGE, "text/html", 429, headers)


def guarded(_: Reply) -> Reply:
    """What stands before the Met's servers says when it had enough."""
    return Reply(PAGE, "text/html; charset=utf-8", 403)


def failing(_: Reply) -> Reply:
    return Reply(PAGE, "text/html", 500)


def gone(_: Reply) -> Reply:
    return NOT_FOUND


def unmodified(_: Reply) -> Reply:
    """304, though nobody asked whether it was modified."""
    return Reply(b"", status=304)


def truncated(reply: Reply) -> Reply:
    """Half of the body as if it were the whole."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def broken_off(reply: Reply) -> Reply:
    return replace(reply, breaks=True)


def slow(seconds: float) -> Misbehaviour:
    return lambda reply: replace(reply, wait_s=seconds)


def holding(body: bytes, content_type: str = "text/html") -> Misbehaviour:
    """Another body than the one asked for, as if all were well."""
    return lambda _: Reply(body, content_type)


def redirect(url: str) -> Misbehaviour:
    return lambda _: Reply(b"", "text/html", 302, {"Location": url})


class Stall:
    """Sends half of the body and keeps the visitor waiting for the rest."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, reply: Reply) -> Reply:
        return replace(reply, stall=self)


class Replay(ABC):
    """One museum's servers; a subclass knows the shape of its answers.

    page: works in a page of the listing at most, whatever is asked for.
    misfiled: numbers of works that the search takes for free, whatever their records say.
    requests: what was asked for, in order.
    most_at_once: host -> requests that it had to answer at the same time, at most.
    """

    source: ClassVar[str]  # the crawler's name for it
    institution: ClassVar[str]
    api: ClassVar[str]  # host
    images: ClassVar[str]  # host
    record_path: ClassVar[re.Pattern[str]]  # the group is the work's number
    image_path: ClassVar[re.Pattern[str]]

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

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), answering(self))
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

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
        """The answer to any other request to the API; None if there is no such thing."""

    def image(self, number: int, url: str = "") -> bytes:
        """The bytes of the image at `url`, of the best size if none is given."""
        work = self.works[number]
        best = url in ("", self.offers(work)[0].url)
        source = work.image if best or work.small is None else work.small
        return source.read_bytes() if isinstance(source, Path) else source()

    def listed(self) -> list[Work]:
        """The works that a search for free ones may find, by number."""
        works = (self.works[number] for number in sorted(self.works))
        return [work for work in works if work.public or work.number in self.misfiled]

    def change(self, number: int, **changes: Any) -> None:
        self.works[number] = replace(self.works[number], **changes)

    def misbehave(
        self, kind: str, number: int, *ways: Misbehaviour, always: Misbehaviour | None = None
    ) -> None:
        """Answer the next requests of the kind in these `ways`, and all that follow as `always`."""
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
        work = self.works.get(number)
        if work is None or url not in [offer.url for offer in self.offers(work)]:
            return NOT_FOUND
        return Reply(self.image(number, url), "image/jpeg")

    def misbehaviour(self, kind: str, number: int) -> Misbehaviour:
        with self.lock:
            waiting = self.once[kind, number]
            return waiting.popleft() if waiting else self.always.get((kind, number), lambda r: r)

    def attend(self, host: str, change: int) -> None:
        """Note that a request to the host came (1) or is about to be answered (-1)."""
        with self.lock:
            self.at_once[host] += change
            self.most_at_once[host] = max(self.most_at_once[host], self.at_once[host])


def as_json(found: Json) -> Reply:
    return Reply(json.dumps(found).encode())


def answering(museum: Replay) -> type[BaseHTTPRequestHandler]:
    """The request handler of one museum."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with suppress(ConnectionError):  # a crawl that is killed leaves without a word
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
            if reply.status != 304:
                headers["Content-Length"] = len(reply.body)
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()
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


class Artic(Replay):
    """The Art Institute of Chicago: Elasticsearch queries, null for what is missing."""

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
    """Whether a work answers to one filter of an Elasticsearch query."""
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
    """Whether the work's title or artist has the words."""
    return words.casefold() in f"{work.title} {work.artist}".casefold()


class Met(Replay):
    """The Metropolitan Museum: numbers alone in its listings, "" for what is missing."""

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
    """The Cleveland Museum of Art: lengths as text, null for what is missing."""

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
