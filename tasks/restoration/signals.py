"""Ends a run after a signal as after Ctrl-C: its summary is written, and no draft is left."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows knows no SIGHUP
SIGNALS = (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


@contextmanager
def exit_on_signals() -> Iterator[Callable[[], None]]:
    """Let SIGTERM and SIGHUP raise SystemExit, with the exit code that a shell expects.

    Yields a function that raises it again; call it regularly, because the exception is lost if a
    signal arrives while a library calls back. An ignored signal, as under nohup, stays ignored.
    Works only in the main thread.
    """
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not received:  # a second signal must not interrupt the summary
            received.append(number)
            raise SystemExit(128 + number)

    def raise_again() -> None:
        if received:
            raise SystemExit(128 + received[0])

    before = {each: signal.getsignal(each) for each in SIGNALS}
    for each, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(each, end)
    try:
        yield raise_again
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
