"""Work spread over processes: one Prefect task a batch, never one a work."""

import multiprocessing
import os
import threading
from collections.abc import Iterable, Sequence
from multiprocessing.connection import wait
from typing import Any

import cv2
from prefect import Task
from prefect.futures import as_completed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tasks.files import Record

BATCH = 64  # works in a task, when there are many
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = int(os.environ.get("PATINA_WORKERS", 0)) or CORES


def processes() -> TaskRunner[Any]:
    """Spawned processes, one a core, one OpenCV thread each; none outlives its parent."""
    return ProcessPoolTaskRunner(max_workers=WORKERS, initializer=_start_worker)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def compute(task: Task, jobs: Sequence[Any], *shared: Any) -> list[Record]:
    """Run `task(batch, *shared)` over all `jobs` in batches, with a progress bar.

    The task gives a record for each job of its batch that says what came of it; all are returned,
    in the order of the jobs.
    """
    if not jobs:
        return []
    futures = {task.submit(batch, *shared): len(batch) for batch in _batches(jobs)}
    with progress() as bar:
        shown = bar.add_task(task.name, total=len(jobs), note="")
        for future in as_completed(list(futures)):
            bar.advance(shown, futures[future])
    return [record for future in futures for record in future.result()]


def _batches(jobs: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Few jobs still keep every worker busy; many go in batches of BATCH."""
    size = max(1, min(BATCH, -(-len(jobs) // (2 * WORKERS))))
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def progress() -> Progress:
    """The progress bar of every long work: done, total, time left."""
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
