"""A web server on a free port of this machine, for as long as its context lasts."""

import threading
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Loopback(ABC):
    """What museums on this machine are; a subclass says how requests are answered."""

    @abstractmethod
    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The class that answers a request."""

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.server_port}"
