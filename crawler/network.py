"""Restricts requests to the museum's own hosts, at public addresses, by HTTP(S)."""

import re
import zlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    StopDownload,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from scrapy.settings import BaseSettings
from twisted.internet.defer import Deferred

from patina.crawler.items import CrawlError

DOWNLOAD_ERRORS = (
    CannotResolveHostError,
    DownloadCancelledError,  # larger than DOWNLOAD_MAXSIZE
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,  # robots.txt, another host
    NotSupported,
    OSError,  # a name that resolves to an address that is not public
    ResponseDataLossError,
    StopDownload,  # the work has exceeded its budget of bytes
    UnsupportedURLSchemeError,
    zlib.error,  # a body that is not compressed as its header says
    ValueError,  # not a URL, not JSON, not the expected status
)
GONE = {404, 410}
MOST_NAMED = 5  # maximum number of hosts in a message
DEFAULT_PORTS = {"http": 80, "https": 443}

# Special networks of IANA that Python may treat as public. Relays and translators could lead to
# addresses that only this machine can reach.
SET_APART = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # protocol assignments
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT relays
            "192.88.99.0/24",  # 6to4 relays
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)
UNICAST = ip_network("2000::/3")  # the assigned IPv6 addresses, without translators and local ones


def is_public(address: str) -> bool:
    """Whether the IPv4 or IPv6 `address` belongs to a machine on the public internet.

    Raises ValueError if it is not an address.
    """
    one: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(one, IPv6Address) and one not in UNICAST:
        return False
    if not one.is_global or one.is_multicast or one.is_reserved or one.is_unspecified:
        return False
    return not any(one.version == part.version and one in part for part in SET_APART)


class HostsMiddleware:
    """Allows requests, also redirected ones, only to the hosts that the spider names."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Part of Scrapy's interface."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Raise IgnoreRequest if the address does not belong to the museum."""
        hosts: frozenset[str] = getattr(self.crawler.spider, "hosts", frozenset())
        parts = urlsplit(request.url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
        if parts.hostname not in hosts or port != DEFAULT_PORTS.get(parts.scheme, 0):
            redirected = " (redirected there)" if request.meta.get("redirect_times") else ""
            where = f"{parts.scheme}://{parts.netloc}{redirected}"
            raise IgnoreRequest(
                f"{where} is not an address of the museum; its hosts are {listed(hosts)}"
            )


def listed(hosts: frozenset[str]) -> str:
    """The hosts in words, at most MOST_NAMED of them by name."""
    named = sorted(hosts)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return ", ".join(named[:MOST_NAMED]) + more or "none"


class PublicResolver(CachingThreadedResolver):
    """Resolves names to public addresses only.

    Otherwise, an attacker could let a museum's name point to this machine or its network, and read
    what only this machine can reach.
    """

    loopback = False  # whether the literal address 127.0.0.1 is allowed, for a replay

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> Self:
        """Part of Scrapy's interface; a replay allows 127.0.0.1."""
        resolver = super().from_crawler(crawler, reactor)
        resolver.loopback = bool(crawler.settings["REPLAY_ORIGIN"])
        return resolver

    def getHostByName(  # noqa: N802 -- Twisted's name
        self, name: str, timeout: Sequence[int] = ()
    ) -> "Deferred[str]":
        """The address of the host `name`; it fails with OSError if it is not public."""
        return super().getHostByName(name, timeout).addCallback(self.checked, name)

    def checked(self, address: str, name: str) -> str:
        """Return `address`. Raises OSError if it is not public."""
        wanted = self.loopback and name == address == "127.0.0.1"
        if not wanted and not is_public(address):
            raise OSError(f"{name} resolves to {address}, which is not a public address")
        return address


class ReplayHandler(BaseDownloadHandler):
    """Sends every request to one server on this machine, not to the museum.

    https://museum.org/path is requested as ORIGIN/museum.org/path. All other parts of the crawler
    see the original address, so that their checks are the same as in a real crawl.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.origin = crawler.settings["REPLAY_ORIGIN"]
        self.wire = HTTP11DownloadHandler(crawler)

    async def download_request(self, request: Request) -> Response:
        """Request the page from the replay server; the response keeps the original address."""
        parts = urlsplit(request.url)
        path = urlunsplit(("", "", f"/{parts.netloc}{parts.path}", parts.query, ""))
        response = await self.wire.download_request(request.replace(url=self.origin + path))
        return response.replace(url=request.url)

    async def close(self) -> None:
        """Close the connections; part of Scrapy's interface."""
        await self.wire.close()


def replay_from(settings: BaseSettings, origin: str) -> None:
    """Let `origin` answer all requests. Raises CrawlError if it is not on this machine."""
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d{1,5})/?", origin)
    if not found or int(found[1]) not in range(1, 2**16):
        raise CrawlError(
            f"--replay-origin {origin!r}: give the address of a server on this machine, "
            "such as http://127.0.0.1:8000"
        )
    settings.set("REPLAY_ORIGIN", f"http://127.0.0.1:{int(found[1])}")
    here = "patina.crawler.network.ReplayHandler"
    handlers = settings.getdict("DOWNLOAD_HANDLERS") | {"http": here, "https": here}
    settings.set("DOWNLOAD_HANDLERS", handlers)
