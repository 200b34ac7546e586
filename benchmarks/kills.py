"""Kills restore, crawl, degrade and promote at random moments, and prints a table.

    python benchmarks/kills.py [--only restore] [--kills 20] [--seed 0]

Each command runs once undisturbed. Then it is killed (SIGKILL) --kills times at a random moment,
and started again in the same folder. After every kill, no file in the folder may be incomplete.
After every ROUND kills, a run that is not killed must give the same files as the undisturbed run,
and leave no draft. The networks are those of tests/restorers.py, and the gate always holds, because
this tests how files are written, not their content. Exit code: 0, or 1 if a row fails.
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

ROUND = 5  # number of kills after which a run may end, and the folder is made anew
PART = ".part"  # the crawler's own drafts
SCANS, WORKS, TWINS = 8, 6, 12


class Ran(NamedTuple):
    """How a run ended: exit code (negative: signal), seconds, and output."""

    code: int
    seconds: float
    output: str


class Subject(NamedTuple):
    """A command to kill."""

    prepare: Callable[[Path], None]  # fills an empty folder
    run: Callable[[Path], None]  # runs the command in the folder, in its own process
    faults: Callable[[Path], Iterator[str]]  # what is incomplete in the folder, in words
    made: Callable[[Path], dict[str, str]]  # hashes of the files of a complete run, by name


def prepare_scans(folder: Path) -> None:
    """Make scans in three formats."""
    (folder / "in").mkdir()
    for number in range(SCANS):
        suffix = (".tif", ".png", ".jpg")[number % 3]
        painted(160).write_to_file(str(folder / f"in/{number:02}{suffix}"))


def restore(_: Path) -> None:
    """Run `patina restore` with fixed networks."""
    from restorers import restorer

    from patina.cli import app
    from patina.tasks.restoration import batch

    made = restorer(0.1, noise=0.02, damaged=4, fill=0.1)
    batch.load_restorer = lambda *_, **__: made  # type: ignore[assignment]
    app(["restore", "in", "-o", "out", "--maps", "--package"], standalone_mode=False)


def half_restored(folder: Path) -> Iterator[str]:
    """The sidecars without their complete result."""
    for sidecar in (folder / "out").glob("*.json"):
        stored = json.loads(sidecar.read_text())["result"]["sha256"]
        if stored != sha256_of(sidecar.with_suffix("")):
            yield f"{sidecar.name}: its result has another hash"


def restored(folder: Path) -> dict[str, str]:
    """The hashes of the results; "" for files that contain a time."""
    dated = (".json", ".zip", ".csv", ".html", ".jsonl")
    return contents(folder / "out", dated)


def contents(folder: Path, dated: tuple[str, ...] = ()) -> dict[str, str]:
    """The SHA-256 of the files by name; "" for files with a suffix in `dated`."""
    return {
        str(path.relative_to(folder)): "" if path.suffix in dated else sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def crawl(_: Path) -> None:
    """Crawl the sample museum."""
    from patina.crawler.run import app

    app(["--source=sample", "--out=out", f"--works={WORKS}"], standalone_mode=False)


def half_crawled(folder: Path) -> Iterator[str]:
    """The records and lines of the manifest without their complete image."""
    for record in (folder / "out/records").glob("[!.]*.json"):
        stored = json.loads(record.read_text())
        if stored["sha256"] != sha256_of(folder / "out" / stored["file"]):
            yield f"{record.name}: its image has another hash"
    if (manifest := folder / "out/manifest.jsonl").exists():
        for work in read_jsonl(manifest):
            if work["sha256"] != sha256_of(folder / "out" / work["file"]):
                yield f"{work['id']}: its image has another hash than in the manifest"


def crawled(folder: Path) -> dict[str, str]:
    """The hashes of the images, and those in the manifest."""
    manifest = {work["id"]: work["sha256"] for work in read_jsonl(folder / "out/manifest.jsonl")}
    return contents(folder / "out/artworks") | manifest


def prepare_works(folder: Path) -> None:
    """Make a clean work."""
    painted(160).write_to_file(str(folder / "work.png"))


def degrade(_: Path) -> None:
    """Run `patina degrade`, and write the twins of the stage `degrade`."""
    from patina.cli import app
    from patina.flows.degrade import lay_out
    from patina.flows.publishing import publish
    from patina.tasks.dataset.recipes import recipe_by_hand
    from patina.tasks.dataset.twins import degrade_work
    from patina.tasks.io.item_store import ItemStore

    steps = ["--steps", "scratches:0.7,fading:0.4"]
    app(["degrade", "work.png", *steps, "-o", "by-hand.png"], standalone_mode=False)
    from patina.flows import degrade as flow

    flow.STORE = store = ItemStore(Path("items"))  # type: ignore[attr-defined]
    recipes = [recipe_by_hand("work", "scratches:0.7", seed=seed) for seed in range(TWINS)]
    named = [each.model_copy(update={"twin": f"twin-{seed}"}) for seed, each in enumerate(recipes)]
    keys = {f"{seed:02}" * 32: recipe for seed, recipe in enumerate(named)}
    degrade_work(Path("work.png"), [(k, r) for k, r in keys.items() if k not in store], store)
    twins = [{"key": key, "recipe": recipe.model_dump(mode="json")} for key, recipe in keys.items()]
    publish(
        Path("out"), *lay_out([{"id": "work", "file": "work.png", "side": "train", "twins": twins}])
    )


def half_degraded(folder: Path) -> Iterator[str]:
    """Incomplete items, recipes without a twin, and missing files of the manifest."""
    for item in (folder / "items").glob("??/*"):
        if {file.name for file in item.iterdir()} != {"image.png", "mask.png", "recipe.json"}:
            yield f"{item.name[:8]}: the item is incomplete"
    if (folder / "by-hand.recipe.json").exists():
        for name in ("by-hand.png", "by-hand.mask.png"):
            if not (folder / name).exists():
                yield f"{name}: missing beside its recipe"
    manifest = folder / "out/manifest.jsonl"
    for twin in read_jsonl(manifest) if manifest.exists() else []:
        for name in (twin["image"], twin["mask"], twin["recipe"]):
            if not (folder / "out" / name).exists():
                yield f"{name}: in the manifest, but missing"


def degraded(folder: Path) -> dict[str, str]:
    """The hashes of all files."""
    return contents(folder)


def prepare_model(folder: Path) -> None:
    """Make a champion and the files of the stage `train`, both registered in MLflow."""
    import mlflow

    from patina.flows import mlflow_registry, tracking

    database = f"sqlite:///{folder}/mlflow.db"
    os.environ["MLFLOW_TRACKING_URI"] = database
    mlflow.set_tracking_uri(database)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment(tracking.EXPERIMENT, str(folder / "artifacts"))
    client.create_registered_model(mlflow_registry.REGISTERED)
    for name, place in (("former", "champion"), ("latest", "model")):
        for suffix in (".keras", ".xml", ".bin"):
            path = folder / "data" / place / f"model{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{name}{suffix}".encode() * 100_000)
        run = client.create_run(experiment).info.run_id
        version = client.create_model_version(mlflow_registry.REGISTERED, f"file://{folder}", run)
        sha256 = sha256_of(path.with_suffix(".keras"))
        write_json(path.with_suffix(".json"), {"mlflow_run": run, "sha256": sha256})
        if place == "champion":
            client.set_registered_model_alias(
                mlflow_registry.REGISTERED, "champion", version.version
            )
    (folder / "data/degraded").mkdir()
    (folder / "data/degraded/manifest.jsonl").touch()


def promote(folder: Path) -> None:
    """Run `patina promote`, with a gate that holds."""
    from patina.errors import InputError
    from patina.flows import promote as flow

    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    flow.measured = lambda *_: iter(())  # type: ignore[attr-defined]
    flow.gate = lambda _: []  # type: ignore[attr-defined]
    with suppress(InputError):  # it is already the champion
        flow.promote()


def half_promoted(folder: Path) -> Iterator[str]:
    """Whether the files of the champion belong to several models, or differ from model.json."""
    champion = folder / "data/champion"
    kinds = {
        (champion / f"model{suffix}").read_bytes()[:6] for suffix in (".keras", ".xml", ".bin")
    }
    if len(kinds) != 1:
        yield "the files of the champion belong to two models"
    stored = json.loads((champion / "model.json").read_text())["sha256"]
    if stored != sha256_of(champion / "model.keras"):
        yield "the champion has another hash than in its model.json"


def promoted(folder: Path) -> dict[str, str]:
    """The hashes of the champion's files, and its version in MLflow."""
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
    """Run `work` in the folder, in a process of its own. kill_after: seconds; 0: never.

    The process is a fork of this one, which has imported all slow modules.
    """
    with tempfile.TemporaryFile() as output:
        started = time.monotonic()
        if not (child := os.fork()):
            os.chdir(folder)
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            os._exit(worked(work))
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if kill_after and time.monotonic() - started > kill_after:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.002)  # so that waiting does not use the processor
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Ran(os.waitstatus_to_exitcode(ended[1]), time.monotonic() - started, text)


