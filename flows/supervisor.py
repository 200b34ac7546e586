"""Runs a command that never outlives the process that asked for it.

A killed parent cannot clean up; but the system closes its pipes, and the end of a pipe is what
this watches. `python -m flows.supervisor COMMAND …`; the exit code is the command's.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

GRACE_S = 8  # between asking the command to end and ending it


@contextmanager
def supervised(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen]:
    """Run `command` while the block lasts, at most as long as this process.

    options: as for Popen.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.supervisor", *command], stdin=subprocess.PIPE, **options
    )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Run the command; end it and all of its group when standard input ends."""
    os.setsid()
    for ignored in (signal.SIGINT, signal.SIGHUP):  # the parent decides, by closing the pipe
        signal.signal(ignored, signal.SIG_IGN)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: command.terminate())
    threading.Thread(target=_end_with_parent, args=(command,), daemon=True).start()
    code = command.wait()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    os._exit(code if code >= 0 else 128 - code)


def _end_with_parent(command: subprocess.Popen) -> None:
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGTERM)
    try:
        command.wait(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
