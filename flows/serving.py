"""Serves the deployments `restore/batch` and `crawl/nightly` while `patina serve` runs.

Another process runs them (`python -m patina.flows.serving`). It ends with the command in any case,
and its runs end with it.
"""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from patina import params as params_file
from patina.flows.prefect_server import prefect_server
from patina.flows.supervisor import supervised

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment

    from patina.params import Crawl

BATCHES = 1  # maximum number of batches at a time; each uses all cores
RUNS = 2  # maximum number of runs at a time, so that a batch does not wait for a crawl
OWN = "own"  # argument: no other process serves runs of this server


def serve() -> int:
    """Serve until stopped; start a server unless PREFECT_API_URL names one.

    Returns the exit code of the serving process; 0 when stopped by Ctrl-C.
    """
    params_file.load()  # report errors in it before anything starts
    own = () if os.environ.get("PREFECT_API_URL") else (OWN,)
    command = [sys.executable, "-m", "patina.flows.serving", *own]
    with prefect_server(), supervised(command) as serving, suppress(KeyboardInterrupt):
        return serving.wait()
    return 0


def main() -> None:
    """Register the deployments, print their names, and run what is requested."""
    from prefect import serve as answer

    if OWN in sys.argv[1:]:
        end_dead_runs()
    offered = deployments(params_file.load().crawl)
    for deployment in offered:
        deployment.apply()
    url = os.environ["PREFECT_API_URL"]
    # Printed when the deployments are ready
    sys.stdout.write(
        f"Serving restore/batch and crawl/nightly; watch them at {url.removesuffix('/api')}\n"
        f"In another shell: export PREFECT_API_URL={url}\n"
    )
    sys.stdout.flush()
    answer(*offered, limit=RUNS, print_starting_message=False)


def deployments(crawl: "Crawl") -> list["RunnerDeployment"]:
    """The deployments. `crawl/nightly` has its schedule only if the source is a museum.

    crawl: that section of params.yaml.
    """
    from prefect.deployments.runner import EntrypointType
    from prefect.schedules import Cron

    from patina.flows.crawl import crawl as crawl_flow
    from patina.flows.restore import restore as restore_flow

    # By the names of their modules, which the workers of a cluster can import
    by_module = EntrypointType.MODULE_PATH
    batch = restore_flow.to_deployment(
        "batch", tags=["restore"], concurrency_limit=BATCHES, entrypoint_type=by_module
    )
    nightly = crawl_flow.to_deployment(
        "nightly",
        tags=["crawl"],
        parameters={"from_museum": True, "push": True},
        schedule=Cron(crawl.nightly, active=crawl.is_museum),
        concurrency_limit=1,
        entrypoint_type=by_module,
    )
    return [batch, nightly]  # type: ignore[list-item]  # or awaitable


def end_dead_runs() -> None:
    """Mark the runs of a killed server process as crashed.

    Otherwise they would count as running, and would block the next batch.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed, State

    active = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    unfinished = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=active)))
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=unfinished):
            killed: State[Any] = Crashed(message="The process that ran this was killed.")
            client.set_flow_run_state(run.id, killed, force=True)


if __name__ == "__main__":
    main()
