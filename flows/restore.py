"""Restores a folder of scans. The flow is deployed as `restore/batch`."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from prefect import flow, task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.states import Completed, State

from patina import params as params_file
from patina.flows.batches import CLUSTER, cluster, compute, cut, named, numbered
from patina.flows.messages import address, counting, log, plain, say, table
from patina.flows.places import DEGRADED, RESTORED
from patina.params import Restore
from patina.tasks.io.atomic import Record
from patina.tasks.io.progress import EVERY_S
from patina.tasks.io.storage import Place, place_of
from patina.tasks.restoration.batch import load_restorer, restore_scans, run_summary, speed
from patina.tasks.restoration.option_values import Device, Precision, Quality
from patina.tasks.restoration.progress import Step
from patina.tasks.restoration.request import Job, RestoreRequest, run
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.sidecars import OutputOptions

CHUNK = 16  # maximum number of scans in a task


def run_name() -> str:
    """The name of a run: its inbox, without the password of an address."""
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
    stains: Path | None = None,
    quality: Quality = "fast",
    precision: Precision = "auto",
    device: Literal["", Device] = "",
    recursive: bool = True,
    keep_format: bool = False,
    maps: bool = False,
    package: bool = False,
    iiif: bool = False,
    iiif_base: str = "",
    report: bool = True,
    params: Restore | None = None,
) -> str | Path | State[str | Path]:
    """Restore every image in `inbox` into `outbox`.

    A file that cannot be restored is set aside; `outbox`/failures.jsonl has its name and reason.
    summary.csv has all outcomes. A table of the run lists the scans that somebody should inspect.
    Results that exist already are not computed again.

    Args:
        inbox: A folder of scans, or one scan: a local path or an address, s3://bucket/prefix.
        outbox: The folder for results: a local path, or an address such as s3://bucket/prefix.
        model: The model to use. The default is the champion, or else the shipped model.
        treat: The treatments to apply, separated by commas. If empty, restore.treat of params.yaml.
        force: Treatments that you know the works need, of those to apply. They are applied in full.
        strength: How strongly to apply the treatments, 0 to 1, for all or for each: damage:0.5.
        limit_fill: The largest area that is filled automatically, as a share of the work: 0.5%.
        mask: A mask, or a folder of masks with the names of the scans. Patina fills all pixels
            where the mask is not black.
        protect: A mask, or a folder of masks with the names of the scans. Pixels where the mask is
            not black never change.
        stains: A mask, or a folder of masks with the names of the scans. Stains where the mask is
            not black are corrected, and the picture under them is kept.
        quality: best averages over four mirrored versions of each tile; the networks then take four
            times as long as with fast.
        precision: auto uses bf16 on a CPU and f16 on a GPU, and f32 if these are not supported.
        device: CPU, GPU (an Intel GPU), or AUTO: a GPU if there is one. Default: params.yaml.
        recursive: Also restore the images in subfolders.
        keep_format: Write JPEG as JPEG and WebP as WebP; otherwise they become TIFF.
        maps: Also write a map of the damage and a map of the change.
        package: Also write the package that `patina undo` needs.
        iiif: Also write tiles and manifests for IIIF viewers.
        iiif_base: The web address from which you will serve the results; implies iiif.
        report: Write report.html, which shows each work before and after.
        params: The settings. The default is the section restore of params.yaml.

    Returns the outbox. The state of the run says how many scans were set aside.
    """
    request = RestoreRequest.of((str(inbox),), str(outbox), locals())
    outcomes = [*run(request, params or params_file.load().restore, in_batches)]
    out = place_of(outbox)
    say(summary := run_summary(outcomes, out))
    show(outcomes, out, summary)
    failed = sum("reason" in outcome for outcome in outcomes)
    if failed:
        return Completed(name=f"{failed} set aside", message=plain(summary), data=outbox)
    return outbox


def in_batches(job: Job) -> Iterator[Record]:
    """The outcomes of a job, with a task for each CHUNK scans, here or on a cluster."""
    if CLUSTER:
        shared = job.model, job.loading, job.output
        yield from compute(restore_chunk, job.scans, *shared, most=CHUNK)
    else:
        yield from one_after_the_other(job)


def show(outcomes: Sequence[Record], outbox: Place, summary: str) -> None:
    """Add a table of the scans to inspect, and a link to the report, to the run in Prefect."""
    noted = [each for each in outcomes if each.get("reason") or each.get("flags")]
    rows = [
        {
            "scan": each["file"],
            "outcome": each["outcome"],
            "why": each.get("reason") or ", ".join(each["flags"]),
        }
        for each in noted
    ]
    table(rows, key="restore", description=summary)
    if isinstance(outbox, Path) and (report := outbox.resolve() / "report.html").exists():
        create_link_artifact(report.as_uri(), key="restore-report", link_text=str(report))


def one_after_the_other(job: Job) -> Iterator[Record]:
    """Like `compute`, but in this process, which uses all cores; yields the outcomes in order."""
    megapixels, started = 0.0, time.monotonic()
    with counting("restore", len(job.scans)) as counter:
        for span, chunk in numbered(cut(job.scans, CHUNK)):
            outcomes = named(restore_chunk, span)(chunk, job.model, job.loading, job.output)
            yield from outcomes
            megapixels += sum(each.get("megapixels", 0) for each in outcomes)
            counter.add(outcomes, speed(megapixels, started))


@task(name="restore", cache_policy=NO_CACHE)
def restore_chunk(
    scans: list[tuple[Place, Place]], model: Path, loading: Record, output: OutputOptions
) -> list[Record]:
    """Restore some scans. The record of a scan that cannot be restored has the reason."""
    restorer = replace(restorer_of(model, hashable(loading)), on_progress=StepLogger())
    return list(restore_scans(scans, restorer, output))


class StepLogger:
    """Logs the progress of a large scan, at most every ten seconds."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, step: Step) -> None:
        """Log the step, if ten seconds have passed."""
        if time.monotonic() - self.last >= EVERY_S:
            self.last = time.monotonic()
            log(f"restore: {step}")


Items = tuple[tuple[str, Any], ...]


def hashable(loading: Record) -> Items:
    """The arguments of `load_restorer`, gates included, in the form that `restorer_of` takes."""
    return tuple((name, _items(value)) for name, value in loading.items())


def _items(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, dict) else value


@lru_cache(maxsize=1)
def restorer_of(model: Path, loading: Items) -> Restorer:
    """The networks of `model`, loaded once for all chunks."""
    asked = dict(loading)
    return load_restorer(model, **asked | {"gates": dict(asked["gates"])})
