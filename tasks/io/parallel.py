"""Work in a few threads, results in order; and worker processes, of which none outlives its parent.

NumPy, libvips and OpenVINO let go of the interpreter while they compute, so threads do for them.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar

import cv2

Job = TypeVar("Job")
Result = TypeVar("Result")

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


def in_turn(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """`work` of each of `jobs`, in their order, THREADS and one more at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[Result]] = deque()
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def ahead(results: Iterable[Result]) -> Iterator[Result]:
    """The same, the next one drawn in a thread while this one is used."""
    source = iter(results)
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, source, end)
        while (result := coming.result()) is not end:
            coming = thread.submit(next, source, end)
            yield result  # type: ignore[misc]  # not the end


def start_worker() -> None:
    """For the initializer of a pool of spawned processes."""
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def one_thread() -> None:
    """As many processes as cores need one thread each."""
    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)
