"""Processes that end with the process that started them."""

import os
import signal
import subprocess
import sys

import pytest

STAGE = "from patina.tasks.io.parallel import end_with_caller as end; end(); print(flush=True); "
CALLER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux can watch a process")
def test_a_stage_ends_when_the_process_that_started_it_is_killed() -> None:
    endless = STAGE + "import sys; sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, endless], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"\n"  # the stage runs
        caller.send_signal(signal.SIGKILL)
        assert caller.stdout.read() == b""  # ends only when the stage has ended, too
