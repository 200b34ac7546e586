"""Runs the crawler, and adds the harvest to DVC.

It does not import Prefect, so that `patina crawl` starts at once.
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

TRY_LATER = 75  # exit code of crawler.run after an error of the museum or the network
OF_SOURCE = {"sample": ("works", "seed"), "folder": ("folder",)}
OF_MUSEUM = ("contact", "delay_s")


class CrawlFlowError(ServiceError):
    """The crawl failed; the crawler has printed the reason."""


class TryLaterError(CrawlFlowError):
    """The crawl failed because of the museum or the network; it may succeed later."""


def gather(params: Crawl, harvest: Path, *options: str) -> dict[str, Any]:
    """Run the crawler in a separate process; return its counters.

    options: further options of `python -m patina.crawler.run`.
    Raises TryLaterError or CrawlFlowError if it fails, or saves no work.
    """
    asked = params.model_dump(include=set(OF_SOURCE.get(params.source, OF_MUSEUM)))
    asked |= {"source": params.source, "out": harvest, "cache": HTTP / params.source}
    with tempfile.TemporaryDirectory() as folder:
        stats, selection = Path(folder) / "stats.json", Path(folder) / "selection.json"
        asked |= {"stats": stats}
        if params.is_museum:
            selection.write_text(json.dumps(asdict(params.selection)), encoding="utf-8")
            asked |= {"selection": selection}
        given = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
        command = [sys.executable, "-m", "patina.crawler.run", *given, *options]
        with supervised(command) as crawler, progress_elsewhere():
            code = crawler.wait()
        if code:
            kind = TryLaterError if code == TRY_LATER else CrawlFlowError
            raise kind(
                f"crawl: {params.source} was not collected completely; the reason is printed above"
            )
        return json.loads(stats.read_bytes())


def fetch(params: Crawl, options: Sequence[str] = (), *, push: bool = False) -> dict[str, Any]:
    """Update the harvest of a museum and add it to DVC; return the counters of the crawl."""
    harvest = HARVEST / params.source
    counted = gather(params, harvest, *options)
    if "--dry-run" not in options:
        add_to_dvc(harvest, push=push)
    return counted


def add_to_dvc(harvest: Path, *, push: bool) -> None:
    """Add the harvest to DVC. push: also copy it to the remote.

    Raises CrawlFlowError if DVC fails.
    """
    for command in [["add", str(harvest)], *([["push", f"{harvest}.dvc"]] if push else [])]:
        call = [sys.executable, "-m", "dvc", *command, "--quiet"]
        with timed_lines(f"dvc {command[0]} {command[1]}"):
            done = subprocess.run(call, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise CrawlFlowError(f"crawl: dvc {command[0]} {command[1]}: {done.stderr.strip()}")
