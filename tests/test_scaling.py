"""More than one machine: a Dask scheduler with workers, and scans and DVC's remote in a bucket."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import cv2
import dask
import numpy as np
import pytest
from conftest import Workspace, line_with, process
from distributed import Client
from fsspec import AbstractFileSystem

from patina.flows import batches
from patina.flows.batches import ClusterError, compute
from patina.flows.crawl import mirror
from patina.flows.crawl_process import CrawlFlowError
from patina.flows.preprocess import prepare_batch
from patina.params import ParamsError, load
from patina.tasks.io.atomic import read_jsonl, sha256_of

WORKS = 20
SIDE_PX = 720  # large enough that there is time to kill a process
CLEAN = "data/clean"
WORKER = ("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
PATIENCE = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}


class Cluster(NamedTuple):
    """A Dask scheduler and two workers, each in its own process, in one workspace."""

    workspace: Workspace
    address: str
    scheduler: subprocess.Popen
    workers: list[subprocess.Popen]


def contents(folder: Path) -> dict[str, str]:
    """The path and hash of every file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256_of(path) for path in files}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clouds and grain, in folders."""
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    for number in range(WORKS):
        clouds = cv2.resize(rng.integers(30, 220, (6, 6, 3)).astype(np.float32), (SIDE_PX, SIDE_PX))
        image = clouds + rng.normal(0, 8, clouds.shape)
        (folder / f"box {number % 3}").mkdir(exist_ok=True)
        cv2.imwrite(
            str(folder / f"box {number % 3}/{number}.jpg"), image.clip(0, 255).astype(np.uint8)
        )
    return folder


@pytest.fixture(scope="module")
def collected(
    bare: Workspace, server: str, scans: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """A workspace with the collected scans; copy it to change it."""
    workspace = bare.copy(tmp_path_factory.mktemp("collected") / "workspace")
    workspace.set(
        crawl={"source": "folder", "folder": str(scans)}, preprocess={"working_px": SIDE_PX}
    )
    workspace.run("patina.flows", "crawl")
    return workspace


@pytest.fixture(scope="module")
def clean(collected: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The clean works that one process of this machine makes of them."""
    workspace = collected.copy(tmp_path_factory.mktemp("clean") / "workspace")
    workspace.run("patina.flows", "preprocess", PATINA_WORKERS="1")
    return contents(workspace.folder / CLEAN)


