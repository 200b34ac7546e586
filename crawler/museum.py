"""The built-in museum: a web server on this machine whose works are painted when asked for.

It answers as the Art Institute of Chicago's API does, so that a crawl is a real one (robots.txt,
pages, images over HTTP) on a machine without a network. Works are invented and free of rights.
"""

import hashlib
import json
import re
import threading
import uuid
from contextlib import suppress
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pyvips

ROBOTS = "User-agent: *\nAllow: /\n"
WEBSITE = "https://sample-museum.invalid"  # the same in every crawl, whatever the server's port
FIRST_ID = 1001
FIRST_CLOSED_ID = 9001
IMAGE = re.compile(r"/iiif/2/([0-9a-f-]{36})/full/843,/0/default\.jpg")


class Museum:
    """`works` works in the public domain and, between them, some that are not.

    requests: the paths asked for, in order of arrival.
    """

    def __init__(
        self, works: int = 48, seed: int = 0, page_size: int = 24, robots: str = ROBOTS
    ) -> None:
        self.seed, self.page_size, self.robots = seed, page_size, robots
        self.numbers = {self.image_id(number): number for number in range(works)}
        self.shelf: list[int | None] = []  # a work's number; None for one that is not free
        for number in range(works):
            self.shelf += [number] if number % 5 else [number, None]
        self.requests: list[str] = []
        # a listing paints its page for the words; the images asked for next are then at hand
        self.painted = lru_cache(maxsize=4 * page_size)(self.paint)

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

    def image_id(self, number: int) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{WEBSITE}/{self.seed}/{number}"))

    def paint(self, number: int) -> tuple[bytes, dict[str, str]]:
        """The work as a JPEG, and its words; always the same for a number and a seed."""
        from crawler.painting import paint  # a crawl of another museum paints nothing

        pixels, words = paint(number, self.seed)
        image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
        return image.jpegsave_buffer(Q=95, subsample_mode="off", keep="none"), words

    def jpeg(self, number: int) -> bytes:
        return self.painted(number)[0]

    def record(self, place: int) -> dict[str, Any]:
        number = self.shelf[place]
        if number is None:
            closed = {"id": FIRST_CLOSED_ID + place, "title": "Still in copyright"}
            return listed(closed, "A living artist", image_id=self.image_id(-1 - place))
        words = self.painted(number)[1]
        named = {"id": FIRST_ID + number, "title": words["title"]}
        record = listed(named, words["artist"], image_id=self.image_id(number))
        free = {"date_display": words["date"], "medium_display": words["medium"]}
        return record | free | {"style_title": words["style"], "is_public_domain": True}

    def search(self, limit: int, page: int) -> dict[str, Any]:
        """A page of the listing; `limit` is cut to the museum's own page size."""
        limit = min(limit, self.page_size, 100)
        places = range(len(self.shelf))[(page - 1) * limit : page * limit]
        return {
            "pagination": {
                "total": len(self.shelf),
                "limit": limit,
                "offset": (page - 1) * limit,
                "total_pages": -(-len(self.shelf) // limit),
                "current_page": page,
            },
            "data": [self.record(place) for place in places],
            "config": {"iiif_url": f"{self.origin}/iiif/2", "website_url": WEBSITE},
        }


def listed(named: dict[str, Any], artist: str, image_id: str) -> dict[str, Any]:
    """A record with nothing known but these, and not known to be free."""
    unknown = {"date_display": None, "medium_display": None, "style_title": None}
    return (
        named
        | {"artist_display": artist, "image_id": image_id, "is_public_domain": False}
        | unknown
    )


def answering(museum: Museum) -> type[BaseHTTPRequestHandler]:
    """The request handler of one museum."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or every answer on loopback waits 40 ms for its own tail

        def handle(self) -> None:
            with suppress(ConnectionError):  # a crawl that is killed leaves without a word
                super().handle()

        def do_GET(self) -> None:
            museum.requests.append(self.path)
            url = urlsplit(self.path)
            image = IMAGE.fullmatch(url.path)
            if url.path == "/robots.txt":
                self.answer("text/plain", museum.robots.encode())
            elif url.path == "/api/v1/artworks/search":
                self.search(url.query)
            elif image and image[1] in museum.numbers:
                self.answer("image/jpeg", museum.jpeg(museum.numbers[image[1]]))
            else:
                self.send_error(404)

        def search(self, query: str) -> None:
            asked = {name: values[-1] for name, values in parse_qs(query).items()}
            try:
                limit, page = int(asked.get("limit", 12)), int(asked.get("page", 1))
            except ValueError:
                limit, page = 0, 0
            if limit < 1 or page < 1:
                self.send_error(400, "limit and page are whole numbers from 1")
            else:
                self.answer("application/json", json.dumps(museum.search(limit, page)).encode())

        def answer(self, content_type: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """A museum that is part of the crawl keeps no log of it."""

    return Handler