def worked(work: Callable[[Path], None]) -> int:
    """Run `work`; return its exit code."""
    try:
        work(Path.cwd())
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001 -- a fork must not continue as this process
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def anew(subject: Subject, folder: Path) -> Path:
    """The folder, with only the prepared files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    prepared = ran(subject.prepare, folder)
    assert prepared.code == 0, prepared.output
    return folder


def at_the_end(subject: Subject, folder: Path, whole: Path) -> Iterator[str]:
    """The faults after a further run that is not killed. whole: folder of the undisturbed run."""
    end = ran(subject.run, folder)
    if end.code:
        yield f"exit code {end.code}: {end.output[-300:]}"
    for path in folder.rglob("*"):
        if DRAFT in path.name or PART in path.name:
            yield f"draft left: {path.relative_to(folder)}"
    one, other = subject.made(whole), subject.made(folder)
    if differ := sorted(name for name in {*one, *other} if one.get(name) != other.get(name)):
        yield f"differ: {differ[:5]}"


def row(name: str, kills: int, chance: random.Random, home: Path) -> bool:
    """Kill a command `kills` times, and print its row; return whether there is no fault."""
    subject, begun, found, done = SUBJECTS[name], time.monotonic(), [], 0
    whole = home / "whole"
    ended = [ran(subject.run, anew(subject, whole)) for _ in range(2)]
    found += [f"undisturbed: {end.output[-300:]}" for end in ended if end.code]
    seconds = min(end.seconds for end in ended)  # the first has the files of programs read
    folder = anew(subject, home / "killed")
    while done < kills:
        end = ran(subject.run, folder, chance.uniform(0.001, seconds))
        done += end.code == -signal.SIGKILL
        if end.code not in (0, -signal.SIGKILL):
            found.append(f"{done}: exit code {end.code}: {end.output[-300:]}")
        found += [f"{done}: {fault}" for fault in subject.faults(folder)]
        if end.code == 0 or done % ROUND == 0 or done == kills:
            found += [f"{done}: {fault}" for fault in at_the_end(subject, folder, home / "whole")]
            folder = anew(subject, folder)
    verdict = "holds" if not found else f"FAILS: {'; '.join(found[:4])}"
    minutes = (time.monotonic() - begun) / 60
    print(f"| {name} | {done} | {seconds:.1f} | {minutes:.1f} | {verdict} |", flush=True)  # noqa: T201
    return not found


def load() -> None:
    """Import the slow modules."""
    import mlflow.tracking
    import restorers

    import patina.cli
    import patina.crawler.run
    import patina.flows.degrade
    import patina.flows.promote
    import patina.tasks.restoration.batch

    assert all((mlflow, restorers, patina))


def main() -> int:
    """Run all rows, and print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Run only this command.")
    parser.add_argument("--kills", type=int, default=20, help="Number of kills of each command.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the random moments.")
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
