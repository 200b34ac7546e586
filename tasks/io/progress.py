"""Progress of long work: a bar in a terminal; elsewhere, such as in a log, a line every 10 s."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

EVERY_S = 10.0
_reporting: list[object] = []  # open progress bars, and a mark while another process has one


class Progress(Bar):
    """Rich's progress bar; where there is no terminal, lines on standard error instead.

    Each task has a `note`, which is shown after the time left: `add_task(NAME, total=N, note="")`.
    """

    def __init__(self, console: Console | None = None, every_s: float = EVERY_S) -> None:
        console = console or Console(stderr=True)
        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self.lines = not console.is_terminal
        self.every_s = every_s
        super().__init__(*columns, console=console, disable=self.lines)

    def __enter__(self) -> "Progress":
        super().__enter__()
        _reporting.append(self)
        self._printer = print_every(self.every_s, self.line, self.say) if self.lines else None
        if self._printer:
            self._printer.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._printer:
            self._printer.__exit__(*raised)
        _reporting.remove(self)
        super().__exit__(*raised)

    def line(self) -> str:
        """The state of all tasks, in words."""
        return "; ".join(map(_in_words, self.tasks))

    def say(self, text: str) -> None:
        """Print a line above the bar as it is: names of files may look like markup or emoji."""
        self.console.print(text, emoji=False, markup=False, highlight=False, soft_wrap=True)


def _in_words(task: Any) -> str:
    left = task.time_remaining
    started = task.completed % 1  # progress of a large job that is not finished
    parts = (
        f"{task.description} {int(task.completed)} of {task.total or 0:.0f}",
        f"{task.percentage:.0f}%" if started else "",
        f"{timedelta(seconds=int(left))} left" if left and not task.finished else "",
        task.fields.get("note", ""),
    )
    return ", ".join(filter(None, parts))


@contextmanager
def print_every(
    seconds: float, line: Callable[[], str], say: Callable[[str], object] | None = None
) -> Iterator[None]:
    """During the block, print `line()` every `seconds`, unless it is empty.

    say: prints a line; the default prints to standard error.
    """
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(seconds):
            if text := line():
                (say or _to_stderr)(text)

    printer = threading.Thread(target=repeat, daemon=True)
    printer.start()
    try:
        yield
    finally:
        ended.set()
        printer.join()


@contextmanager
def timed_lines(what: str, every_s: float = EVERY_S) -> Iterator[None]:
    """During the block, print a line with `what` and the elapsed time every ten seconds.

    Nothing is printed while a part of the work reports its own progress.
    """
    started = time.monotonic()

    def line() -> str:
        return "" if _reporting else f"  {what}: {time.monotonic() - started:.0f} s"

    with print_every(every_s, line):
        yield


@contextmanager
def progress_elsewhere() -> Iterator[None]:
    """During the block, another process reports the progress."""
    _reporting.append(other := object())
    try:
        yield
    finally:
        _reporting.remove(other)


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
