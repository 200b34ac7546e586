"""Runs `patina restore` for `benchmarks/restore.py`, and saves how long the networks computed.

python benchmarks/timed_restore.py TOLD IN... -o OUT
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

turn = Lock()  # the time of waiting for another network does not count
spent_s = {"network": 0.0}


def main() -> None:
    """Restore the scans, and write the seconds of the networks to the file TOLD."""
    from patina.cli import main as patina
    from patina.tasks.restoration import request

    told = Path(sys.argv[1])
    load = request.load_restorer

    def loaded(*model: Any, **how: Any) -> Any:
        restorer = load(*model, **how)
        roles = [*restorer.networks]
        networks = {role: timed(restorer.networks, role) for role in roles}
        return replace(restorer, networks=networks)

    request.load_restorer = loaded
    sys.argv[1:2] = ["restore"]
    try:
        patina()
    finally:
        told.write_text(str(spent_s["network"]))


def timed(networks: Any, role: str) -> Callable:
    """A function that runs a network and adds its seconds to `spent_s`."""

    def run(tile: Any) -> Any:
        network = networks[role]
        with turn:
            started = time.perf_counter()
            output = network(tile)
            spent_s["network"] += time.perf_counter() - started
        return output

    return run


if __name__ == "__main__":
    main()
