"""Ends a run after a signal as after Ctrl-C: its summary is written, and no draft is left."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows knows no SIGHUP
ENDINGS = (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], None]]:
    """Let SIGTERM and SIGHUP raise SystemExit, with the exit code that a shell expects.

    Yields a function that raises it again; call it regularly, because the exception is lost if a
    signal arrives while a library calls back. An ignored signal, as under nohup, stays ignored.
    Works only in the main thread.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not came:  # a second signal must not interrupt the summary
            came.append(number)
            raise SystemExit(128 + number)

    def again() -> None:
        if came:
            raise SystemExit(128 + came[0])

    before = {each: signal.getsignal(each) for each in ENDINGS}
    for each, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield again
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
