"""Threads with ordered results, and worker processes that end with their parent.

NumPy, libvips and OpenVINO release the interpreter lock while they compute, so threads suffice.
"""

import multiprocessing
import os
import signal
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
    """Results of `work` for each of `jobs`, in their order; at most THREADS + 1 are in progress."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[Result]] = deque()
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def ahead(results: Iterable[Result]) -> Iterator[Result]:
    """The same `results`; a thread computes the next one while the caller uses the current one."""
    source = iter(results)
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, source, end)
        while (result := coming.result()) is not end:
            coming = thread.submit(next, source, end)
            yield result  # type: ignore[misc]  # not the end
            del result  # it may be large; free it before waiting for the next one


def start_worker() -> None:
    """The initializer of a spawned worker process."""
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def one_thread() -> None:
    """Limit OpenCV to one thread, because there is a process for each core."""
    cv2.setNumThreads(1)


def end_with_caller() -> None:
    """End this process by SIGTERM when the process that started it ends, even if that is killed.

    Only Linux can do this; elsewhere nothing happens.
    """
    if hasattr(os, "pidfd_open"):
        caller = os.pidfd_open(os.getppid())
        threading.Thread(target=_end_after, args=(caller,), daemon=True).start()


def _end_after(caller: int) -> None:
    wait([caller])  # it is ready once that process has ended
    signal.raise_signal(signal.SIGTERM)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)
