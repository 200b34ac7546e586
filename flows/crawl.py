"""Museums and folders -> original works, verified, with title, licence and source.

The stage files what is there and asks no museum: that is for `patina crawl` and the deployment
`crawl/nightly`, whose harvests it finds under DVC.
"""

from pathlib import Path
from typing import Any

from prefect import Task, flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

import params as params_file
from flows.harvesting import CrawlError, TryLaterError, fetch, gather
from flows.places import ARTWORKS, HARVEST, LOCAL_HARVEST
from flows.publishing import publish
from params import Crawl
from tasks.files import read_jsonl, write_jsonl


@flow(name="crawl")
def crawl(
    params: Crawl | None = None,
    from_museum: bool = False,
    push: bool = False,
    replay_origin: str = "",
) -> Path:
    """File the works of the source for DVC; with `from_museum`, bring its harvest up to date.

    params: the section of params.yaml, unless given. push: copy the harvest to DVC's remote.
    replay_origin: a server on this machine that answers instead of the museum.
    """
    params = params or params_file.load().crawl
    if from_museum and not params.is_museum:
        raise CrawlError(f"crawl: {params.source!r} is no museum; set crawl.source to one")
    if from_museum:
        options = (f"--replay-origin={replay_origin}",) if replay_origin else ()
        report(fetch_harvest(params, options, push))
        return HARVEST / params.source
    return file_works(harvests_of(params))


def may_pass(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether the failure was the museum's or the network's: another one would only repeat."""
    return isinstance(state.result(raise_on_failure=False), TryLaterError)


@task(
    name="fetch",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[600, 3600],
    retry_condition_fn=may_pass,
)
def fetch_harvest(params: Crawl, options: tuple[str, ...], push: bool) -> dict[str, Any]:
    """Ask the museum, and ask again later when it or the network was at fault."""
    return fetch(params, options, push=push)


def harvests_of(params: Crawl) -> list[Path]:
    """Where the works of the source lie; those on this machine are gathered first.

    Raises CrawlError when a museum's works were not fetched before.
    """
    if params.source in ("sample", "folder"):
        report(gather(params, LOCAL_HARVEST / params.source))
        return [LOCAL_HARVEST / params.source]
    museum = "*" if params.source == "harvest" else params.source
    found = sorted(path.parent for path in HARVEST.glob(f"{museum}/manifest.jsonl"))
    if not found:
        raise CrawlError(f"crawl: no works for {params.source!r} yet: run `patina crawl` first")
    return found


def file_works(harvests: list[Path]) -> Path:
    """Publish the sound works of harvests as the stage's out."""
    found = [(one, work) for one in harvests for work in read_jsonl(one / "manifest.jsonl")]
    works = [work | {"file": Path(work["file"]).name} for _, work in found]
    files = {Path(work["file"]).name: harvest / work["file"] for harvest, work in found}
    publish(ARTWORKS, files, sorted(works, key=lambda work: work["id"]))
    rejected = [work for one in harvests for work in read_jsonl(one / "rejected.jsonl")]
    write_jsonl(ARTWORKS / "rejected.jsonl", rejected)
    return ARTWORKS


def report(counted: dict[str, Any]) -> None:
    """Leave what a crawl counted as a table in Prefect's UI."""
    rows = []
    for name, value in counted.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        rows += [{"what": f"{name} {part}".strip(), "count": str(count)} for part, count in parts]
    create_table_artifact(rows, key="crawl", description=f"Crawl of {counted['source']}")
