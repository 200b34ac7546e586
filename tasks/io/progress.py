"""How far long work is: a bar in a terminal; elsewhere, as in a log, a line every ten seconds."""

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
_told: list[object] = []  # what in this process tells how far it is, or has another one tell


class Progress(Bar):
    """Rich's progress bar; where there is no terminal, lines on standard error instead.

    Each task has a `note`, what is shown behind its time left: `add_task(NAME, total=N, note="")`.
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
        _told.append(self)
        self._telling = said_every(self.every_s, self.line, self.say) if self.lines else None
        if self._telling:
            self._telling.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._telling:
            self._telling.__exit__(*raised)
        _told.remove(self)
        super().__exit__(*raised)

    def line(self) -> str:
        """What the bar would show, in words."""
        return "; ".join(map(_in_words, self.tasks))

    def say(self, text: str) -> None:
        """Print a line above the bar, as it is: no markup, no wrapping."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _in_words(task: Any) -> str:
    left = task.time_remaining
    within = task.completed % 1  # of a large job that is under way
    parts = (
        f"{task.description} {int(task.completed)} of {task.total or 0:.0f}",
        f"{task.percentage:.0f}%" if within else "",
        f"{timedelta(seconds=int(left))} left" if left and not task.finished else "",
        task.fields.get("note", ""),
    )
    return ", ".join(filter(None, parts))


@contextmanager
def said_every(
    seconds: float, line: Callable[[], str], say: Callable[[str], object] | None = None
) -> Iterator[None]:
    """While the block lasts, say `line()` every so many seconds, on standard error unless told.

    Nothing is said where it is empty.
    """
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(seconds):
            if text := line():
                (say or _to_stderr)(text)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


@contextmanager
def waited_for(what: str, every_s: float = EVERY_S) -> Iterator[None]:
    """Say every ten seconds that `what` still takes its time, and how much it has taken.

    As long as a part of it tells how far it is, nothing is said beside that.
    """
    started = time.monotonic()

    def line() -> str:
        return "" if _told else f"  {what}: {time.monotonic() - started:.0f} s"

    with said_every(every_s, line):
        yield


@contextmanager
def told_by_another() -> Iterator[None]:
    """While the block lasts, another process tells how far it is."""
    _told.append(other := object())
    try:
        yield
    finally:
        _told.remove(other)


def _to_stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
