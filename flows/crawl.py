"""Collects original works of museums and folders, verified, with title, licence and source.

The stage uses fetched works and sends no request to a museum. `patina crawl` and the deployment
`crawl/nightly` fetch works into harvests under DVC, which the stage then finds.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from patina import params as params_file
from patina.flows.batches import BATCH, cut
from patina.flows.crawl_process import CrawlFlowError, TryLaterError, fetch, gather
from patina.flows.messages import log, table
from patina.flows.places import ARTWORKS, CACHE, HARVEST, LOCAL_HARVEST
from patina.flows.publishing import publish
from patina.formats import COLLECTED_SUFFIXES
from patina.params import Crawl
from patina.tasks.io.atomic import read_jsonl, write_jsonl
from patina.tasks.io.progress import Progress
from patina.tasks.io.storage import inside

LOCAL = LocalFileSystem()


@flow(name="crawl")
def crawl(
    params: Crawl | None = None,
    from_museum: bool = False,
    push: bool = False,
    replay_origin: str = "",
) -> Path:
    """Collect the works of the source for DVC; with `from_museum`, fetch from the museum instead.

    params: the default is the section of params.yaml. push: copy the harvest to DVC's remote.
    replay_origin: a server on this machine that replaces the museum.
    """
    params = params or params_file.load().crawl
    if from_museum and not params.is_museum:
        raise CrawlFlowError(f"crawl: {params.source!r} is not a museum; set crawl.source to one")
    if from_museum:
        options = (f"--replay-origin={replay_origin}",) if replay_origin else ()
        report(fetch_harvest(params, options, push))
        return HARVEST / params.source
    return file_works(harvests_of(params))


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a retry makes sense: the museum or the network caused the failure."""
    return isinstance(state.result(raise_on_failure=False), TryLaterError)


@task(
    name="fetch",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[600, 3600],
    retry_condition_fn=may_pass,
)
def fetch_harvest(params: Crawl, options: tuple[str, ...], push: bool) -> dict[str, Any]:
    """Fetch from the museum; retry later after an error of the museum or the network."""
    return fetch(params, options, push=push)


def harvests_of(params: Crawl) -> list[Path]:
    """The folders with the works of the source; local sources are collected first.

    Raises CrawlFlowError if the works of a museum have not been fetched.
    """
    if params.source in ("sample", "folder"):
        if params.source == "folder" and "://" in params.folder:
            params = params.model_copy(update={"folder": str(mirror(params.folder))})
        report(gather(params, LOCAL_HARVEST / params.source))
        return [LOCAL_HARVEST / params.source]
    museum = "*" if params.source == "harvest" else params.source
    found = sorted(path.parent for path in HARVEST.glob(f"{museum}/manifest.jsonl"))
    if not found:
        raise CrawlFlowError(f"crawl: no works for {params.source!r} yet; run `patina crawl` first")
    return found


def mirror(url: str, scans: Path = CACHE / "scans") -> Path:
    """Download the images of a folder such as s3://bucket/prefix; returns the local folder.

    Only files with another size or time are downloaded; files that no longer exist there are
    removed. Raises CrawlFlowError if the folder cannot be read.
    """
    folder = scans / hashlib.sha256(url.encode()).hexdigest()[:16]
    try:
        files, root = url_to_fs(url)
        files.invalidate_cache()
        names = [name for name in files.find(root) if name.lower().endswith(COLLECTED_SUFFIXES)]
        if not names:
            raise FileNotFoundError("there is no image file in it")
        there = {folder / inside(name.removeprefix(root)): name for name in names}
        fetch_changed(files, there)
    except Exception as error:  # errors of botocore are not OSErrors, and it may not be installed
        raise CrawlFlowError(f"crawl: {url}: cannot be read: {error}") from error
    for path in [path for path in folder.rglob("*") if path.is_file() and path not in there]:
        path.unlink()
    return folder


def fetch_changed(files: AbstractFileSystem, there: dict[Path, str]) -> None:
    """Download files that differ (local path -> remote name).

    A file gets the time of the original last, so that an interrupted download is repeated.
    """
    changed = [
        (path, name)
        for path, name in there.items()
        if not path.exists() or size_and_time(LOCAL, str(path)) != size_and_time(files, name)
    ]
    if not changed:
        return
    with Progress() as bar:
        shown = bar.add_task("fetch", total=len(changed), note="")
        for batch in cut(changed, BATCH):
            files.get([name for _, name in batch], [str(path) for path, _ in batch])
            for path, name in batch:
                os.utime(path, (size_and_time(files, name)[1],) * 2)
            bar.advance(shown, len(batch))


def size_and_time(files: AbstractFileSystem, name: str) -> tuple[int, int]:
    """The size in bytes, and the time of the last change in seconds."""
    return files.size(name), int(files.modified(name).timestamp())


def file_works(harvests: list[Path]) -> Path:
    """Publish the valid works of the harvests as the output of the stage."""
    found = [(one, work) for one in harvests for work in read_jsonl(one / "manifest.jsonl")]
    works = [work | {"file": Path(work["file"]).name} for _, work in found]
    files = {Path(work["file"]).name: harvest / work["file"] for harvest, work in found}
    publish(ARTWORKS, files, sorted(works, key=lambda work: work["id"]))
    rejected = [work for one in harvests for work in read_jsonl(one / "rejected.jsonl")]
    write_jsonl(ARTWORKS / "rejected.jsonl", rejected)
    log(f"crawl: {len(works)} works of {len(harvests)} harvests, {len(rejected)} set aside")
    return ARTWORKS


def report(counted: dict[str, Any]) -> None:
    """Show the counts of a crawl as a table in Prefect's UI."""
    rows = []
    for name, value in counted.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        rows += [{"what": f"{name} {part}".strip(), "count": str(count)} for part, count in parts]
    log("crawl: " + ", ".join(f"{row['what']} {row['count']}" for row in rows))
    table(rows, key="crawl", description=f"Crawl of {counted['source']}")
