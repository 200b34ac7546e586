"""The benchmark of a cluster leaves no process behind."""

import uuid
from pathlib import Path

from conftest import PROJECT, process
from processes import MARK, alive, until


def test_all_processes_of_the_scaling_benchmark_end_if_it_is_terminated(
    server: str, tmp_path: Path
) -> None:
    mark = uuid.uuid4().hex
    command = ("benchmarks.scaling", str(tmp_path), "--scans", "2", "--side", "64")
    with process(*command, cwd=PROJECT, **{MARK: mark}) as running:

        def restoring() -> bool:
            assert running.poll() is None, running.communicate()[0]
            return any(
                "patina.flows.restore" in " ".join(each.info["cmdline"]) for each in alive(mark)
            )

        until(restoring, "the flow runs on the cluster")
        assert len(alive(mark)) >= 7  # three of the benchmark, three of Dask, and the flow
        running.terminate()
        running.wait()
        until(lambda: not alive(mark), "all that it started has ended")
