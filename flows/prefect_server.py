"""One Prefect server for as long as it is needed, and never longer."""

import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from patina.errors import ServiceError
from patina.flows.places import CACHE
from patina.flows.supervisor import supervised

START_S = 180


class ServerError(ServiceError):
    """A server did not start."""


@contextmanager
def prefect_server() -> Iterator[str]:
    """Give the URL of a Prefect API: that of PREFECT_API_URL, else of a server started here.

    A server started here is named in PREFECT_API_URL meanwhile, ends with the block, and with this
    process however it ends. Its history is kept under .cache/prefect, unless another server is
    using that: then it is forgotten. Raises ServerError when it does not answer in START_S.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        yield url
        return
    with ExitStack() as stack:
        home, lock = stack.enter_context(_home())
        port = _free_port()
        url = f"http://127.0.0.1:{port}/api"
        server = stack.enter_context(_serving(home, port, lock))
        wait_until_it_answers(f"{url}/health", server, "the Prefect server", home / "server.log")
        os.environ["PREFECT_API_URL"] = url
        stack.callback(os.environ.pop, "PREFECT_API_URL", None)
        yield url


@contextmanager
def _home() -> Iterator[tuple[Path, int]]:
    """The kept home and its lock when it is free, else a temporary one.

    Two servers would fight over one database. The lock is handed on, so that it lasts as long as
    the server, which may need a moment longer than a killed parent.
    """
    kept = CACHE / "prefect"
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="patina-prefect-") as home:
                yield Path(home), lock.fileno()
            return
        yield kept, lock.fileno()


@contextmanager
def _serving(home: Path, port: int, lock: int) -> Iterator[subprocess.Popen]:
    database = f"sqlite+aiosqlite:///{home / 'prefect.db'}"
    environment = os.environ | {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database}
    address = ["--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "prefect", "server", "start", *address]
    with (
        (home / "server.log").open("wb") as log,
        supervised(command, stdout=log, stderr=log, env=environment, pass_fds=(lock,)) as server,
    ):
        yield server


def wait_until_it_answers(url: str, server: subprocess.Popen, name: str, log: Path) -> None:
    """Return when something answers at `url`.

    Raises ServerError, with the end of `log`, when `server` ends or START_S are over before.
    """
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)  # between questions; the answer decides
    raise ServerError(f"{name} did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
