"""How a run ends that is told to: as after Ctrl-C, its summary is written and no draft is left."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise SystemExit, with the exit code that a shell expects.

    One that is ignored, as under nohup, stays so. Only in a process's main thread.
    """
    before = {each: signal.getsignal(each) for each in ENDINGS}
    for each, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(each, _end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _end(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough
    raise SystemExit(128 + number)
