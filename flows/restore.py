"""A folder of scans -> restored scans with sidecars; the deployment `restore/batch` runs it too."""

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import Task, flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from patina import params as params_file
from patina.flows.batches import CLUSTER, cluster, compute, cut, progress
from patina.flows.places import DEGRADED, RESTORED
from patina.params import Restore
from patina.tasks.io.atomic import Record
from patina.tasks.io.storage import Place, place_of
from patina.tasks.restoration.batch import (
    chosen_model,
    held,
    load_restorer,
    plan,
    restore_scans,
    speed,
    summary_in,
    summed_up,
)
from patina.tasks.restoration.iiif import served
from patina.tasks.restoration.options import applied
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import Filing

CHUNK = 16  # scans in a task, at most: they take seconds each
SHOWN = 200  # scans that were set aside or flagged, in the artifact


@flow(name="restore", task_runner=cluster())
def restore(
    inbox: str | Path = DEGRADED / "images/test",
    outbox: str | Path = RESTORED,
    model: Path | None = None,
    treat: str = "",
    force: str = "",
    strength: float | str = 1.0,
    protect: Path | None = None,
    quality: str = "fast",
    precision: str = "auto",
    recursive: bool = True,
    keep_format: bool = False,
    maps: bool = False,
    package: bool = False,
    iiif: bool = False,
    iiif_base: str = "",
    report: bool = True,
    params: Restore | None = None,
) -> str | Path:
    """Restore every image under `inbox` into `outbox`; files that cannot be are set aside.

    Their names and reasons are in `outbox`/failures.jsonl, all outcomes in summary.csv and in an
    artifact of the run. Done ones are not done again.
    inbox, outbox: folders here, or addresses such as s3://bucket/prefix.
    model: the champion, else the shipped one, unless given.
    treat, force, strength: what is treated (as params says, unless given), what of it is known to
    be needed, and how much of it is done, see `tasks.restoration.options`.
    protect, maps, package: see `sidecars.Filing` there. quality, precision: see `batch` there.
    recursive: folders within folders, too. keep_format: JPEG and WebP stay such.
    iiif, iiif_base: tiles and manifests for IIIF viewers, and where they are served, see `iiif`.
    report: write report.html, a page that shows each work before and after.
    params: the section of params.yaml, unless given.
    """
    params = params or params_file.load().restore
    model = chosen_model(model)
    asked = applied(treat, force, str(strength)) | {"quality": quality, "precision": precision}
    out, places = place_of(outbox), [place_of(inbox)]
    where = served(places, out, iiif_base) if iiif or iiif_base else None
    filing = Filing(
        maps=maps or bool(where),
        package=package,
        protect=protect,
        iiif=where,
        report=out if report else None,
        **params.flags,
    )
    scans = plan(places, out, recursive=recursive, keep_format=keep_format)
    with held(out), summary_in(out, report=report) as outcomes:
        shared = model, params.applied | asked, filing
        if CLUSTER:
            outcomes += compute(restore_chunk, scans, *shared, most=CHUNK)
        else:
            one_after_the_other(outcomes, restore_chunk, scans, *shared)
    told = summed_up(outcomes, out)
    worth_a_look = [each for each in outcomes if each.get("reason") or each.get("flags")]
    create_table_artifact(worth_a_look[:SHOWN], key="restore", description=told)
    print(told)  # noqa: T201 -- the stage's one line
    return outbox


def one_after_the_other(
    outcomes: list[Record], task: Task[..., list[Record]], scans: Sequence[Any], *shared: Any
) -> None:
    """As `compute`, in this process, which takes all its cores; adds to `outcomes` in turn."""
    megapixels, started = 0.0, time.monotonic()
    with progress() as bar:
        shown = bar.add_task("restore", total=len(scans), note="")
        for chunk in cut(scans, CHUNK):
            restored = task(chunk, *shared)
            outcomes += restored
            megapixels += sum(each.get("megapixels", 0) for each in restored)
            bar.update(shown, advance=len(chunk), note=speed(megapixels, started))


@task(name="restore", cache_policy=NO_CACHE)
def restore_chunk(
    scans: list[tuple[Place, Place]], model: Path, applied: Record, filing: Filing
) -> list[Record]:
    """Restore some scans; the record of one that cannot be restored says why."""
    return list(restore_scans(scans, restorer_of(model, hashable(applied)), filing))


Items = tuple[tuple[str, Any], ...]


def hashable(applied: Record) -> Items:
    """What `load_restorer` takes, gates included, as `restorer_of` takes it."""
    return tuple((name, _items(value)) for name, value in applied.items())


def _items(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


@lru_cache(maxsize=1)
def restorer_of(model: Path, applied: Items) -> Restorer:
    """The networks of `model`, loaded once for all chunks."""
    asked = dict(applied)
    return load_restorer(model, **asked | {"gates": dict(asked["gates"])})
