"""Prefect's server on loopback, which answers none but this machine's own pages and programs.

Prefect checks neither Host nor Origin: any page in a browser on this machine could start runs (a
POST needs no CORS preflight) and, by a name that resolves to 127.0.0.1, read the answers. Here
both are checked before Prefect sees a request, those for WebSockets included.
`python -m patina.flows.guarded_server PORT`.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_S = 5
REFUSED = b"Patina's Prefect server answers only pages and programs of this machine.\n"
HEADERS = (  # no other page may frame the UI, and have its buttons clicked unseen
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def names(port: int) -> tuple[str, str]:
    """What a server on loopback may be called in Host."""
    return f"{LOOPBACK}:{port}", f"localhost:{port}"


def origins(port: int) -> tuple[str, ...]:
    """The origins of pages that it may answer: its own."""
    return tuple(f"http://{name}" for name in names(port))


class Guard:
    """An ASGI application that passes on to `app` what came by an own name, from an own page.

    Everything else is answered with 403, before `app` learns of it. Programs send no Origin.
    """

    def __init__(self, app: App, port: int) -> None:
        self.app = app
        self.hosts = {name.encode() for name in names(port)}
        self.origins = {origin.encode() for origin in origins(port)}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self.trusts(scope["headers"]):
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before accepting: a 403
        else:
            plain = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": plain})
            await send({"type": "http.response.body", "body": REFUSED})

    def trusts(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the request names this server once, and no foreign page as its origin."""
        hosts = [value for name, value in headers if name == b"host"]
        asking = {value for name, value in headers if name == b"origin"}
        return len(hosts) == 1 and hosts[0] in self.hosts and asking <= self.origins


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return sent


def main() -> None:
    """Serve on the port that is named, until ended."""
    import uvicorn
    from prefect.server.api.server import create_app

    port = int(sys.argv[1])
    uvicorn.run(
        Guard(create_app(final=True), port),
        host=LOOPBACK,
        port=port,
        timeout_keep_alive=KEEP_ALIVE_S,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