@pytest.fixture(scope="module")
def cluster(
    collected: Workspace, storage: AbstractFileSystem, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One cluster for all tests here, started as docs/scaling.md says; each test removes a part
    of it.
    """
    workspace = collected.copy(tmp_path_factory.mktemp("cluster") / "workspace")
    with ExitStack() as stack:

        def start(*command: str) -> subprocess.Popen:
            return stack.enter_context(process("dask", *command, cwd=workspace.folder))

        scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = line_with(r"tcp://127\.0\.0\.1:\d+", scheduler)
        workers = [start(*WORKER, address), start(*WORKER, address)]
        for worker in workers:
            line_with("Registered to", worker)
        yield Cluster(workspace, address, scheduler, workers)


@contextmanager
def preprocessing(cluster: Cluster) -> Iterator[subprocess.Popen]:
    """The flow on the cluster without any computed works, stopped in the middle."""
    folder = cluster.workspace.folder
    shutil.rmtree(folder / ".cache/items", ignore_errors=True)
    shutil.rmtree(folder / CLEAN, ignore_errors=True)
    flow = process(
        "patina.flows", "preprocess", cwd=folder, PATINA_DASK=cluster.address, **PATIENCE
    )
    with flow as running:
        while items(folder) < 3:
            assert running.poll() is None, running.communicate()[0]
            time.sleep(0.01)  # between two checks
        yield running


def items(folder: Path) -> int:
    return len(list((folder / ".cache/items").glob("??/*")))


def test_workers_in_another_folder_are_refused(
    cluster: Cluster, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collected.folder)
    monkeypatch.setattr(batches, "CLUSTER", cluster.address)
    printed = f"workers cannot read {collected.folder}: tcp://.*, tcp://.*; start them in this"
    with pytest.raises(ClusterError, match=printed):
        compute(prepare_batch, ["a job"])


def test_a_worker_with_other_versions_is_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "pyvips-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pyvips\nVersion: 0.1\n")
    monkeypatch.chdir(cluster.workspace.folder)
    monkeypatch.setattr(batches, "CLUSTER", cluster.address)
    command = ("dask", *WORKER, cluster.address)
    with process(*command, cwd=cluster.workspace.folder, PYTHONPATH=str(tmp_path)) as worker:
        line_with("Registered to", worker)
        with pytest.raises(ClusterError, match=r"workers have other versions: tcp://[^,]*; inst"):
            compute(prepare_batch, ["a job"])


def test_the_deployment_restores_a_bucket_on_the_workers(
    cluster: Cluster, storage: AbstractFileSystem, scans: Path, tmp_path: Path
) -> None:
    for path in sorted(scans.rglob("*.jpg"))[:3]:
        part = cv2.imread(str(path))[:200, :300]
        storage.pipe_file(f"lab/inbox/{path.name}", cv2.imencode(".jpg", part)[1].tobytes())
    storage.pipe_file("lab/inbox/letter.tif", b"Dear museum")
    workspace = cluster.workspace
    served = {"PATINA_DASK": cluster.address, "PYTHONUNBUFFERED": "1"}
    with process("patina.cli", "serve", cwd=workspace.folder, **served) as serving:
        line_with("Serving restore/batch", serving)
        places = ("-p", "inbox=s3://lab/inbox", "-p", "outbox=s3://lab/outbox")
        workspace.run("prefect", "deployment", "run", "restore/batch", *places, "--watch")
    with Client(cluster.address, set_as_default=False) as client:
        assert any(client.run(lambda: "openvino" in sys.modules).values())
    done = [name for name in storage.find("lab/outbox") if name.endswith(".tif.json")]
    assert len(done) == 3
    [fault] = storage.cat_file("lab/outbox/failures.jsonl").decode().splitlines()
    assert "letter.tif: its first bytes are not those of a supported" in fault


def test_after_a_killed_worker_every_work_is_computed_once(
    cluster: Cluster, clean: dict[str, str]
) -> None:
    folder = cluster.workspace.folder
    with preprocessing(cluster) as flow:
        cluster.workers[0].kill()
        assert items(folder) < WORKS
        printed, _ = flow.communicate()
    assert f"preprocess: {WORKS} works, {WORKS} computed, 0 set aside" in printed
    ids = [work["id"] for work in read_jsonl(folder / CLEAN / "manifest.jsonl")]
    assert len(ids) == len(set(ids)) == WORKS
    assert contents(folder / CLEAN) == clean
    with Client(cluster.address, set_as_default=False) as client:
        assert set(client.run(lambda: cv2.getNumThreads()).values()) == {1}


def test_a_lost_scheduler_is_an_error_and_the_next_run_resumes(
    cluster: Cluster, clean: dict[str, str]
) -> None:
    with preprocessing(cluster) as flow:
        cluster.scheduler.kill()
        printed, _ = flow.communicate()
    assert flow.returncode == 1
    assert printed.endswith(
        f"patina: PATINA_DASK: the scheduler at {cluster.address} is lost; start it and run this"
        " again: it continues with the computed works\n"
    )
    printed = cluster.workspace.run("patina.flows", "preprocess", PATINA_WORKERS="1")
    computed = re.search(rf"preprocess: {WORKS} works, (\d+) computed", printed)
    assert computed
    assert 0 < int(computed[1]) <= WORKS - 3
    assert contents(cluster.workspace.folder / CLEAN) == clean


def test_a_scheduler_that_does_not_answer_is_an_error_with_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setattr(batches, "CLUSTER", address)
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            pytest.raises(ClusterError, match=f"no scheduler with a worker at {address}: Timed"),
        ):
            compute(prepare_batch, ["a job"])


@pytest.fixture
def bucket(storage: AbstractFileSystem, tmp_path: Path) -> AbstractFileSystem:
    """Three objects under s3://lab/<name of tmp_path>."""
    for name in ("a.png", "b.tif", "sub/c.jpg"):
        storage.pipe(f"lab/{tmp_path.name}/{name}", name.encode())
    return storage


def test_only_new_or_changed_scans_of_a_bucket_are_downloaded(
    bucket: AbstractFileSystem, tmp_path: Path
) -> None:
    url = f"s3://lab/{tmp_path.name}"
    here = mirror(url, tmp_path)
    before = {path.name: path.stat().st_ctime_ns for path in here.rglob("*.*")}
    assert set(before) == {"a.png", "b.tif", "c.jpg"}
    bucket.pipe({f"{url}/a.png": b"longer than it was", f"{url}/d.png": b"d", f"{url}/d.txt": b""})
    bucket.rm(f"{url}/b.tif")
    assert mirror(url, tmp_path) == here
    after = {path.name: path.stat().st_ctime_ns for path in here.rglob("*.*")}
    assert set(after) == {"a.png", "c.jpg", "d.png"}
    assert after["c.jpg"] == before["c.jpg"]
    assert (here / "a.png").read_bytes() == b"longer than it was"


def test_no_object_is_written_outside_of_the_mirror(
    bucket: AbstractFileSystem, tmp_path: Path
) -> None:
    url = f"s3://lab/{tmp_path.name}"
    for name in ("/absolute.png", "x/../../../outside.png"):
        bucket.pipe(f"{url}/{name}", b"")
    here = mirror(url, tmp_path / "scans")
    assert {path.name for path in here.iterdir()} >= {"absolute.png", "outside.png"}
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("s3://nowhere/scans", "The specified bucket does not exist"),
        ("s3://lab/nothing", "there is no image file in it"),
    ],
)
def test_missing_scans_are_an_error(
    storage: AbstractFileSystem, tmp_path: Path, url: str, fault: str
) -> None:
    with pytest.raises(CrawlFlowError, match=f"^crawl: {url}: cannot be read: {fault}$"):
        mirror(url, tmp_path)


def test_an_unknown_storage_is_an_error() -> None:
    with pytest.raises(ParamsError, match=r"crawl\.folder: unknown storage 's4'; known: file, s3"):
        load(crawl={"folder": "s4://lab/scans"})


def test_scans_in_a_bucket_give_the_works_of_a_folder_and_a_remote_keeps_them(
    collected: Workspace, storage: AbstractFileSystem, scans: Path, tmp_path: Path
) -> None:
    storage.put(str(scans), "lab/scans", recursive=True)
    workspace = collected.copy(tmp_path / "workspace")
    shutil.rmtree(workspace.folder / ".cache/harvest")
    workspace.set(crawl={"folder": "s3://lab/scans"})
    workspace.run("dvc", "repro", "crawl")
    works = contents(workspace.folder / "data/artworks")
    assert works == contents(collected.folder / "data/artworks")

    workspace.run("dvc", "remote", "add", "--default", "lab", "s3://lab/dvc")
    workspace.run("dvc", "push")
    for command in (
        ["add", "-A"],
        ["commit", "-qm", "works"],
        ["clone", "-q", ".", tmp_path / "clone"],
    ):
        subprocess.run(["git", *command], cwd=workspace.folder, check=True)
    clone = Workspace(tmp_path / "clone")
    clone.run("dvc", "pull", "crawl")
    assert contents(clone.folder / "data/artworks") == works
