"""The stages of the pipeline by name, and the function that runs one."""

import importlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina import params as params_file
from patina.flows.ending import next_steps, results
from patina.flows.places import MODEL
from patina.flows.prefect_server import prefect_server
from patina.params import Params
from patina.tasks.io.progress import timed_lines

if TYPE_CHECKING:
    from prefect import Flow

STAGES = ("crawl", "preprocess", "split", "degrade", "train", "restore", "evaluate")
SENDING_S = 30  # maximum time for sending the log
TIMES = "PATINA_TIMES"  # variable with the file to which stages add their time


def run_stage(name: str) -> None:
    """Run the flow `name` with its section of params.yaml."""
    started = time.monotonic()
    params = params_file.load()
    with prefect_server(), timed_lines(name):
        from prefect import tags  # late: Prefect reads the server's address at import

        flow = flow_of(name)
        with tags("stage", name):
            flow.with_options(flow_run_name=name)(**arguments(name, params))
        send_lines()
    seconds = time.monotonic() - started
    if times := os.environ.get(TIMES):
        with Path(times).open("a", encoding="utf-8") as file:
            file.write(f"{name} {seconds:.1f}\n")
    elif name == STAGES[-1]:  # with `dvc repro` or `dvc exp run`; `make run` prints this itself
        sys.stdout.writelines(f"{text}\n" for text in (results(), next_steps()) if text)


def send_lines() -> None:
    """Send the log of the run before its server ends."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=SENDING_S)


def flow_of(name: str) -> "Flow[..., Any]":
    """The flow `name`; Prefect is imported here, because it reads the server's address."""
    return getattr(importlib.import_module(f"patina.flows.{name}"), name)


def arguments(name: str, params: Params) -> dict[str, Any]:
    """The arguments of the flow `name`."""
    extra: dict[str, dict[str, Any]] = {
        "train": {"mixture": params.degrade},
        "restore": {"model": MODEL / "model.keras", "maps": True},
    }
    return {"params": getattr(params, name), **extra.get(name, {})}
