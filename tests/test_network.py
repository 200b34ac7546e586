"""Requests go only to a museum at a public address, or to its replay on this machine."""

import re
from types import SimpleNamespace

import pytest
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import Settings
from twisted.internet.testing import MemoryReactorClock

from patina.crawler.items import CrawlError
from patina.crawler.network import HostsMiddleware, PublicResolver, replay_from


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
def test_a_replay_is_accepted_only_from_this_machine(origin: str) -> None:
    with pytest.raises(
        CrawlError, match=f"^--replay-origin '{re.escape(origin)}': give the address"
    ):
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
        ("224.0.0.1", False),
        ("239.255.255.250", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("192.0.0.9", False),
        ("192.0.2.1", False),
        ("192.31.196.1", False),
        ("192.52.193.1", False),
        ("192.88.99.1", False),
        ("192.175.48.1", False),
        ("198.18.0.1", False),
        ("203.0.113.7", False),
        ("2a04:4e42::729", True),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:151.101.2.217", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("64:ff9b::7f00:1", False),
        ("2001::1", False),
        ("2001:db8::1", False),
        ("2002:7f00:1::", False),
        ("3fff::1", False),
        ("5f00::1", False),
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
        with pytest.raises(OSError, match=f"api.artic.edu resolves to {address}, which is not"):
            resolver.checked(address, "api.artic.edu")


def test_only_the_museum_and_its_replay_are_accepted() -> None:
    resolver = PublicResolver(MemoryReactorClock(), cache_size=10, timeout=1)
    with pytest.raises(OSError, match=r"not a public address"):
        resolver.checked("127.0.0.1", "127.0.0.1")
    resolver.loopback = True
    assert resolver.checked("127.0.0.1", "127.0.0.1") == "127.0.0.1"
    with pytest.raises(OSError, match=r"not a public address"):
        resolver.checked("127.0.0.2", "127.0.0.2")


MUSEUM = SimpleNamespace(spider=SimpleNamespace(hosts=frozenset({"museum.org"})))


@pytest.mark.parametrize(
    "url", ["https://museum.org/a", "http://museum.org/a", "https://museum.org:443/a"]
)
def test_a_museums_own_address_is_accepted(url: str) -> None:
    assert HostsMiddleware(MUSEUM).process_request(Request(url)) is None  # type: ignore[arg-type]


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
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(
        IgnoreRequest, match=r"is not an address of the museum; its hosts are museum"
    ):
        HostsMiddleware(MUSEUM).process_request(Request(url))  # type: ignore[arg-type]
