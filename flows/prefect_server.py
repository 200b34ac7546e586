"""Starts one Prefect server for as long as it is needed."""

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
from patina.flows.guarded_server import LOOPBACK, origins
from patina.flows.places import CACHE
from patina.flows.supervisor import supervised
from patina.tasks.io.progress import timed_lines

START_S = 300  # maximum time for the start, on a very busy machine


class ServerError(ServiceError):
    """A server did not start."""


@contextmanager
def prefect_server() -> Iterator[str]:
    """The URL of a Prefect API: that of PREFECT_API_URL, or else of a server started here.

    A server started here is in PREFECT_API_URL during the block. It ends with the block, and with
    this process in any case. It accepts only pages and programs of this machine, see
    `guarded_server`. Its history is in .cache/prefect, readable by this user only; if another
    server uses that folder, the history is temporary. Raises ServerError if the server does not
    respond within START_S.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        yield url
        return
    with ExitStack() as stack:
        home, lock = stack.enter_context(_home())
        port = _free_port()
        url = f"http://{LOOPBACK}:{port}/api"
        server = stack.enter_context(_serving(home, port, url, lock))
        wait_until_it_answers(f"{url}/health", server, "the Prefect server", home / "server.log")
        os.environ["PREFECT_API_URL"] = url
        stack.callback(os.environ.pop, "PREFECT_API_URL", None)
        yield url


@contextmanager
def _home() -> Iterator[tuple[Path, int]]:
    """The permanent home with its lock, if it is free, or else a temporary one.

    Two servers would fight over one database. The server inherits the lock, so that the lock lasts
    as long as the server, which can outlive a killed parent for a moment.
    """
    import fcntl  # flows need Unix

    kept = CACHE / "prefect"
    kept.mkdir(parents=True, exist_ok=True)
    kept.chmod(0o700)
    with (kept / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with tempfile.TemporaryDirectory(prefix="patina-prefect-") as home:
                yield Path(home), lock.fileno()
            return
        yield kept, lock.fileno()


@contextmanager
def _serving(home: Path, port: int, url: str, lock: int) -> Iterator[subprocess.Popen]:
    settings = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_UI_API_URL": url,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins(port)),
    }
    command = [sys.executable, "-m", "patina.flows.guarded_server", str(port)]
    with (
        (home / "server.log").open("wb") as log,
        supervised(
            command, stdout=log, stderr=log, env=os.environ | settings, pass_fds=(lock,)
        ) as server,
    ):
        yield server


def wait_until_it_answers(url: str, server: subprocess.Popen, name: str, log: Path) -> None:
    """Return when a server responds at `url`.

    Raises ServerError, with the end of `log`, if `server` ends, or after START_S.
    """
    deadline = time.monotonic() + START_S
    with timed_lines(f"{name} starts"):
        while server.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)  # between two requests
    raise ServerError(f"{name} did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
