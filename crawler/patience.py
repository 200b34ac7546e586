"""Pauses when a museum asks for it, and repeats requests after temporary errors."""

import asyncio
import time
from collections import Counter, defaultdict
from email.utils import parsedate_to_datetime
from typing import NoReturn, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response
from scrapy.signals import request_reached_downloader

from patina.crawler.items import LaterError

BUSY = {403, 429, 503}  # 403: the Met's response, in HTML, to too many requests
LONGEST_WAIT_S = 600.0  # if a museum asks for a longer pause, the crawl ends
PATIENCE = 3  # the crawl ends after so many failed addresses in a row


class PatienceMiddleware(RetryMiddleware):
    """Pauses requests to a busy host, as long as it asks, or else twice as long each time.

    Requests wait here for their turn. Scrapy's own queue would still send them during a pause.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler.settings)
        self.first_wait_s = crawler.settings.getfloat("FIRST_WAIT_S")
        self.resume: dict[str, float] = {}  # host -> end of the pause, monotonic time
        self.refused: dict[str, LaterError] = {}  # host -> why it gets no more requests
        at_once = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self.turns: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(at_once))
        self.given_up: Counter[str] = Counter()  # host -> number of failed addresses in a row
        crawler.signals.connect(self.reached, request_reached_downloader)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Part of Scrapy's interface."""
        middleware = cls(crawler)
        middleware.crawler = crawler
        return middleware

    async def process_request(self, request: Request) -> None:
        """Wait until it is the request's turn and the pause of its host is over.

        Raises LaterError if the host gets no more requests.
        """
        host = urlsplit(request.url).netloc
        await self.turns[host].acquire()
        request.meta["turn"] = host
        while (wait_s := self.resume.get(host, 0) - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        if host in self.refused:
            raise self.refused[host]

    def end_turn(self, request: Request) -> None:
        """Let the next request to the same host start."""
        if host := request.meta.pop("turn", ""):
            self.turns[host].release()

    def reached(self, request: Request) -> None:
        """Count the time that the request will wait for the pace."""
        assert self.crawler.engine
        slot = self.crawler.engine.downloader.slots[request.meta["download_slot"]]
        self.waited(max(0.0, slot.lastseen + slot.delay - time.monotonic()))

    def waited(self, seconds: float) -> None:
        """Add `seconds` to the counter of the time spent waiting."""
        assert self.crawler.stats
        self.crawler.stats.inc_value("patina/waited_ms", round(seconds * 1000))

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        """Return the response, or the request to repeat it after a pause.

        Raises ValueError after the last try; LaterError if the museum asks for a pause longer than
        LONGEST_WAIT_S, or PATIENCE addresses in a row have failed.
        """
        self.end_turn(request)
        busy, host = is_busy(response), urlsplit(request.url).netloc
        if not busy and response.status not in self.retry_http_codes:
            self.given_up[host] = 0
            return response
        tries = request.meta.get("retry_times", 0)
        again = self._retry(request, f"{response.status}")
        if again is None:
            self.given_up[host] += busy
            if self.given_up[host] >= PATIENCE:
                self.refuse(
                    host, f"is still busy (HTTP {response.status}); run the command again later"
                )
            raise ValueError(f"HTTP {response.status}, {tries + 1} times")
        asked_s = retry_after_s(response.headers.get("Retry-After"))
        wait_s = (self.first_wait_s if busy else 1) * 2**tries if asked_s is None else asked_s
        if wait_s > LONGEST_WAIT_S:
            self.refuse(
                host, f"asks for a pause of {wait_s:.0f} s; run the command again after that"
            )
        self.pause(host, wait_s)
        return again

    def process_exception(
        self, request: Request, exception: Exception, spider: Spider | None = None
    ) -> Request | Response | None:
        """Return the request to repeat it, after a longer pause each time.

        After the last try, no older cached response replaces it. Raises LaterError if PATIENCE
        addresses in a row cannot be reached.
        """
        self.end_turn(request)
        host, tries = urlsplit(request.url).netloc, request.meta.get("retry_times", 0)
        again = super().process_exception(request, exception)
        if again is not None:
            self.pause(host, min(2**tries, self.first_wait_s))
            return again
        request.meta.pop("cached_response", None)
        if isinstance(exception, self.exceptions_to_retry):
            self.given_up[host] += 1
            if self.given_up[host] >= PATIENCE:
                self.refuse(host, f"cannot be reached ({exception}); run the command again later")
        return None

    def refuse(self, host: str, reason: str) -> NoReturn:
        """Send no more requests to the host in this crawl; raise LaterError."""
        self.refused[host] = LaterError(f"{host} {reason}")
        raise self.refused[host]

    def pause(self, host: str, seconds: float) -> None:
        """Send no requests to the host for so many seconds."""
        now = time.monotonic()
        before = max(now, self.resume.get(host, 0))
        self.resume[host] = max(before, now + seconds)
        self.waited(self.resume[host] - before)


def is_busy(response: Response) -> bool:
    """Whether the museum is busy; a 403 that is not a web page concerns one address only."""
    kind = (response.headers.get("Content-Type") or b"").lower()
    return response.status in BUSY and (response.status != 403 or kind.startswith(b"text/html"))


def retry_after_s(header: bytes | None) -> float | None:
    """Seconds that a Retry-After header (a number or a date) asks for; None if there is none."""
    text = (header or b"").decode("latin-1").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
