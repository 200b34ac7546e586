"""Distributes jobs over processes, here or on a cluster: a Prefect task has a batch of jobs."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from itertools import accumulate
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

from prefect import Task
from prefect.futures import as_completed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from patina.errors import ServiceError
from patina.flows.messages import counting
from patina.flows.places import ARTWORKS
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import CORES, one_thread, start_worker

BATCH = 256  # maximum number of works in a task; a task has an overhead of 0.2 s
ROUNDS = 3  # minimum number of tasks for each worker, so that no worker is idle for long
WORKERS = int(os.environ.get("PATINA_WORKERS", 0)) or CORES
CLUSTER = os.environ.get("PATINA_DASK", "")  # a Dask scheduler, such as tcp://host:8786
SAME = (  # packages with the same version on all workers; Dask adds Python and NumPy
    "opencv-python-headless",
    "openvino",
    "prefect",
    "pyvips",
)
WAIT_S = 60  # maximum time until the first worker is there

Job = TypeVar("Job")
Done = TypeVar("Done")


class ClusterError(ServiceError):
    """The Dask cluster cannot be reached or used; the message names it."""


def processes() -> TaskRunner[Any]:
    """The workers of CLUSTER, or else spawned processes, one for each core.

    Each uses one OpenCV thread. The spawned processes end with this process. A single worker is
    a thread of this process, because a process takes seconds to start.
    """
    if workers := cluster():
        return workers
    if WORKERS == 1:
        one_thread()
        return ThreadPoolTaskRunner(max_workers=1)
    return ProcessPoolTaskRunner(max_workers=WORKERS, initializer=start_worker)


def cluster() -> TaskRunner[Any] | None:
    """The workers of CLUSTER, if it is set."""
    if not CLUSTER:
        return None
    from prefect_dask import DaskTaskRunner  # late, because the import takes 0.7 s

    return DaskTaskRunner(address=CLUSTER)


def _join_cluster() -> int:
    """Set up the workers of CLUSTER, also those that join later; returns their number of threads.

    Raises ClusterError if the scheduler does not respond, or a worker has other versions or does
    not share this workspace.
    """
    from distributed import Client

    try:
        with Client(CLUSTER, set_as_default=False) as client:
            client.wait_for_workers(1, WAIT_S)
            versions = client.get_versions(packages=SAME)
            ours = versions["client"]["packages"]
            same = {w: its["packages"] == ours for w, its in versions["workers"].items()}
            _refuse_unless(same, "have other versions", "install the same requirements.txt")
            ARTWORKS.parent.mkdir(exist_ok=True)  # a batch may be the first work in this folder
            with NamedTemporaryFile(dir=ARTWORKS.parent, prefix=".cluster-") as marker:
                seen = client.run(os.path.exists, str(ARTWORKS.parent / Path(marker.name).name))
            _refuse_unless(
                seen, f"cannot read {Path.cwd()}", "start them in this folder, on a shared disk"
            )
            client.register_worker_callbacks(one_thread)
            return sum(client.nthreads().values())
    except OSError as error:
        raise ClusterError(
            f"PATINA_DASK: no scheduler with a worker at {CLUSTER}: {error}; start them, or unset "
            "PATINA_DASK"
        ) from error


def _refuse_unless(fit: Mapping[str, bool], fault: str, remedy: str) -> None:
    if unfit := [worker for worker, fits in fit.items() if not fits]:
        raise ClusterError(f"PATINA_DASK: workers {fault}: {', '.join(unfit)}; {remedy}")


def compute(task: Task, jobs: Sequence[Any], *shared: Any, most: int = BATCH) -> list[Record]:
    """Run `task(batch, *shared)` for all `jobs` in batches of at most `most`, with a progress bar.

    The task returns one record for each job, with its outcome. All records are returned, in the
    order of the jobs.
    """
    if not jobs:
        return []
    workers = _join_cluster() if CLUSTER else WORKERS
    spans = numbered(_batches(jobs, workers, most))
    futures = [named(task, span).submit(batch, *shared) for span, batch in spans]
    try:
        with counting(task.name, len(jobs)) as counter:
            for future in as_completed(list(futures)):
                if isinstance(records := future.result(raise_on_failure=False), list):
                    counter.add(records)
        return [record for future in futures for record in future.result()]
    except CancelledError as error:
        raise ClusterError(
            f"PATINA_DASK: the scheduler at {CLUSTER} is lost; start it and run this again:"
            " it continues with the computed works"
        ) from error


def _batches(jobs: Sequence[Any], workers: int, most: int) -> list[Sequence[Any]]:
    """Batches of at most `most` jobs; smaller ones if otherwise some workers would be idle."""
    size = max(1, min(most, -(-len(jobs) // (ROUNDS * workers))))
    return cut(jobs, size)


def cut(jobs: Sequence[Job], size: int) -> list[Sequence[Job]]:
    """Batches of `size` jobs, and one with the remaining jobs."""
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def numbered(batches: Sequence[Sequence[Job]]) -> list[tuple[str, Sequence[Job]]]:
    """Each batch with the numbers of its jobs, such as 1-64."""
    ends = list(accumulate(map(len, batches)))
    return [
        (f"{end - len(batch) + 1}-{end}" if len(batch) > 1 else f"{end}", batch)
        for end, batch in zip(ends, batches, strict=True)
    ]


def named(task: Task[..., Done], span: str) -> Task[..., Done]:
    """The task, with the numbers of its jobs as the name of its run: `restore 1-64`."""
    return task.with_options(task_run_name=f"{task.name} {span}")
