"""Restores two small scans at a time: one is read or saved while the other is in the networks.

The networks compute one tile at a time with all cores; the other steps mostly use one core. A large
scan is restored alone, because it spends most of its time in the networks and needs more memory.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from patina.tasks.restoration.progress import ProgressCallback, Step

Job = TypeVar("Job")
Result = TypeVar("Result")

MAX_CONCURRENT = 2  # number of small scans


class RunEndedError(BaseException):
    """The run has ended. It is no Exception, so that the work on a scan does not catch it."""


def side_by_side(
    work: Callable[[Job, ProgressCallback], Result],
    jobs: Sequence[Job],
    is_small: Callable[[Job], bool],
    on_progress: ProgressCallback,
) -> Iterator[Result]:
    """Yield `work` of each of `jobs`, in their order; MAX_CONCURRENT small jobs run at a time.

    work: is called with a job and a function for its progress. If the run ends early, that function
    raises RunEndedError, which ends the job. on_progress: is called with the progress of the first
    unfinished job.
    """
    progress = _Progress(on_progress)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        try:
            for number, job in enumerate(jobs):
                if len(jobs) > 1 and is_small(job):
                    report = progress.callback_for(number)
                    waiting.append(pool.submit(copy_context().run, work, job, report))
                else:  # in this thread, so that Ctrl-C ends it at once
                    yield from _finished(waiting, progress, 0)
                    yield work(job, on_progress)
                    progress.first += 1
                yield from _finished(waiting, progress, MAX_CONCURRENT - 1)
            yield from _finished(waiting, progress, 0)
        finally:
            progress.ended = True


def _finished(
    waiting: "deque[Future[Result]]", progress: "_Progress", left: int
) -> Iterator[Result]:
    """Yield the results of the first jobs until only `left` jobs are waiting."""
    while len(waiting) > left:
        yield waiting.popleft().result()
        progress.first += 1


class _Progress:
    """Passes on the progress of the `first` unfinished job; `ended` stops all jobs."""

    def __init__(self, on_progress: ProgressCallback) -> None:
        self.on_progress, self.first, self.ended = on_progress, 0, False

    def callback_for(self, number: int) -> ProgressCallback:
        """The function for the progress of job `number`."""

        def report(step: Step) -> None:
            if self.ended:
                raise RunEndedError
            if number == self.first:
                self.on_progress(step)

        return report
