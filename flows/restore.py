"""A folder of scans -> restored scans with sidecars; the deployment `restore/batch` runs it too."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import Task, flow, task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.states import Completed, State

from patina import params as params_file
from patina.flows.batches import CLUSTER, cluster, compute, cut, named, numbered
from patina.flows.places import DEGRADED, RESTORED
from patina.flows.reporting import address, counting, log, plain, say, table
from patina.params import Restore
from patina.tasks.io.atomic import Record
from patina.tasks.io.progress import EVERY_S
from patina.tasks.io.storage import Place, place_of
from patina.tasks.restoration.advance import Step
from patina.tasks.restoration.batch import load_restorer, restore_scans, speed, summed_up
from patina.tasks.restoration.request import Device, Job, Precision, Quality, RestoreRequest, run
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import Filing

CHUNK = 16  # scans in a task, at most: they take seconds each


def run_name() -> str:
    """What a run is called: after its inbox, without a password in its address."""
    return f"restore {address(flow_run.parameters['inbox'])}"


@flow(name="restore", flow_run_name=run_name, task_runner=cluster())
def restore(
    inbox: str | Path = DEGRADED / "images/test",
    outbox: str | Path = RESTORED,
    model: Path | None = None,
    treat: str = "",
    force: str = "",
    strength: float | str = 1.0,
    limit_fill: str = "",
    mask: Path | None = None,
    protect: Path | None = None,
    quality: Quality = "fast",
    precision: Precision = "auto",
    device: Device = "",
    recursive: bool = True,
    keep_format: bool = False,
    maps: bool = False,
    package: bool = False,
    iiif: bool = False,
    iiif_base: str = "",
    report: bool = True,
    params: Restore | None = None,
) -> str | Path | State[str | Path]:
    """Restore every image under `inbox` into `outbox`; files that cannot be are set aside.

    Their names and reasons are in `outbox`/failures.jsonl, all outcomes in summary.csv, those that
    are worth a look in a table of the run. Done ones are not done again.

    Args:
        inbox: The folder of scans, or one scan: here, or an address such as s3://bucket/prefix.
        outbox: The folder for the results: here, or an address such as s3://bucket/prefix.
        model: A model; else the champion, else the one that is shipped.
        treat: The treatments to apply, with commas between; what params.yaml says if empty.
        force: Treatments that the works are known to need; they are applied in full.
        strength: How strongly to apply the treatments, 0 to 1, for all or for each: damage:0.5.
        limit_fill: The largest area to fill without being asked for, of the work: 0.5% or 0.005.
        mask: A mask, or a folder of masks named as the scans: what is not black is filled.
        protect: A mask, or a folder of masks named as the scans: what is not black stays as it is.
        quality: fast, or best: the mean over mirror images, four times as long.
        precision: f32, bf16, or auto: bf16 where the CPU has it.
        device: CPU, GPU (one of Intel), or AUTO: that, if there is one; empty: as params.yaml says.
        recursive: Folders within folders, too.
        keep_format: JPEG stays JPEG, WebP stays WebP; else they become TIFF.
        maps: File a map of the damage and one of the change, too.
        package: File what `patina undo` needs, too.
        iiif: File tiles and manifests for IIIF viewers, too.
        iiif_base: The address at which the outbox will be served; implies iiif.
        report: Write report.html, a page that shows each work before and after.
        params: The section restore of params.yaml, unless given.

    Returns the outbox. The run's state says how many scans were set aside.
    """
    request = RestoreRequest(
        (str(inbox),),
        str(outbox),
        treat=treat,
        force=force,
        strength=strength if isinstance(strength, str) else f"{strength:g}",
        limit_fill=limit_fill,
        mask=str(mask or ""),
        protect=str(protect or ""),
        model=str(model or ""),
        quality=quality,
        precision=precision,
        device=device,
        recursive=recursive,
        keep_format=keep_format,
        maps=maps,
        package=package,
        iiif=iiif,
        iiif_base=iiif_base,
        report=report,
    )
    outcomes = [*run(request, params or params_file.load().restore, in_batches)]
    out = place_of(outbox)
    say(told := summed_up(outcomes, out))
    show(outcomes, out, told)
    failed = sum("reason" in outcome for outcome in outcomes)
    if failed:
        return Completed(name=f"{failed} set aside", message=plain(told), data=outbox)
    return outbox


def in_batches(job: Job) -> Iterator[Record]:
    """The outcomes of a job, a task for each CHUNK of its scans: here, or on a cluster."""
    shared = job.model, job.loading, job.filing
    if CLUSTER:
        yield from compute(restore_chunk, job.scans, *shared, most=CHUNK)
    else:
        yield from one_after_the_other(restore_chunk, job.scans, *shared)


def show(outcomes: Sequence[Record], outbox: Place, told: str) -> None:
    """Leave a table of the scans that are worth a look, and the way to the outbox's report."""
    look = [each for each in outcomes if each.get("reason") or each.get("flags")]
    rows = [
        {
            "scan": each["file"],
            "outcome": each["outcome"],
            "why": each.get("reason") or ", ".join(each["flags"]),
        }
        for each in look
    ]
    table(rows, key="restore", description=told)
    if isinstance(outbox, Path) and (report := outbox.resolve() / "report.html").exists():
        create_link_artifact(report.as_uri(), key="restore-report", link_text=str(report))


def one_after_the_other(
    task: Task[..., list[Record]], scans: Sequence[Any], *shared: Any
) -> Iterator[Record]:
    """As `compute`, in this process, which takes all its cores; outcomes come in turn."""
    megapixels, started = 0.0, time.monotonic()
    with counting("restore", len(scans)) as counter:
        for span, chunk in numbered(cut(scans, CHUNK)):
            outcomes = named(task, span)(chunk, *shared)
            yield from outcomes
            megapixels += sum(each.get("megapixels", 0) for each in outcomes)
            counter.add(outcomes, speed(megapixels, started))


@task(name="restore", cache_policy=NO_CACHE)
def restore_chunk(
    scans: list[tuple[Place, Place]], model: Path, applied: Record, filing: Filing
) -> list[Record]:
    """Restore some scans; the record of one that cannot be restored says why."""
    restorer = replace(restorer_of(model, hashable(applied)), hear=Logged())
    return list(restore_scans(scans, restorer, filing))


class Logged:
    """Logs how far the work on a large scan is, at most every ten seconds."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, step: Step) -> None:
        """A step goes on."""
        if time.monotonic() - self.last >= EVERY_S:
            self.last = time.monotonic()
            log(f"restore: {step}")


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
