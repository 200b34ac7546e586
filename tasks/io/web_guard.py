"""Protects a local server against requests of other web sites and under other host names."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

NO_FRAMES = (  # no other page may embed it and trick the user into clicking its buttons
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """An ASGI application that passes only trusted requests to `app`.

    A request is trusted if its Host is one of the server's names, and its Origin, if it has one, is
    a page of the server. Programs send no Origin. All other requests get the status 403.
    """

    def __init__(self, app: App, names: Iterable[str], refused: bytes, policy: bytes) -> None:
        """Wrap `app`.

        names: the allowed values of Host, with the port. refused: the text of the response 403.
        policy: the Content-Security-Policy of all responses.
        """
        self.app, self.refused = app, refused
        self.hosts = {name.encode() for name in names}
        self.origins = {b"http://" + name for name in self.hosts}
        self.added = (*NO_FRAMES, (b"content-security-policy", policy))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection; the interface of ASGI."""
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
        """Whether Host appears once and is a name of this server, and Origin is absent or its
        own.
        """
        hosts = [value for name, value in headers if name == b"host"]
        asking = {value for name, value in headers if name == b"origin"}
        return len(hosts) == 1 and hosts[0] in self.hosts and asking <= self.origins

    def _with_headers(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.added]
            await send(message)

        return sent
