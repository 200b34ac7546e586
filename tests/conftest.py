"""Fixtures and helpers of all tests: museums, Prefect and S3 servers, and workspaces."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from filelock import FileLock
from replay.museums import MUSEUMS
from replay.serving import Replay

import patina.flows  # noqa: F401 -- switches telemetry off before anything is imported
from patina.flows.prefect_server import prefect_server

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from patina.tasks.training.works import Work

pytest_plugins = ["app_page"]
PROJECT = Path(__file__).parents[1]
CODE = (
    "crawler",
    "flows",
    "models",
    "tasks",
    "patina",
    "dvc.yaml",
    "scans",
    "data/harvest/README.md",
)

# Small enough to take seconds, large enough for every stage to have work
SMALL: dict[str, dict[str, Any]] = {
    "crawl": {"works": 20},
    "preprocess": {"working_px": 160},
    "split": {"least_test_works": 4},
    "degrade": {"twins": 2},
    "train": {"network": "unet", "width": 0.25, "steps": 4, "warmup_steps": 1},
    "restore": {"tile_px": 96, "overlap_px": 32},
    "evaluate": {"panels": 1},
    "promote": {"sound_px": []},
}


UNCHANGED = ("/.git/objects/", "/models/pretrained/")
TONED = "tone-alone"  # an experiment that only restores colours, without training


class Workspace:
    """A checkout of the project, as a user has it, with its own git and DVC repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def set(self, **sections: dict[str, Any]) -> None:
        """Change values of params.yaml, by section."""
        path = self.folder / "params.yaml"
        params = yaml.safe_load(path.read_text())
        for section, values in sections.items():
            params[section] |= values
        path.write_text(yaml.safe_dump(params, sort_keys=False))

    def run(self, *command: str, code: int = 0, **environment: str) -> str:
        """Run a Python module in the workspace; return its output. code: the expected exit code."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment variables, with this Python first on the path.

        MLflow sets the address that another test used; a workspace has its own. Each stage uses one
        process, because two tests run at a time, and a process takes seconds to start. `patina
        serve` looks for runs every second instead of every ten.
        """
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ours = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
        own = {"PATH": path, "PYTHONPATH": str(self.folder), "PATINA_WORKERS": "1"}
        own["PREFECT_RUNNER_POLL_FREQUENCY"] = "1"
        return ours | own | changes

    def copy(self, folder: Path) -> "Workspace":
        """Copy the workspace to `folder`."""
        shutil.copytree(self.folder, folder, symlinks=True, copy_function=link_or_copy)
        return Workspace(folder)


def link_or_copy(source: str, target: str) -> None:
    """Copy a file, or link it if nothing changes it in place: those are the largest files."""
    if any(place in source for place in UNCHANGED):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


SERVED = {"server", "storage", "bare", "prepared", "finished", "toned", "cluster"}
SERVED |= {"served", "strict", "tab"}  # the page
KERAS = re.compile("^(import|from) keras", re.MULTILINE)
# Modules that share an experiment or a page: in one process, it is made once
EXPERIMENTS = ("test_tracking", "test_experiments")
PAGE = ("test_app", "test_app_areas", "test_app_drawing")
# Started first, so that no process is left with them at the end. EXPERIMENTS come after PAGE: by
# then another process has run the pipeline, for which they would wait
LONGEST = ("test_pipeline", *PAGE, *EXPERIMENTS, "test_scaling", "test_serving", "test_collecting")
LONGEST += ("test_training",)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files that import Keras, which takes seconds, if their tests are deselected anyway."""
    left_out = "not training" in config.option.markexpr and collection_path.suffix == ".py"
    return True if left_out and KERAS.search(collection_path.read_text()) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make check` skips, and start with the longest ones."""
    for item in items:
        assert isinstance(item, pytest.Function)
        if SERVED & set(item.fixturenames):
            item.add_marker(pytest.mark.server)
        if "keras" in vars(item.module):
            item.add_marker(pytest.mark.training)
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run each module in one process, and those of EXPERIMENTS, or of PAGE, in the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            shared = (group for group in (EXPERIMENTS, PAGE) if Path(file).stem in group)
            return next(map(str, shared), file)

    return Scheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a temporary cache folder instead of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@contextmanager
def process(*command: str, cwd: Path, **environment: str) -> Iterator[subprocess.Popen]:
    """Run a Python module during the block."""
    running = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=cwd,
        env=Workspace(cwd).environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def line_with(pattern: str, running: subprocess.Popen) -> str:
    """Wait for a line of the output that matches `pattern`; return the match."""
    assert running.stdout
    for line in running.stdout:
        if found := re.search(pattern, line):
            threading.Thread(
                target=running.stdout.read, daemon=True
            ).start()  # so that the process does not block
            return found[0]
    raise AssertionError(f"{running.args} ended without {pattern!r}")


@contextmanager
def serving(workspace: Workspace, deployment: str) -> Iterator[None]:
    """Run `patina serve` during the block, which begins when it names `deployment`."""
    with process("patina.cli", "serve", cwd=workspace.folder, PYTHONUNBUFFERED="1") as running:
        line_with(deployment, running)
        yield
        running.terminate()
        running.wait(60)


