"""A page of another site, open in a browser on this machine, cannot use or read Prefect."""

import json
import urllib.error
import urllib.request
from urllib.parse import urlparse

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

FOREIGN_ORIGINS = ["https://elsewhere.example", "http://127.0.0.1:1", "http://localhost", "null"]
FOREIGN_HOSTS = ["elsewhere.example", "127.0.0.1:1", "localhost", ""]
STARTS_A_RUN = ("/api/flows/", b'{"name": "foreign"}')


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a response. In the names of `headers`, _ means -."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


@pytest.fixture(scope="module")
def base(server: str) -> str:
    return server.removesuffix("/api")


def flows_named_foreign(base: str) -> list[dict]:
    wanted = json.dumps({"flows": {"name": {"any_": ["foreign"]}}}).encode()
    return json.loads(ask(f"{base}/api/flows/filter", wanted, Content_Type="application/json")[1])


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
# A page sends the last two without asking the server first
@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_page_of_another_site_cannot_post(base: str, origin: str, kind: str) -> None:
    path, body = STARTS_A_RUN
    status, text, headers = ask(base + path, body, Origin=origin, Content_Type=kind)
    assert (status, "this machine" in text) == (403, True)
    assert "access-control-allow-origin" not in {name.lower() for name in headers}
    assert flows_named_foreign(base) == []


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("path", ["/api/health", "/ui-settings", "/", "/v2/"])
def test_a_page_of_another_site_cannot_read(base: str, origin: str, path: str) -> None:
    assert ask(base + path, Origin=origin)[0] == 403


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/api/health", "/ui-settings", "/"])
def test_requests_with_another_host_name_are_refused(base: str, host: str, path: str) -> None:
    assert ask(base + path, Host=host)[0] in (400, 403)


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("path", ["events/in", "events/out", "logs/out"])
def test_a_page_of_another_site_gets_no_web_socket(server: str, origin: str, path: str) -> None:
    address = f"{server.replace('http', 'ws', 1)}/{path}"
    with pytest.raises(InvalidStatus, match="403"), connect(address, origin=origin):  # type: ignore[arg-type]
        pass


def test_programs_and_the_servers_own_pages_are_answered(base: str) -> None:
    port = urlparse(base).port
    assert ask(f"{base}/api/health")[0] == 200
    for own in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        status, _, headers = ask(f"{base}/api/health", Origin=own)
        assert (status, headers["access-control-allow-origin"]) == (200, own)
        assert ask(f"{base}/api/health", Host=urlparse(own).netloc)[0] == 200
    with connect(f"ws://127.0.0.1:{port}/api/events/in", origin=base):  # type: ignore[arg-type]
        pass


def test_the_ui_has_the_address_of_its_server_and_cannot_be_framed(base: str) -> None:
    status, text, headers = ask(f"{base}/ui-settings")
    assert (status, json.loads(text)["api_url"]) == (200, f"{base}/api")
    assert headers["x-frame-options"] == "DENY"
