"""Runs the crawler, and puts what it fetched under DVC. Needs no Prefect, so that a crawl by hand
begins at once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from patina.errors import ServiceError
from patina.flows.places import HARVEST, HTTP
from patina.flows.supervisor import supervised
from patina.params import Crawl
from patina.tasks.io.progress import progress_elsewhere, timed_lines

TRY_LATER = 75  # what crawler.run ends with when the museum or the network was at fault
OF_SOURCE = {"sample": ("works", "seed"), "folder": ("folder",)}
OF_MUSEUM = ("contact", "delay_s")


class CrawlError(ServiceError):
    """The crawl failed; the crawler has said why."""


class TryLaterError(CrawlError):
    """It failed for a reason that may pass: the museum's or the network's."""


def gather(params: Crawl, harvest: Path, *options: str) -> dict[str, Any]:
    """Run the spider in a process of its own; returns what it counted.

    options: further ones of `python -m crawler.run`.
    Raises TryLaterError or CrawlError when it fails, or files no work.
    """
    asked = params.model_dump(include=set(OF_SOURCE.get(params.source, OF_MUSEUM)))
    asked |= {"source": params.source, "out": harvest, "cache": HTTP / params.source}
    with tempfile.TemporaryDirectory() as folder:
        stats, selection = Path(folder) / "stats.json", Path(folder) / "selection.json"
        asked |= {"stats": stats}
        if params.is_museum:
            selection.write_text(json.dumps(asdict(params.selection)), encoding="utf-8")
            asked |= {"selection": selection}
        told = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
        command = [sys.executable, "-m", "patina.crawler.run", *told, *options]
        with supervised(command) as crawler, progress_elsewhere():
            code = crawler.wait()
        if code:
            kind = TryLaterError if code == TRY_LATER else CrawlError
            raise kind(f"crawl: {params.source} was not collected to its end; see the lines above")
        return json.loads(stats.read_bytes())


def fetch(params: Crawl, options: Sequence[str] = (), *, push: bool = False) -> dict[str, Any]:
    """Bring the harvest of a museum up to date and put it under DVC; returns what was counted."""
    harvest = HARVEST / params.source
    counted = gather(params, harvest, *options)
    if "--dry-run" not in options:
        keep(harvest, push=push)
    return counted


def keep(harvest: Path, *, push: bool) -> None:
    """Put the harvest under DVC; with `push`, copy it to the remote. Raises CrawlError."""
    for command in [["add", str(harvest)], *([["push", f"{harvest}.dvc"]] if push else [])]:
        call = [sys.executable, "-m", "dvc", *command, "--quiet"]
        with timed_lines(f"dvc {command[0]} {command[1]}"):
            done = subprocess.run(call, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise CrawlError(f"crawl: dvc {command[0]} {command[1]}: {done.stderr.strip()}")
