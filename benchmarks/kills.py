"""Restore, crawl, degrade and promote, killed at random times, as a table.

    python benchmarks/kills.py [--only restore] [--kills 20] [--seed 0]

Each is run undisturbed, and then killed (SIGKILL) so many times at a random moment, in a folder in
which it goes on. After every kill nothing that is there may be half done; after every few, one
that is not killed must make it the same as the undisturbed one, and leave no draft. The networks
are those of tests/restorers.py, and the gate always holds: what is tried is how files are written,
not what is in them. Exit code: 0, or 1 when a row fails.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]

from hostile import painted  # noqa: E402 -- found by the line above

from patina.tasks.io.atomic import DRAFT, read_jsonl, sha256_of, write_json  # noqa: E402

ROUND = 5  # kills, after which one goes on to the end, and all begins anew
PART = ".part"  # the crawler's own drafts
SCANS, WORKS, TWINS = 8, 6, 12


class Ran(NamedTuple):
    """How a run ended: exit code (minus a signal), seconds, and what it told."""

    code: int
    seconds: float
    told: str


class Subject(NamedTuple):
    """What is killed. prepare: fills an empty folder. run: in a process of its own, in the folder.

    faults: what is half done in the folder. made: what the whole run makes, by name.
    """

    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    faults: Callable[[Path], Iterator[str]]
    made: Callable[[Path], dict[str, str]]


def prepare_scans(folder: Path) -> None:
    """Some scans of three kinds."""
    (folder / "in").mkdir()
    for number in range(SCANS):
        suffix = (".tif", ".png", ".jpg")[number % 3]
        painted(160).write_to_file(str(folder / f"in/{number:02}{suffix}"))


def restore(_: Path) -> None:
    """`patina restore` with networks that are known beforehand."""
    from restorers import restorer

    from patina.cli import app
    from patina.tasks.restoration import batch

    made = restorer(0.1, detail=0.02, damaged=4, fill=0.1)
    batch.load_restorer = lambda *_, **__: made  # type: ignore[assignment]
    app(["restore", "in", "-o", "out", "--maps", "--package"], standalone_mode=False)


def half_restored(folder: Path) -> Iterator[str]:
    """A sidecar says that its result is there, whole."""
    for sidecar in (folder / "out").glob("*.json"):
        told = json.loads(sidecar.read_text())["result"]["sha256"]
        if told != sha256_of(sidecar.with_suffix("")):
            yield f"{sidecar.name}: its result is another"


def restored(folder: Path) -> dict[str, str]:
    """Results by their sums; what says when it was made by name."""
    dated = (".json", ".zip", ".csv", ".html", ".jsonl")
    return contents(folder / "out", dated)


def contents(folder: Path, dated: tuple[str, ...] = ()) -> dict[str, str]:
    """The sums of files by name; of those that are dated nothing."""
    return {
        str(path.relative_to(folder)): "" if path.suffix in dated else sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def crawl(_: Path) -> None:
    """The sample museum, which paints what it is asked for."""
    from patina.crawler.run import app

    app(["--source=sample", "--out=out", f"--works={WORKS}"], standalone_mode=False)


def half_crawled(folder: Path) -> Iterator[str]:
    """Every record has its image, whole; the manifest says what is there."""
    for record in (folder / "out/records").glob("[!.]*.json"):
        told = json.loads(record.read_text())
        if told["sha256"] != sha256_of(folder / "out" / told["file"]):
            yield f"{record.name}: its image is another"
    if (manifest := folder / "out/manifest.jsonl").exists():
        for work in read_jsonl(manifest):
            if work["sha256"] != sha256_of(folder / "out" / work["file"]):
                yield f"{work['id']}: in the manifest, and another"


def crawled(folder: Path) -> dict[str, str]:
    """The images, and the works of the manifest."""
    manifest = {work["id"]: work["sha256"] for work in read_jsonl(folder / "out/manifest.jsonl")}
    return contents(folder / "out/artworks") | manifest


def prepare_works(folder: Path) -> None:
    """A clean work."""
    painted(160).write_to_file(str(folder / "work.png"))


def degrade(_: Path) -> None:
    """`patina degrade`, and the twins of the stage, filed and published."""
    from patina.cli import app
    from patina.flows.degrade import lay_out
    from patina.flows.publishing import publish
    from patina.tasks.dataset.recipes import recipe_by_hand
    from patina.tasks.dataset.twins import deteriorate
    from patina.tasks.io.item_store import ItemStore

    steps = ["--steps", "scratches:0.7,fading:0.4"]
    app(["degrade", "work.png", *steps, "-o", "by-hand.png"], standalone_mode=False)
    from patina.flows import degrade as flow

    flow.STORE = store = ItemStore(Path("items"))  # type: ignore[attr-defined]
    recipes = [recipe_by_hand("work", "scratches:0.7", seed=seed) for seed in range(TWINS)]
    named = [each.model_copy(update={"twin": f"twin-{seed}"}) for seed, each in enumerate(recipes)]
    keys = {f"{seed:02}" * 32: recipe for seed, recipe in enumerate(named)}
    deteriorate(Path("work.png"), [(k, r) for k, r in keys.items() if k not in store], store)
    twins = [{"key": key, "recipe": recipe.model_dump(mode="json")} for key, recipe in keys.items()]
    publish(
        Path("out"), *lay_out([{"id": "work", "file": "work.png", "side": "train", "twins": twins}])
    )


def half_degraded(folder: Path) -> Iterator[str]:
    """Items are whole; a recipe has its twin; what the manifest names is there."""
    for item in (folder / "items").glob("??/*"):
        if {file.name for file in item.iterdir()} != {"image.png", "mask.png", "recipe.json"}:
            yield f"{item.name[:8]}: an item that is not whole"
    if (folder / "by-hand.recipe.json").exists():
        for name in ("by-hand.png", "by-hand.mask.png"):
            if not (folder / name).exists():
                yield f"{name}: not there beside its recipe"
    manifest = folder / "out/manifest.jsonl"
    for twin in read_jsonl(manifest) if manifest.exists() else []:
        for name in (twin["image"], twin["mask"], twin["recipe"]):
            if not (folder / "out" / name).exists():
                yield f"{name}: in the manifest, and not there"


def degraded(folder: Path) -> dict[str, str]:
    """All of it."""
    return contents(folder)


def prepare_model(folder: Path) -> None:
    """Files as the stage `train` leaves them, a champion, and both in MLflow's registry."""
    import mlflow

    from patina.flows import registered, tracking

    database = f"sqlite:///{folder}/mlflow.db"
    os.environ["MLFLOW_TRACKING_URI"] = database
    mlflow.set_tracking_uri(database)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment(tracking.EXPERIMENT, str(folder / "artifacts"))
    client.create_registered_model(registered.REGISTERED)
    for name, place in (("former", "champion"), ("latest", "model")):
        for suffix in (".keras", ".xml", ".bin"):
            path = folder / "data" / place / f"model{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{name}{suffix}".encode() * 100_000)
        run = client.create_run(experiment).info.run_id
        version = client.create_model_version(registered.REGISTERED, f"file://{folder}", run)
        sha256 = sha256_of(path.with_suffix(".keras"))
        write_json(path.with_suffix(".json"), {"mlflow_run": run, "sha256": sha256})
        if place == "champion":
            client.set_registered_model_alias(registered.REGISTERED, "champion", version.version)
    (folder / "data/degraded").mkdir()
    (folder / "data/degraded/manifest.jsonl").touch()


