"""A server on this machine that answers no foreign page, and no name but its own."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

FRAMED_BY_NONE = (  # no other page may frame it, and have its buttons clicked unseen
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application that passes on to `app` what came by an own name, from an own page.

    Everything else is answered with 403, before `app` learns of it. Programs send no Origin.
    """

    def __init__(self, app: App, names: Iterable[str], refused: bytes, policy: bytes) -> None:
        """names: what the server may be called in Host, with its port. refused: what others are
        told. policy: what its pages may load, as Content-Security-Policy."""
        self.app, self.refused = app, refused
        self.hosts = {name.encode() for name in names}
        self.origins = {b"http://" + name for name in self.hosts}
        self.added = (*FRAMED_BY_NONE, (b"content-security-policy", policy))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self.trusts(scope["headers"]):
            await self.app(scope, receive, self._with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before accepting: a 403
        else:
            plain = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": plain})
            await send({"type": "http.response.body", "body": self.refused})

    def trusts(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the request names this server once, and no foreign page as its origin."""
        hosts = [value for name, value in headers if name == b"host"]
        asking = {value for name, value in headers if name == b"origin"}
        return len(hosts) == 1 and hosts[0] in self.hosts and asking <= self.origins

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.added]
            await send(message)

        return sent
