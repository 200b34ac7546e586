"""The built-in sample museum: a web server on this machine that paints its works on request.

It has the API of the Art Institute of Chicago. So a crawl of it is a real crawl (robots.txt, pages,
records, images over HTTP) on a machine without a network. The works are invented and free of
rights. Paths begin with the name of the host, because ReplayHandler requests them so.
"""

import hashlib
import json
import re
import uuid
from contextlib import suppress
from functools import cached_property, lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyvips

from patina.crawler.loopback import Loopback

ROBOTS = "User-agent: *\nAllow: /\n"
WEBSITE = "https://sample-museum.invalid"  # a name that no DNS server resolves
CONFIG = {"iiif_url": f"{WEBSITE}/iiif/2", "website_url": WEBSITE}
FIRST_ID = 1001
IMAGE = re.compile(r"/iiif/2/([0-9a-f-]{36})/full/\d+,/0/default\.jpg")
RECORD = re.compile(r"/api/v1/artworks/(\d+)")


class Museum(Loopback):
    """A museum with `works` works in the public domain.

    requests: the requested paths, in order of arrival.
    """

    def __init__(
        self, works: int = 48, seed: int = 0, page_size: int = 24, robots: str = ROBOTS
    ) -> None:
        self.seed, self.page_size, self.robots = seed, page_size, robots
        self.numbers = {self.image_id(number): number for number in range(works)}
        self.requests: list[str] = []
        # The record needs a painted work, and the image is requested right after it
        self.painted = lru_cache(maxsize=4 * page_size)(self.paint)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The request handler of the server."""
        return answering(self)

    @cached_property
    def version(self) -> str:
        """The version of all works: the seed, and a hash of the code that paints them.

        A crawl with an up-to-date work does not request its record, so it is not painted again.
        """
        sources = sorted(Path(__file__).parent.glob("*.py"))
        digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources))
        return f"{self.seed}-{digest.hexdigest()[:16]}"

    def image_id(self, number: int) -> str:
        """The id of the image of work `number`, a UUID."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{WEBSITE}/{self.seed}/{number}"))

    def paint(self, number: int) -> tuple[bytes, dict[str, str]]:
        """The work as JPEG, and its title, artist, date and medium; the same for the same seed."""
        from patina.crawler.sample.strokes import paint  # only the sample museum needs it

        pixels, words = paint(number, self.seed)
        image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
        return image.jpegsave_buffer(Q=95, subsample_mode="off", keep="none"), words

    def jpeg(self, number: int) -> bytes:
        """The image of work `number` as JPEG."""
        return self.painted(number)[0]

    def record(self, number: int) -> dict[str, Any]:
        """The record of work `number`, as the API of the Art Institute of Chicago gives it."""
        words = self.painted(number)[1]
        return {
            "id": FIRST_ID + number,
            "title": words["title"],
            "artist_display": words["artist"],
            "date_display": words["date"],
            "medium_display": words["medium"],
            "image_id": self.image_id(number),
            "is_public_domain": True,
            "updated_at": self.version,
        }

    def search(self, after: int, limit: int) -> dict[str, Any]:
        """The works after the id `after`, at most `limit` and at most a page."""
        limit = min(limit, self.page_size, 100)
        left = range(max(0, after - FIRST_ID + 1), len(self.numbers))
        return {
            "pagination": {
                "total": len(left),
                "limit": limit,
                "offset": 0,
                "total_pages": -(-len(left) // limit),
                "current_page": 1,
            },
            "data": [
                {"id": FIRST_ID + number, "updated_at": self.version} for number in left[:limit]
            ],
            "config": CONFIG,
        }

    def detail(self, work: int) -> dict[str, Any] | None:
        """The record of one work; None if the id is unknown."""
        if work - FIRST_ID in range(len(self.numbers)):
            return {"data": self.record(work - FIRST_ID), "config": CONFIG}
        return None


def answering(museum: Museum) -> type[BaseHTTPRequestHandler]:
    """The request handler of one museum."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise every response waits 40 ms

        def handle(self) -> None:
            with suppress(ConnectionError):  # the crawl was killed
                super().handle()

        def do_GET(self) -> None:
            self.path = self.path.removeprefix(f"/{urlsplit(WEBSITE).netloc}")
            museum.requests.append(self.path)
            url = urlsplit(self.path)
            image, record = IMAGE.fullmatch(url.path), RECORD.fullmatch(url.path)
            if url.path == "/robots.txt":
                self.answer("text/plain", museum.robots.encode())
            elif url.path == "/api/v1/artworks/search":
                self.search(url.query)
            elif record and (found := museum.detail(int(record[1]))):
                self.answer("application/json", json.dumps(found).encode())
            elif image and image[1] in museum.numbers:
                self.answer("image/jpeg", museum.jpeg(museum.numbers[image[1]]))
            else:
                self.send_error(404)

        def search(self, query: str) -> None:
            try:
                asked = json.loads(parse_qs(query)["params"][0])
                ranges = [
                    one["range"]["id"] for one in asked["query"]["bool"]["filter"] if "range" in one
                ]
                found = museum.search(ranges[0]["gt"], asked["limit"])
            except (KeyError, IndexError, ValueError, TypeError):
                self.send_error(400, "this server supports only the search that lists works by id")
                return
            self.answer("application/json", json.dumps(found).encode())

        def answer(self, content_type: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing."""

    return Handler
