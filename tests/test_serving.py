"""Runs under `patina serve` are visible in Prefect's UI, and end with it."""

import json
import os
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, chromium
from conftest import Workspace, give_database, line_with, process
from processes import MARK, alive, until

from patina.crawler.sample.strokes import paint
from patina.tasks.imaging.images import png_bytes

pytestmark = pytest.mark.timeout(900)  # two servers and three runs, on a busy machine
TAB = "(name => element => element.innerText?.trim() == name)"  # the innermost element is the last
BUSY = 60  # number of scans of a batch that is killed before its end


def ask(url: str, body: Any = None) -> Any:
    """The response of Prefect's API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@dataclass
class Served:
    """The API of a `patina serve`, its process, and the mark of all processes that it started."""

    url: str
    running: Any
    mark: str

    def batch(self, inbox: Path, outbox: Path) -> str:
        """Start a batch; return the id of its run."""
        deployment = ask(f"{self.url}/deployments/name/restore/batch")["id"]
        parameters = {"inbox": str(inbox), "outbox": str(outbox)}
        return ask(
            f"{self.url}/deployments/{deployment}/create_flow_run", {"parameters": parameters}
        )["id"]

    def run(self, name: str) -> dict[str, Any]:
        """The data of a run on the server."""
        return ask(f"{self.url}/flow_runs/{name}")

    def ended(self, name: str) -> dict[str, Any]:
        """The data of a run after its end."""
        over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return until(
            lambda: (run := self.run(name))["state_type"] in over and run, f"{name} is over"
        )


@contextmanager
def served(workspace: Workspace, home: Path) -> Iterator[Served]:
    mark = uuid.uuid4().hex
    own = {"DVC_ROOT": str(home), "PREFECT_API_URL": "", MARK: mark, "PYTHONUNBUFFERED": "1"}
    with process("patina.cli", "serve", cwd=workspace.folder, **own) as running:
        url = line_with(r"http://127\.0\.0\.1:\d+/api", running)
        yield Served(url, running, mark)


@dataclass
class Killed:
    """A `patina serve` that was killed during a batch."""

    run: str
    mark: str
    results: int
    home: Path


@pytest.fixture(scope="module")
def killed(bare: Workspace, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    home = tmp_path_factory.mktemp("home")
    give_database(database, home)
    inbox, outbox = home / "in", home / "out"
    inbox.mkdir()
    scan = png_bytes(paint(0)[0][:256, :384])
    for number in range(BUSY):
        (inbox / f"{number}.png").write_bytes(scan)
    with served(bare, home) as serving:
        run = serving.batch(inbox, outbox)
        until(lambda: list(outbox.glob("*.json")), "a scan is restored")
        serving.running.kill()
        until(lambda: not alive(serving.mark), "all that it started has ended")
    return Killed(run, serving.mark, len(list(outbox.glob("*.png"))), home)


@dataclass
class Seen:
    """A `patina serve` after the killed one, and a batch with a file that is not an image."""

    serving: Served
    run: dict[str, Any]


@pytest.fixture(scope="module")
def seen(bare: Workspace, killed: Killed) -> Iterator[Seen]:
    inbox = killed.home / "mixed"
    inbox.mkdir()
    for number in range(2):
        (inbox / f"{number}.png").write_bytes(png_bytes(paint(number)[0][:128, :192]))
    (inbox / "broken.png").write_bytes(b"no image")
    with served(bare, killed.home) as serving:
        run = serving.ended(serving.batch(inbox, killed.home / "mixed-out"))
        yield Seen(serving, run)


def of_run(seen: Seen, what: str, key: str) -> list[dict[str, Any]]:
    return ask(
        f"{seen.serving.url}/{what}/filter", {key: {"flow_run_id": {"any_": [run_id(seen)]}}}
    )


def run_id(seen: Seen) -> str:
    return str(seen.run["id"])


def test_all_processes_of_patina_serve_end_if_it_is_killed(killed: Killed) -> None:
    assert 1 <= killed.results < BUSY
    assert alive(killed.mark) == []


def test_a_killed_run_is_marked_as_crashed_and_frees_its_slot(killed: Killed, seen: Seen) -> None:
    assert seen.serving.run(killed.run)["state_type"] == "CRASHED"
    deployment = ask(f"{seen.serving.url}/deployments/name/restore/batch")
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert seen.run["state_type"] == "COMPLETED"


def test_a_batch_with_failures_ends_in_a_state_that_shows_it(seen: Seen) -> None:
    assert seen.run["state"]["name"] == "1 set aside"
    printed = seen.run["state"]["message"]
    assert printed.startswith("restore: 3 scans")
    assert "1 set aside" in printed


def test_names_of_runs_and_tasks_describe_their_contents(killed: Killed, seen: Seen) -> None:
    assert seen.run["name"] == f"restore {killed.home / 'mixed'}"
    assert "restore" in seen.run["tags"]
    tasks = ask(
        f"{seen.serving.url}/task_runs/filter", {"flow_runs": {"id": {"any_": [run_id(seen)]}}}
    )
    assert [task["name"] for task in tasks] == ["restore 1-3"]


def test_the_log_of_a_run_has_the_counts_of_each_batch(seen: Seen) -> None:
    def printed() -> list[str]:
        found = [line["message"] for line in of_run(seen, "logs", "logs")]
        counted = any("restore: 3 of 3 done, 1 of 3 set aside" in line for line in found)
        return found if counted else []

    assert seen.run["state"]["message"] in until(printed, "the last counts have arrived")


def test_progress_and_flagged_works_are_artifacts(seen: Seen) -> None:
    artifacts = {each["key"]: each for each in of_run(seen, "artifacts", "artifacts")}
    assert artifacts["restore-progress"]["data"] == 100
    rows = json.loads(artifacts["restore"]["data"])
    broken = next(row for row in rows if row["scan"].endswith("broken.png"))
    assert broken["outcome"] == "set aside"
    assert "broken.png" in broken["why"]
    assert "mixed-out/report.html" in artifacts["restore-report"]["data"]


def test_the_form_explains_every_parameter_and_lists_the_choices(seen: Seen) -> None:
    deployment = ask(f"{seen.serving.url}/deployments/name/restore/batch")
    offered = deployment["parameter_openapi_schema"]["properties"]
    assert [name for name, field in offered.items() if not field.get("description")] == []
    assert offered["quality"]["enum"] == ["fast", "best"]
    assert offered["precision"]["enum"] == ["auto", "f32", "bf16"]


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_browser_sees_the_page_of_the_run(seen: Seen, tmp_path: Path) -> None:
    base = seen.serving.url.removesuffix("/api")
    with chromium() as page:
        page.visit(f"{base}/runs/flow-run/{run_id(seen)}")
        page.until("document.body.innerText.includes('restore: 3 of 3 done')")
        text = page.run("document.body.innerText")
        page.photograph(Path(os.environ.get("PATINA_SCREENS", tmp_path)) / "flow-run.png")
        for tab, shown in (("Task Runs", "restore 1-3"), ("Artifacts", "restore-progress")):
            page.run(f"[...document.querySelectorAll('*')].findLast({TAB}('{tab}')).click()")
            page.until(f"document.body.innerText.includes('{shown}')")
            page.photograph(tmp_path / f"{tab}.png")
    assert seen.run["name"] in text
    assert "1 set aside" in text
    assert "Can't connect" not in text
    assert any(address.startswith(f"{base}/api/") for address in page.requested)
