"""Runs a command that cannot outlive the process that started it.

A killed parent cannot clean up, but the system closes its pipes. This module watches for the end of
a pipe. `python -m patina.flows.supervisor COMMAND …`; the exit code is that of the command.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

GRACE_S = 8  # time between SIGTERM and SIGKILL


@contextmanager
def supervised(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen]:
    """Run `command` during the block, at most as long as this process.

    options: as for Popen.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "patina.flows.supervisor", *command],
        stdin=subprocess.PIPE,
        **options,
    )
    assert process.stdin
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Run the command in a new session, and end the whole session when standard input ends."""
    for ignored in (signal.SIGINT, signal.SIGHUP):  # only the closed pipe ends the command
        signal.signal(ignored, signal.SIG_IGN)
    os.setsid()
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: _signal(command.pid, signal.SIGTERM))
    threading.Thread(target=_end_with_parent, args=(command.pid,), daemon=True).start()
    code = command.wait()
    _end(command.pid)
    os._exit(code if code >= 0 else 128 - code)


def _end_with_parent(group: int) -> None:
    os.read(sys.stdin.fileno(), 1)
    _end(group)


def _end(group: int) -> None:
    """Terminate all processes of a group; kill those that do not end within GRACE_S."""
    deadline = time.monotonic() + GRACE_S
    alive = _signal(group, signal.SIGTERM)
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)  # between two checks
        alive = _signal(group, 0)
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a group; return whether it had any process."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