def promote(folder: Path) -> None:
    """`patina promote`, with a gate that holds."""
    from patina.errors import InputError
    from patina.flows import promote as flow

    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    flow.measured = lambda *_: iter(())  # type: ignore[attr-defined]
    flow.gate = lambda _: []  # type: ignore[attr-defined]
    with suppress(InputError):  # it is the champion already
        flow.promote()


def half_promoted(folder: Path) -> Iterator[str]:
    """The champion's files are of one model, whole, and what model.json says."""
    champion = folder / "data/champion"
    kinds = {
        (champion / f"model{suffix}").read_bytes()[:6] for suffix in (".keras", ".xml", ".bin")
    }
    if len(kinds) != 1:
        yield "the champion's files are of two models"
    told = json.loads((champion / "model.json").read_text())["sha256"]
    if told != sha256_of(champion / "model.keras"):
        yield "the champion is not what its model.json says"


def promoted(folder: Path) -> dict[str, str]:
    """The champion, here and in MLflow."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        asked = "SELECT version FROM registered_model_aliases WHERE alias = 'champion'"
        ((version,),) = database.execute(asked).fetchall()
    return contents(folder / "data/champion", (".json",)) | {"champion": str(version)}


SUBJECTS = {
    "restore": Subject(prepare_scans, restore, half_restored, restored),
    "crawl": Subject(lambda _: None, crawl, half_crawled, crawled),
    "degrade": Subject(prepare_works, degrade, half_degraded, degraded),
    "promote": Subject(prepare_model, promote, half_promoted, promoted),
}


def ran(work: Callable[[Path], None], folder: Path, kill_after: float = 0) -> Ran:
    """Do that in the folder, in a process of its own, and kill it after so many seconds, if any.

    The process is a fork of this one, which has imported what takes seconds, and done nothing.
    """
    with tempfile.TemporaryFile() as told:
        started = time.monotonic()
        if not (child := os.fork()):
            os.chdir(folder)
            for stream in (1, 2):
                os.dup2(told.fileno(), stream)
            os._exit(worked(work))
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if kill_after and time.monotonic() - started > kill_after:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.002)  # between looks; the look decides
        told.seek(0)
        text = told.read().decode(errors="replace")
    return Ran(os.waitstatus_to_exitcode(ended[1]), time.monotonic() - started, text)


def worked(work: Callable[[Path], None]) -> int:
    """Do it; the exit code."""
    try:
        work(Path.cwd())
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001 -- of a fork, of which nothing may go on as if it were this
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def anew(subject: Subject, folder: Path) -> Path:
    """The folder, empty but for what is prepared."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    prepared = ran(subject.prepare, folder)
    assert prepared.code == 0, prepared.told
    return folder


