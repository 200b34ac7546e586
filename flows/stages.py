"""The stages by name, and how one is run: with params read, a server there, and its time told."""

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
SENDING_S = 30
TIMES = "PATINA_TIMES"  # names the file to which stages add their time


def run_stage(name: str) -> None:
    """Run the flow `name` with its section of params.yaml."""
    started = time.monotonic()
    params = params_file.load()
    with prefect_server(), timed_lines(name):
        from prefect import tags  # its server's address is known now

        flow = flow_of(name)
        with tags("stage", name):
            flow.with_options(flow_run_name=name)(**arguments(name, params))
        send_lines()
    seconds = time.monotonic() - started
    if times := os.environ.get(TIMES):
        with Path(times).open("a", encoding="utf-8") as file:
            file.write(f"{name} {seconds:.1f}\n")
    elif name == STAGES[-1]:  # of `dvc repro` or `dvc exp run`: `make run` tells it at its end
        sys.stdout.writelines(f"{text}\n" for text in (results(), next_steps()) if text)


def send_lines() -> None:
    """Send the lines that the run logged, while its server is there; a busy one takes its time."""
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=SENDING_S)


def flow_of(name: str) -> "Flow[..., Any]":
    """The flow of that name; Prefect is imported here, after its server's address is known."""
    return getattr(importlib.import_module(f"patina.flows.{name}"), name)


def arguments(name: str, params: Params) -> dict[str, Any]:
    """What the flow `name` is called with."""
    extra: dict[str, dict[str, Any]] = {
        "train": {"mixture": params.degrade},
        "restore": {"model": MODEL / "model.keras", "maps": True},
    }
    return {"params": getattr(params, name), **extra.get(name, {})}
