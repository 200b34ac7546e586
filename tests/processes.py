"""Waits for processes, and finds those that a command started."""

import time
from collections.abc import Callable
from typing import Any

import psutil

MARK = "PATINA_TEST_MARK"  # environment variable of all processes that a command started
PATIENCE_S = 300


def until(holds: Callable[[], Any], what: str) -> Any:
    """The value of `holds`, as soon as it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (seen := holds()):
        assert time.monotonic() < deadline, f"after {PATIENCE_S} s still not: {what}"
        time.sleep(0.1)  # between two checks
    return seen


def alive(mark: str) -> list[psutil.Process]:
    """The running processes with that mark."""
    found = []
    for each in psutil.process_iter(["cmdline", "environ", "status"]):
        environment = each.info["environ"] or {}
        if environment.get(MARK) == mark and each.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(each)
    return found
