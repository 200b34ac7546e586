"""Restores two small scans at a time: one is read or saved while the other is in the networks.

The networks compute one tile at a time with all cores; the other steps mostly use one core. A large
scan is restored alone, because it spends most of its time in the networks and needs more memory.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from patina.tasks.restoration.advance import Hear, Step

Job = TypeVar("Job")
Result = TypeVar("Result")

AT_A_TIME = 2  # number of small scans


class EndedError(BaseException):
    """The run has ended. It is no Exception, so that the work on a scan does not catch it."""


def side_by_side(
    work: Callable[[Job, Hear], Result],
    jobs: Sequence[Job],
    is_small: Callable[[Job], bool],
    hear: Hear,
) -> Iterator[Result]:
    """Yield `work` of each of `jobs`, in their order; AT_A_TIME small jobs run at the same time.

    work: is called with a job and a function for its progress. When the run ends early, this
    function raises EndedError. hear: is called with the progress of the first unfinished job.
    """
    progress = _Progress(hear)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        try:
            for number, job in enumerate(jobs):
                if len(jobs) > 1 and is_small(job):
                    told = progress.hear_of(number)
                    waiting.append(pool.submit(copy_context().run, work, job, told))
                else:  # in this thread, so that Ctrl-C ends it at once
                    yield from _drained(waiting, progress, 0)
                    yield work(job, hear)
                    progress.first += 1
                yield from _drained(waiting, progress, AT_A_TIME - 1)
            yield from _drained(waiting, progress, 0)
        finally:
            progress.ended = True


def _drained(
    waiting: "deque[Future[Result]]", progress: "_Progress", left: int
) -> Iterator[Result]:
    """Yield the results of the first jobs until only `left` jobs are waiting."""
    while len(waiting) > left:
        yield waiting.popleft().result()
        progress.first += 1


class _Progress:
    """Passes on the progress of the `first` unfinished job; `ended` stops all jobs."""

    def __init__(self, hear: Hear) -> None:
        self.hear, self.first, self.ended = hear, 0, False

    def hear_of(self, number: int) -> Hear:
        """The function for the progress of job `number`."""

        def told(step: Step) -> None:
            if self.ended:
                raise EndedError
            if number == self.first:
                self.hear(step)

        return told
