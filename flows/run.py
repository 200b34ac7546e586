"""Runs the whole pipeline: `dvc repro` with one Prefect server for all stages."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from patina.flows.ending import next_steps, results
from patina.flows.prefect_server import prefect_server
from patina.flows.stages import STAGES, TIMES
from patina.flows.supervisor import supervised
from patina.tasks.io.progress import timed_lines

DVC = (sys.executable, "-m", "dvc")


def run() -> int:
    """Run the stages that are not up to date; print their times and the paths of the results.

    Returns the exit code of `dvc repro`.
    """
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started = time.monotonic()
    if up_to_date():
        _say("Everything is up to date: no stage needs to run.")
        return _finish(started)
    _say("Starting a Prefect server …")
    with tempfile.TemporaryDirectory() as folder, prefect_server() as url:
        times = Path(folder) / "times"
        times.touch()
        _say(f"Stages: {' → '.join(STAGES)}. Watch them at {url.removesuffix('/api')}")
        with supervised([*DVC, "repro"], env=os.environ | {TIMES: str(times)}) as repro:
            code = repro.wait()
        if code:
            _say(f"Stopped: a stage failed (dvc exit code {code}). Run this again to continue.")
            return code
        _say(_table(dict(line.split() for line in times.read_text().splitlines())))
    return _finish(started)


def up_to_date() -> bool:
    """Whether all stages are up to date."""
    call = [*DVC, "status", "--json"]
    with timed_lines("DVC searches for changes"):
        status = subprocess.run(call, capture_output=True, text=True, check=False)
    return status.returncode == 0 and json.loads(status.stdout or "{}") == {}


def _table(seconds: Mapping[str, str]) -> str:
    lines = [
        f"  {name:<11}" + (f"{float(seconds[name]):7.1f} s" if name in seconds else " unchanged")
        for name in STAGES
    ]
    return "\n".join(["", *lines])


def _finish(started: float) -> int:
    _say(f"\nDone in {time.monotonic() - started:.0f} s. {results()}")
    if steps := next_steps():
        _say(f"\n{steps}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
