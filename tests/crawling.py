"""Runs crawls of a museum's replay, each in its own process."""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from replay.serving import Replay, Request

ROOT = Path(__file__).resolve().parents[1]
FREE = range(101, 108)
CONTACT = "crawl@example.org"
PYTHON = (sys.executable, "-W", "error")
STARTING = threading.Lock()  # crawls that run at the same time share one server
Start = TypeVar("Start")  # the start of a scene: a kind of museum, or an earlier crawl


class Crawl(NamedTuple):
    """A crawl that has ended."""

    museum: Replay
    folder: Path
    code: int
    said: str
    error: str
    asked: list[Request]  # the requests of this crawl
    stats: dict[str, Any]

    def rows(self, name: str) -> dict[str, dict[str, Any]]:
        """The rows of a file of the harvest, by id."""
        lines = (self.folder / name).read_bytes().splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}

    def works(self, kind: str) -> list[int]:
        """The numbers of the requested works, sorted, once for each request."""
        return sorted(request.number for request in self.asked if request.kind == kind)

    def sent(self, kind: str) -> list[int]:
        """As `works`, without the responses "not modified"."""
        asked = (one for one in self.asked if one.kind == kind and one.status != 304)
        return sorted(request.number for request in asked)

    def filed(self) -> set[int]:
        """The numbers of the saved works."""
        return {self.museum.number(work) for work in self.rows("manifest.jsonl")}

    def reason(self, number: int) -> str:
        """Why work `number` was rejected."""
        return self.rows("rejected.jsonl")[self.id(number)]["reason"]

    def id(self, number: int) -> str:
        """The id of work `number` in the harvest."""
        return self.museum.id(number)


class Ended(NamedTuple):
    """The exit code of a crawl, and its standard output and standard error."""

    code: int
    said: str
    error: str


def command(museum: Replay, folder: Path, *options: object) -> list[str]:
    """The command line of a crawl of the museum."""
    return [*PYTHON, "-m", "patina.crawler.run", *arguments(museum, folder, *options)]


def arguments(museum: Replay, folder: Path, *options: object) -> list[str]:
    """The arguments of a crawl of the museum."""
    words = ["--source", museum.source, "--out", str(folder)]
    words += ["--replay-origin", museum.origin, "--contact", CONTACT]
    if "--line-every-s" not in options:
        words += ["--line-every-s", "3600"]  # no lines of progress, even on a slow machine
    asked = [] if "--query" in options else museum.asking()
    return [*words, *asked, *map(str, options)]


@cache
def crawl_server() -> str:
    """Start a process that runs crawls until this process ends; return its socket."""
    folder = tempfile.mkdtemp(prefix="crawls-")
    atexit.register(shutil.rmtree, folder)
    address = f"{folder}/socket"
    server = subprocess.Popen(
        [*PYTHON, str(ROOT / "tests/crawl_server.py"), address],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
    )
    assert server.stdout
    atexit.register(server.wait)
    atexit.register(server.kill)
    assert server.stdout.readline() == b"ready\n"
    return address


def run(*words: str) -> Ended:
    """Run `python -W error -m patina.crawler.run WORDS` in its own process."""
    with (
        tempfile.NamedTemporaryFile() as said,
        tempfile.NamedTemporaryFile() as error,
        socket.socket(socket.AF_UNIX) as asking,
    ):
        with STARTING:
            address = crawl_server()
        asking.connect(address)
        asked = {"arguments": words, "stdout": said.name, "stderr": error.name}
        asking.sendall(json.dumps(asked | {"environment": dict(os.environ)}).encode() + b"\n")
        code = asking.makefile().readline()
        assert code, f"the crawl was ended: {error.read().decode()}"
        return Ended(int(code), said.read().decode(), error.read().decode())


def crawl(museum: Replay, folder: Path, *options: object) -> Crawl:
    """Crawl the museum into `folder`."""
    before = len(museum.requests)
    stats = folder.with_name(f"{folder.name}.json")
    done = run(*arguments(museum, folder, "--stats", stats, *options))
    counted = json.loads(stats.read_text()) if stats.exists() else {}
    asked = museum.requests[before:]
    return Crawl(museum, folder, done.code, done.said, done.error, asked, counted)


def copied(made: Crawl, folder: Path) -> Path:
    """Copy the harvest of a crawl, and its cached responses, to `folder`."""
    cache = made.folder.with_name(f".{made.folder.name}.http")
    shutil.copytree(cache, folder.with_name(f".{folder.name}.http"))
    return Path(shutil.copytree(made.folder, folder))


def played(
    scenes: Sequence[Callable[[Start, Path], Crawl]], start: Start, folder: Path
) -> dict[str, Crawl]:
    """Run the scenes, two at a time, each in a folder of its name; return the crawls by name."""
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda scene: scene(start, folder / scene.__name__), scenes)
        return {scene.__name__: crawl for scene, crawl in zip(scenes, made, strict=True)}
