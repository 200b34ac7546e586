"""A Prefect server is started if none is named, and it ends with the process that started it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest

from patina.flows.prefect_server import prefect_server

HOLDER = """
import signal, sys
from patina.flows.prefect_server import prefect_server
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
with prefect_server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""
PATIENCE_S = 60
pytestmark = pytest.mark.server


@contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """A process that holds a server, and the URL of the server.

    test_supervisor tests the other ways in which such a process can end.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PREFECT_API_URL"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env=environment | {"DVC_ROOT": str(folder), "PYTHONPATH": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


def answers(url: str) -> bool:
    address = urlparse(url)
    try:
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5):
            return True
    except ConnectionRefusedError:
        return False


def ends(url: str) -> bool:
    """Whether the server stops responding within PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while answers(url):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)  # between two checks
    return True


def test_each_server_has_its_own_database_and_ends_with_its_parent(tmp_path: Path) -> None:
    with holder(tmp_path) as (one, first), holder(tmp_path) as (other, second):
        assert first != second
        assert answers(first)
        assert answers(second)
        one.kill()
        assert other.stdin
        other.stdin.close()
        assert ends(first)
        assert ends(second)
    assert (tmp_path / ".cache/prefect/prefect.db").exists()
    assert (tmp_path / ".cache/prefect").stat().st_mode & 0o777 == 0o700


def test_a_given_server_is_used_and_not_stopped(server: str) -> None:
    assert os.environ["PREFECT_API_URL"] == server
    with prefect_server() as url:
        assert url == server
    assert answers(server)
