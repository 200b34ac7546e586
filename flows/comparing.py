"""The MLflow UI, opened on the runs of DVC's experiments."""

import json
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from patina.errors import InputError
from patina.flows import tracking
from patina.flows.places import MODEL
from patina.flows.prefect_server import wait_until_it_answers
from patina.flows.supervisor import supervised


def address(names: Sequence[str], port: int) -> str:
    """Where the UI compares the latest run of each experiment; those of this commit if none named.

    Raises ValueError when one was not run to its end, or there is none.
    """
    ours = tracking.connect().experiment_id
    found = list(dict.fromkeys(_run_of(name, ours) for name in names or experiments()))
    if not found:
        raise InputError("compare: no experiments on this commit; `dvc exp run` makes some")
    ids = quote(json.dumps(found))
    within = quote(json.dumps([ours]))
    return f"http://127.0.0.1:{port}/#/compare-runs?runs={ids}&experiments={within}"


def _run_of(name: str, ours: str) -> str:
    """The run of an experiment in `ours` of MLflow: its own, or that which trained its network."""
    from mlflow import MlflowClient

    runs = MlflowClient().search_runs(
        [ours],
        f"tags.`{tracking.EXPERIMENT_TAG}` = '{name}' and attributes.status = 'FINISHED'",
        max_results=1,
    )
    if runs:
        return str(runs[0].info.run_id)
    run_id = _trained_by(name)
    if not run_id or not tracking.found(run_id):
        raise InputError(f"compare: {name}: no run of this experiment was finished")
    return run_id


def _trained_by(name: str) -> str:
    """The MLflow run that trained the network of an experiment; empty where it has none."""
    import dvc.api
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    with suppress(DvcException, SCMError, OSError):
        return str(json.loads(dvc.api.read(str(MODEL / "model.json"), rev=name))["mlflow_run"])
    return ""


def experiments() -> list[str]:
    """The names of DVC's experiments on the present commit, oldest first."""
    command = [sys.executable, "-m", "dvc", "exp", "list", "--name-only"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        raise InputError(f"compare: dvc exp list: {listed.stderr.strip()}")
    return listed.stdout.split()[::-1]


@contextmanager
def mlflow_ui(port: int) -> Iterator[subprocess.Popen]:
    """The MLflow UI on 127.0.0.1, answering. Raises ServerError when it does not start."""
    command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    database = ["--backend-store-uri", tracking.tracking_uri()]
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "server.log").open("wb") as log,
        supervised([*command, *database], stdout=log, stderr=log) as server,
    ):
        wait_until_it_answers(
            f"http://127.0.0.1:{port}/health", server, "the MLflow UI", Path(log.name)
        )
        yield server


def show(url: str, port: int) -> None:
    """Serve the UI until stopped; open `url` in a browser where there is one."""
    with mlflow_ui(port) as server, suppress(KeyboardInterrupt):
        webbrowser.open(url)
        server.wait()
