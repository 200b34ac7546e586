"""Work in a few threads, results in order, no more in memory than is being worked on.

NumPy, libvips and OpenVINO let go of the interpreter while they compute.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

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
