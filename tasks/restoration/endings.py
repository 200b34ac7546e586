"""How a run ends that is told to: as after Ctrl-C, its summary is written and no draft is left."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Windows knows no SIGHUP
ENDINGS = (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


@contextmanager
def ended_by_signals() -> Iterator[Callable[[], None]]:
    """Have SIGTERM and SIGHUP raise SystemExit, with the exit code that a shell expects.

    Gives what is to be called now and then: it raises it again if it was lost, as it is when a
    signal comes while a library calls back. A signal that is ignored, as under nohup, stays so.
    Only in a process's main thread.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        if not came:  # once is enough: the summary is being written
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