@pytest.fixture(scope="module", params=MUSEUMS, ids=lambda museum: museum.__name__)
def kind(request: pytest.FixtureRequest) -> type[Replay]:
    """Each kind of museum."""
    return request.param


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator["AbstractFileSystem"]:
    """A local S3 server, whose address is in the environment."""
    import fsspec

    moto = ("moto.server", "-H", "127.0.0.1", "-p", "0")
    with (
        process(*moto, cwd=tmp_path_factory.mktemp("moto")) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ENDPOINT_URL", line_with(r"http://127\.0\.0\.1:\d+", running))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "tester")
        # fsspec would otherwise return its client for the server of another module
        s3 = fsspec.filesystem("s3", skip_instance_cache=True)
        type(s3).clear_instance_cache()
        s3.mkdir("lab")
        yield s3
        type(s3).clear_instance_cache()


@pytest.fixture(scope="session")
def works(tmp_path_factory: pytest.TempPathFactory) -> "list[Work]":
    """Three decoded works for trainings."""
    from patina.crawler.sample.strokes import paint
    from patina.tasks.imaging.images import png_bytes
    from patina.tasks.training.works import decode_files

    folder = tmp_path_factory.mktemp("works")
    for number in range(3):
        (folder / f"{number}.png").write_bytes(png_bytes(paint(number)[0][:320, :400]))
    return decode_files(sorted(folder.glob("*.png")), folder / "decoded")


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all processes of this run of pytest."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def database(common: Path) -> Path:
    """The place of an empty database of Prefect, which the first server of all processes leaves.

    Prefect needs six seconds of the processor to make one.
    """
    return common / "prefect.db"


def give_database(database: Path, root: Path) -> Path:
    """Copy the database, if a server has left it, to where a server with that root expects it;
    return that place.
    """
    place = root / ".cache/prefect/prefect.db"
    place.parent.mkdir(parents=True)
    if database.exists():
        shutil.copy(database, place)
    return place


@pytest.fixture(scope="session")
def server(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server for all tests; its address is in PREFECT_API_URL."""
    root = tmp_path_factory.mktemp("server")
    place = give_database(database, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("patina.flows.prefect_server.CACHE", root / ".cache")
        with prefect_server() as url:
            if not database.exists():
                copy_database(place, database)
            yield url


def copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database that is in use."""
    draft = target.with_name(f"{os.getpid()}.db")
    with (
        closing(sqlite3.connect(source)) as before,
        closing(sqlite3.connect(draft)) as copy,
    ):
        before.backup(copy)
    draft.replace(target)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A fresh checkout with small params, before any run."""
    workspace = Workspace(tmp_path_factory.mktemp("bare"))
    for name in CODE:
        source, target = PROJECT / name, workspace.folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for name in ("params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(PROJECT / name, workspace.folder / name)
    workspace.set(**SMALL)
    # Otherwise each of some hundred processes compiles, where PYTHONDONTWRITEBYTECODE is set
    folders = [name for name in CODE if (workspace.folder / name).is_dir()]
    workspace.run("compileall", "-q", *folders)
    git = ["git", "-C", str(workspace.folder)]
    subprocess.run([*git, "init", "-q"], check=True)
    settings = {"user.name": "A Tester", "user.email": "tester@localhost"}
    settings |= {"core.compression": "0"}  # the shipped weights cannot be made smaller
    for key, value in settings.items():
        subprocess.run([*git, "config", key, value], check=True)
    workspace.run("dvc", "init", "-q")
    shutil.copy(PROJECT / ".dvc/config", workspace.folder / ".dvc/config")
    shutil.copytree(PROJECT / ".dvc/plots", workspace.folder / ".dvc/plots")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "start"], check=True)
    return workspace


def ran_once(source: Workspace, folder: Path, *command: str, **environment: str) -> Workspace:
    """A copy of `source` in `folder`, in which a Python module has run.

    The first process that needs it makes it. Copy it to change it.
    """
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            source.copy(folder).run(*command, **environment)
            done.touch()
    return Workspace(folder)


@pytest.fixture(scope="session")
def prepared(
    bare: Workspace, server: str, common: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """A workspace with 20 works, collected, preprocessed, split and degraded. Copy it to change
    it.
    """
    command = ("dvc", "repro", "degrade")
    made = ran_once(bare, common / "prepared", *command, PATINA_WORKERS="2")
    return made.copy(tmp_path_factory.mktemp("prepared") / "workspace")


@pytest.fixture(scope="session")
def finished(
    prepared: Workspace, common: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """A workspace in which every stage has run. Copy it to change it."""
    made = ran_once(prepared, common / "finished", "patina.cli", "run")
    return made.copy(tmp_path_factory.mktemp("finished") / "workspace")


@pytest.fixture(scope="session")
def toned(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A finished, committed workspace after the experiment TONED, and the output of the
    experiment.
    """
    workspace = finished.copy(tmp_path_factory.mktemp("toned") / "workspace")
    for command in (["add", "dvc.lock"], ["commit", "-qm", "Run of the pipeline"]):
        subprocess.run(["git", "-C", str(workspace.folder), *command], check=True)
    return workspace, workspace.run("dvc", "exp", "run", "-n", TONED, "-S", "restore.treat=[tone]")
