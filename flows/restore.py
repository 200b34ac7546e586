"""A folder of scans -> restored scans with sidecars; the deployment `restore/batch` runs it too."""

from functools import lru_cache
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

import params as params_file
from flows.batches import BATCH, progress
from flows.places import DEGRADED, RESTORED
from params import Restore
from tasks.files import Record
from tasks.filing import Filing
from tasks.restoring import chosen_model, held, load_restorer, plan, restore_scans, summed_up
from tasks.treating import Restorer

SHOWN = 200  # scans that were set aside or flagged, in the artifact


@flow(name="restore")
def restore(
    inbox: Path = DEGRADED / "images/test",
    outbox: Path = RESTORED,
    model: Path | None = None,
    maps: bool = False,
    package: bool = False,
    params: Restore | None = None,
) -> Path:
    """Restore every image under `inbox` into `outbox`; files that cannot be are set aside.

    Their names and reasons are in `outbox`/failures.jsonl, all outcomes in summary.csv and in an
    artifact of the run. Done ones are not done again.
    model: the champion, else the shipped one, unless given.
    maps, package: what is filed beside each result, see `tasks.filing.Filing`.
    params: the section of params.yaml, unless given.
    """
    params = params or params_file.load().restore
    model = chosen_model(model)
    filing = Filing(maps=maps, package=package, **params.flags)
    scans = plan([inbox], outbox)
    outcomes: list[Record] = []
    with held(outbox), progress() as bar:
        shown = bar.add_task("restore", total=len(scans), note="")
        for start in range(0, len(scans), BATCH):
            chunk = scans[start : start + BATCH]
            outcomes += restore_chunk(chunk, model, params, filing)
            bar.advance(shown, len(chunk))
        told = summed_up(outcomes, outbox)
    worth_a_look = [each for each in outcomes if each.get("reason") or each.get("flags")]
    create_table_artifact(worth_a_look[:SHOWN], key="restore", description=told)
    print(told)  # noqa: T201 -- the stage's one line
    return outbox


@task(name="restore", cache_policy=NO_CACHE)
def restore_chunk(
    scans: list[tuple[Path, Path]], model: Path, params: Restore, filing: Filing
) -> list[Record]:
    """Restore some scans; the record of one that cannot be restored says why."""
    return list(restore_scans(scans, restorer_of(model, params), filing))


@lru_cache(maxsize=1)
def restorer_of(model: Path, params: Restore) -> Restorer:
    """The network of `model`, loaded once for all chunks."""
    return load_restorer(model, **params.applied)