def at_the_end(subject: Subject, folder: Path, whole: Path) -> Iterator[str]:
    """What does not hold when it is run once more, and not killed."""
    end = ran(subject.run, folder)
    if end.code:
        yield f"exit code {end.code}: {end.told[-300:]}"
    for path in folder.rglob("*"):
        if DRAFT in path.name or PART in path.name:
            yield f"left: {path.relative_to(folder)}"
    one, other = subject.made(whole), subject.made(folder)
    if differ := sorted(name for name in {*one, *other} if one.get(name) != other.get(name)):
        yield f"differ: {differ[:5]}"


def row(name: str, kills: int, chance: random.Random, home: Path) -> bool:
    """Print a row of the table; whether it holds."""
    subject, begun, found, done = SUBJECTS[name], time.monotonic(), [], 0
    whole = home / "whole"
    ended = [ran(subject.run, anew(subject, whole)) for _ in range(2)]
    found += [f"undisturbed: {end.told[-300:]}" for end in ended if end.code]
    seconds = min(end.seconds for end in ended)  # the first has the files of programs read
    folder = anew(subject, home / "killed")
    while done < kills:
        end = ran(subject.run, folder, chance.uniform(0.001, seconds))
        done += end.code == -signal.SIGKILL
        if end.code not in (0, -signal.SIGKILL):
            found.append(f"{done}: exit code {end.code}: {end.told[-300:]}")
        found += [f"{done}: {fault}" for fault in subject.faults(folder)]
        if end.code == 0 or done % ROUND == 0 or done == kills:
            found += [f"{done}: {fault}" for fault in at_the_end(subject, folder, home / "whole")]
            folder = anew(subject, folder)
    verdict = "holds" if not found else f"FAILS: {'; '.join(found[:4])}"
    minutes = (time.monotonic() - begun) / 60
    print(f"| {name} | {done} | {seconds:.1f} | {minutes:.1f} | {verdict} |", flush=True)  # noqa: T201
    return not found


def load() -> None:
    """Import what takes seconds."""
    import mlflow.tracking
    import restorers

    import patina.cli
    import patina.crawler.run
    import patina.flows.degrade
    import patina.flows.promote
    import patina.tasks.restoration.batch

    assert all((mlflow, restorers, patina))


def main() -> int:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the rows of this name alone")
    parser.add_argument("--kills", type=int, default=20, help="of each")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    print("| what | kills | s undisturbed | min | verdict |\n|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"DVC_ROOT": home, "XDG_CACHE_HOME": f"{home}/cache"}
        load()
        names = [name for name in SUBJECTS if asked.only in ("", name)]
        held = [row(name, asked.kills, chance, Path(home)) for name in names]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
