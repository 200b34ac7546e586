"""Opens the MLflow UI with the runs of DVC's experiments.

`python -m patina.flows.comparing [PORT]` opens it with the latest runs.
"""

import json
import os
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from patina.errors import InputError, errors_as_lines
from patina.flows import mlflow_page, tracking
from patina.flows.lineage import EXPERIMENT_TAG
from patina.flows.places import MODEL
from patina.flows.prefect_server import wait_until_it_answers
from patina.flows.supervisor import supervised

PORT = 5000


def address(names: Sequence[str], port: int) -> str:
    """The address at which the UI compares the latest run of each experiment.

    Without names: the experiments of this commit, and their baseline. Raises InputError if an
    experiment is incomplete, or there is none.
    """
    ours = tracking.connect().experiment_id
    wanted = [_run_of(name, ours) for name in names or experiments()]
    found = list(dict.fromkeys([*([] if names else baseline(ours)), *wanted]))
    if not found:
        raise InputError(
            "compare: there are no runs of this commit; start one with `make run` or `dvc exp run`"
        )
    runs = [run for run_id in found if (run := tracking.found(run_id))]
    return _address(port, mlflow_page.save("patina-compared", ours, runs, only=True))


def address_of_latest(port: int) -> str:
    """The address where the UI shows the latest `mlflow_page.MAX_RUNS` runs, the latest first."""
    from mlflow import MlflowClient

    ours = tracking.connect().experiment_id
    runs = MlflowClient().search_runs(
        [ours], "attributes.status = 'FINISHED'", max_results=mlflow_page.MAX_RUNS
    )
    return _address(port, mlflow_page.save("patina", ours, runs, only=False))


def _address(port: int, page: str) -> str:
    """The address of a page of the UI."""
    return f"http://127.0.0.1:{port}/{page}"


def baseline(ours: str) -> list[str]:
    """The run that trained the network of the last commit, else the latest run without
    experiment.
    """
    from mlflow import MlflowClient

    if (trained := _trained_by("HEAD")) and tracking.found(trained):
        return [trained]
    none = f"tags.`{EXPERIMENT_TAG}` = '' and attributes.status = 'FINISHED'"
    return [run.info.run_id for run in MlflowClient().search_runs([ours], none, max_results=1)]


def _run_of(name: str, ours: str) -> str:
    """The run of a DVC experiment: its own, or the run that trained its network.

    ours: id of the MLflow experiment.
    """
    from mlflow import MlflowClient

    runs = MlflowClient().search_runs(
        [ours],
        f"tags.`{EXPERIMENT_TAG}` = '{name}' and attributes.status = 'FINISHED'",
        max_results=1,
    )
    if runs:
        return str(runs[0].info.run_id)
    run_id = _trained_by(name)
    if not run_id or not tracking.found(run_id):
        raise InputError(f"compare: {name}: this experiment has no finished run")
    return run_id


def _trained_by(name: str) -> str:
    """The MLflow run that trained the network of an experiment; "" if there is none."""
    import dvc.api
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    with suppress(DvcException, SCMError, OSError):
        return str(json.loads(dvc.api.read(str(MODEL / "model.json"), rev=name))["mlflow_run"])
    return ""


def experiments() -> list[str]:
    """The DVC experiments of the current commit, or else of any commit; the oldest first."""
    return _listed() or _listed("--all-commits")


def _listed(*options: str) -> list[str]:
    command = [sys.executable, "-m", "dvc", "exp", "list", "--name-only", *options]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise InputError(f"compare: dvc exp list: {listed.stderr.strip()}")
    return listed.stdout.split()[::-1]


@contextmanager
def mlflow_ui(port: int) -> Iterator[subprocess.Popen]:
    """The MLflow UI on 127.0.0.1, ready. Raises ServerError if it does not start."""
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    options = ["--backend-store-uri", tracking.tracking_uri(), "--workers", "1"]  # for one user
    without_jobs = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "server.log").open("wb") as log,
        supervised([*command, *options], stdout=log, stderr=log, env=without_jobs) as server,
    ):
        wait_until_it_answers(_address(port, "health"), server, "the MLflow UI", Path(log.name))
        yield server


def show(url: str, port: int) -> None:
    """Serve the UI until stopped, and open `url` in a browser if there is one."""
    with mlflow_ui(port) as server, suppress(KeyboardInterrupt):
        webbrowser.open(url)
        server.wait()


def main(arguments: Sequence[str]) -> None:
    """Serve the UI with the latest runs until stopped, on the given port."""
    port = int(arguments[0]) if arguments else PORT
    url = address_of_latest(port)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    show(url, port)


if __name__ == "__main__":
    with errors_as_lines():
        main(sys.argv[1:])
