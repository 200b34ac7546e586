"""prefect.yaml registers the same deployments as `patina serve` on the user's own server."""

import json
import os
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PROJECT, Workspace


@pytest.fixture(scope="module")
def deployed(bare: Workspace, server: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose deployments are registered on a server."""
    workspace = bare.copy(tmp_path_factory.mktemp("deployed") / "workspace")
    shutil.copy(PROJECT / "prefect.yaml", workspace.folder)
    here = {"PWD": str(workspace.folder)}  # as a shell has it
    workspace.run("prefect", "work-pool", "create", "patina", "--type", "process", **here)
    workspace.run("prefect", "--no-prompt", "deploy", "--all", **here)
    return workspace


def deployment(name: str) -> dict[str, Any]:
    url = f"{os.environ['PREFECT_API_URL']}/deployments/name/{name}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def test_a_worker_runs_deployments_in_the_folder_from_which_they_were_deployed(
    deployed: Workspace,
) -> None:
    for name in ("restore/batch", "crawl/nightly"):
        (pull,) = deployment(name)["pull_steps"]
        (step,) = pull.values()
        assert Path(step["directory"]) == deployed.folder


def test_one_batch_runs_at_a_time_and_its_parameters_are_explained(deployed: Workspace) -> None:
    batch = deployment("restore/batch")
    assert batch["global_concurrency_limit"]["limit"] == 1
    fields = batch["parameter_openapi_schema"]["properties"]
    assert [name for name, field in fields.items() if not field.get("description")] == []


def test_the_nightly_crawl_is_off_and_has_the_schedule_of_params(deployed: Workspace) -> None:
    (schedule,) = deployment("crawl/nightly")["schedules"]
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    assert schedule["schedule"]["cron"] == params["crawl"]["nightly"]
    assert not schedule["active"]
