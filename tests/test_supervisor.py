"""A supervised command ends with the process that started it, in any case."""

import signal
import subprocess
import sys

import pytest

HOLDER = """
import signal, sys
from patina.flows.supervisor import supervised
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
with supervised(["sh", "-c", "echo started; exec sleep 3600"]):
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", ["success", "SIGINT", "SIGTERM", "SIGKILL"])
def test_a_command_ends_with_the_process_that_started_it(end: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == b"started\n"
        if end == "success":
            holder.stdin.close()
        else:
            holder.send_signal(getattr(signal, end))
        assert holder.stdout.read() == b""  # which ends when the last who could write has ended
