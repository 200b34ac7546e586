"""Museums and folders -> original works, verified, with title, licence and source."""

import sys
from pathlib import Path

from prefect import flow

from flows.places import ARTWORKS, HARVEST
from flows.publishing import publish
from flows.supervisor import supervised
from params import Crawl
from tasks.files import read_jsonl, write_jsonl


class CrawlError(RuntimeError):
    """The crawl failed; the crawler has said why."""


@flow(name="crawl")
def crawl(params: Crawl) -> Path:
    """Collect works into the harvest, which a killed run resumes, and file them for DVC."""
    harvest = HARVEST / params.source
    gather(params, harvest)
    found = read_jsonl(harvest / "manifest.jsonl")
    works = [work | {"file": Path(work["file"]).name} for work in found]
    files = [harvest / work["file"] for work in found]
    publish(ARTWORKS, {file.name: file for file in files}, works)
    write_jsonl(ARTWORKS / "rejected.jsonl", read_jsonl(harvest / "rejected.jsonl"))
    return ARTWORKS


def gather(params: Crawl, harvest: Path) -> None:
    """Run the spider in a process of its own: its reactor cannot be started twice in one.

    Raises CrawlError when it fails, or files no work.
    """
    options = {
        "sample": ["--works", str(params.works), "--seed", str(params.seed)],
        "folder": ["--folder", str(Path(params.folder).resolve())],
    }
    command = [sys.executable, "-m", "crawler.run", "--source", params.source]
    with supervised([*command, "--out", str(harvest), *options[params.source]]) as crawler:
        code = crawler.wait()
    if code:
        raise CrawlError(
            f"crawl: {params.source!r} was not collected to its end; see the lines above"
        )
