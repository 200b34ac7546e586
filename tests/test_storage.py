"""Scans in a bucket are restored like those in a folder, into a bucket or a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fsspec import AbstractFileSystem
from restorers import patina, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import read_jsonl, sha256_of
from patina.tasks.io.storage import Remote, place_of
from patina.tasks.restoration.batch import restore_scans, run_summary
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.outbox import locked_outbox, summary_in
from patina.tasks.restoration.remote import restore_remote
from patina.tasks.restoration.sidecars import OutputOptions
from patina.tasks.restoration.undo import package_of, undo

ALL = OutputOptions(maps=True, package=True)
BESIDE = ("", ".json", ".damage.png", ".difference.png", ".change.zip")


@pytest.fixture
def lab(storage: AbstractFileSystem, tmp_path: Path) -> Iterator[Remote]:
    """An empty folder of a bucket."""
    place = place_of(f"s3://lab/{tmp_path.name}")
    assert isinstance(place, Remote)
    yield place
    if storage.exists(place.path):
        storage.rm(place.path, recursive=True)


@pytest.fixture
def inbox(lab: Remote, tmp_path: Path) -> Path:
    """Two scans and a broken one in a local folder, and the same in the bucket's folder `in`."""
    folder = tmp_path / "in"
    (folder / "box").mkdir(parents=True)
    scan(folder / "a.tif", bits=16)
    scan(folder / "box" / "b.jpg")
    (folder / "box" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "notes.txt").write_text("no image")
    lab.files.put(str(folder), f"{lab.path}/in", recursive=True)
    return folder


def restored(inbox: Path | Remote, outbox: Path | Remote, shift: float = 0.1) -> str:
    """Restore all scans into the outbox; return the last line of the output."""
    with locked_outbox(outbox), summary_in(outbox) as outcomes:
        outcomes += restore_scans(plan([inbox], outbox), restorer(shift), ALL)
    return run_summary(outcomes, outbox)


def there(folder: Remote) -> set[str]:
    """The files in a folder of a bucket."""
    folder.files.invalidate_cache()
    return {name.removeprefix(f"{folder.path}/") for name in folder.files.find(folder.path)}


def stamp(folder: Remote) -> set[str]:
    """Append a blank to each sidecar, which a new sidecar would not have; return their names."""
    for name in sidecars(folder):
        folder.files.pipe_file(f"{folder.path}/{name}", content(folder, name) + b" ")
    return stamped(folder)


def stamped(folder: Remote) -> set[str]:
    """The sidecars that were not written again."""
    return {name for name in sidecars(folder) if content(folder, name).endswith(b" ")}


def sidecars(folder: Remote) -> set[str]:
    """The sidecars in a folder of a bucket."""
    return {name for name in there(folder) if name.endswith(".json")}


def content(folder: Remote, name: str) -> bytes:
    """The content of a file in a folder of a bucket."""
    return bytes(folder.files.cat_file(f"{folder.path}/{name}"))


def test_a_bucket_is_restored_into_a_bucket_as_a_folder_into_a_folder(
    lab: Remote, inbox: Path, tmp_path: Path
) -> None:
    printed = restored(lab / "in", lab / "out")
    assert (
        printed
        == restored(inbox, tmp_path / "out")
        == "restore: 3 scans, 0 untouched, 1 set aside, 0 flagged"
    )
    lab.files.get(f"{lab.path}/out", str(tmp_path / "copy"), recursive=True)
    results = {f"a.tif{end}" for end in BESIDE} | {f"box/b.jpg.tif{end}" for end in BESIDE}
    assert there(lab / "out") == results | {"summary.csv", "failures.jsonl"}
    for name in results:
        mine, copy = (tmp_path / folder / name for folder in ("out", "copy"))
        if name.endswith(".json"):
            records = [json.loads(path.read_text()) for path in (mine, copy)]
            for record in records:
                del record["seconds"], record["restored"]
                record["source"].pop("version", None)
                record["result"].pop("version", None)
            assert records[0] == records[1]
        elif not name.endswith(".zip"):
            assert sha256_of(mine) == sha256_of(copy)
    faults = read_jsonl(tmp_path / "copy/failures.jsonl")
    assert [fault["file"] for fault in faults] == [f"{lab}/in/box/cut.png"]
    result = tmp_path / "copy/a.tif"
    assert sha256_of(undo(result, package_of(result))) == sha256_of(inbox / "a.tif")
    assert there(lab / "in") == {"a.tif", "box/b.jpg", "box/cut.png", "notes.txt"}


def test_pictures_and_report_are_in_the_bucket(lab: Remote, inbox: Path) -> None:
    out = lab / "out"
    with summary_in(out, report=True) as outcomes:
        outcomes += restore_scans(plan([lab / "in"], out), restorer(0.1), OutputOptions(report=out))
    record = json.loads(content(out, "box/b.jpg.tif.json"))["previews"]
    pictures = {f"report_files/{record['key']}/{name}" for name in record["files"]}
    assert "report_files" in {name.split("/")[0] for name in there(out)}
    assert pictures <= there(out)
    page = content(out, "report.html").decode()
    assert [record["key"] in page, '"name":"box/b.jpg.tif"' in page] == [True, True]
    assert [relative.name for relative, _ in plan([out], lab / "again")] == ["a.tif", "b.jpg.tif"]


def test_results_in_a_bucket_are_computed_again_only_if_something_changed(
    lab: Remote, inbox: Path
) -> None:
    def redone(shift: float = 0.1) -> set[str]:
        before = stamp(lab / "out")
        restored(lab / "in", lab / "out", shift)
        return before - stamped(lab / "out")

    restored(lab / "in", lab / "out")
    assert redone() == set()
    assert redone(0.2) == {"a.tif.json", "box/b.jpg.tif.json"}
    mine = content(lab / "out", "a.tif")
    lab.files.pipe_file(f"{lab.path}/out/a.tif", b"retouched since")
    assert redone(0.2) == set()
    assert content(lab / "out", "a.tif") == b"retouched since"
    lab.files.rm_file(f"{lab.path}/out/a.tif")
    assert redone(0.2) == {"a.tif.json"}
    assert len(content(lab / "out", "a.tif")) == len(mine)
    lab.files.rm_file(f"{lab.path}/out/a.tif.damage.png")
    assert redone(0.2) == {"a.tif.json"}
    scan(inbox / "a.tif", bits=8)
    lab.files.put_file(str(inbox / "a.tif"), f"{lab.path}/in/a.tif")
    assert redone(0.2) == {"a.tif.json"}


def test_only_the_inbox_or_only_the_outbox_may_be_a_bucket(
    lab: Remote, inbox: Path, tmp_path: Path
) -> None:
    for source, target in ((inbox, lab / "out"), (lab / "in", tmp_path / "out")):
        for _ in range(2):
            assert (
                restored(source, target) == "restore: 3 scans, 0 untouched, 1 set aside, 0 flagged"
            )
    here = {str(p.relative_to(tmp_path / "out")) for p in tmp_path.glob("out/**/*.*")}
    assert here == there(lab / "out")
    seconds = json.loads((tmp_path / "out/a.tif.json").read_text())["seconds"]
    restored(lab / "in", tmp_path / "out")
    assert json.loads((tmp_path / "out/a.tif.json").read_text())["seconds"] == seconds


def test_a_single_object_is_accepted_and_subfolders_can_be_excluded(
    lab: Remote, inbox: Path
) -> None:
    [(source, target)] = plan([lab / "in/box/b.jpg"], lab / "out")
    assert str(source) == f"{lab}/in/box/b.jpg"
    assert str(target) == f"{lab}/out/b.jpg.tif"
    [(source, target)] = plan([lab / "in"], lab / "in/out", recursive=False)
    assert str(target) == f"{lab}/in/out/a.tif"
    restore_remote(source, target, restorer(0))
    assert plan([lab / "in"], lab / "in/out", recursive=False) == [(source, target)]
    assert f"{lab}/in/out/a.tif" not in {str(s) for s, _ in plan([lab / "in"], lab / "in/out")}
    with pytest.raises(FileNotFoundError, match="there is no image in this folder"):
        plan([lab / "in/out"], lab / "in")


def test_no_scan_in_a_bucket_is_overwritten_and_nothing_is_written_outside_the_outbox(
    lab: Remote, inbox: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"a\.tif: its result would overwrite"):
        plan([lab / "in"], lab / "in")
    for name in ("odd//absolute.png", "odd/x/../../../outside.png"):
        lab.files.pipe_file(f"{lab.path}/{name}", b"")
    targets = [str(target) for _, target in plan([lab / "odd"], tmp_path / "out")]
    assert sorted(targets) == [f"{tmp_path}/out/{name}.png" for name in ("absolute", "outside")]


def test_a_deleted_scan_is_set_aside_and_a_sidecar_of_another_program_is_kept(
    lab: Remote, inbox: Path
) -> None:
    scans = plan([lab / "in"], lab / "out")
    lab.files.rm_file(f"{lab.path}/in/a.tif")
    lab.files.pipe_file(f"{lab.path}/out/box/b.jpg.tif.json", b"{}")
    reasons = [outcome["reason"] for outcome in restore_scans(scans, restorer(0))]
    assert reasons[0].startswith("a.tif: cannot be read")
    assert "b.jpg.tif.json: Patina did not write this file" in reasons[1]
    with pytest.raises(ImageError, match=r"gone\.tif: cannot be read"):
        restore_remote(lab / "in/gone.tif", lab / "out/gone.tif", restorer(0))


def test_two_runs_cannot_share_a_bucket_outbox_and_the_lock_of_a_killed_run_is_replaced(
    lab: Remote, inbox: Path
) -> None:
    lock = f"{lab.path}/out/.patina-lock"
    with (
        locked_outbox(lab / "out"),
        pytest.raises(
            ValueError, match=rf"out: another run is writing to it \(process {os.getpid()}"
        ),
        locked_outbox(lab / "out"),
    ):
        pass
    assert not lab.files.exists(lock)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    for host, free in ((os.uname().nodename, True), ("elsewhere", False)):
        lab.files.pipe_file(lock, json.dumps({"host": host, "pid": gone.pid}).encode())
        if free:
            with locked_outbox(lab / "out"):
                pass
        else:
            with (
                pytest.raises(ValueError, match=r"on elsewhere.*remove s3://"),
                locked_outbox(lab / "out"),
            ):
                pass
    assert lab.files.exists(lock)


TAKING_OVER = """
import sys
from patina.tasks.io.storage import locked, place_of
outbox = place_of(sys.argv[1])
outbox.files.exists(outbox.path)  # connected
print("ready", flush=True)
sys.stdin.readline()
try:
    with locked(outbox):
        print("in", flush=True)
        sys.stdin.readline()
except ValueError:
    print("out", flush=True)
"""


def test_only_one_of_several_runs_replaces_the_lock_of_a_dead_run(lab: Remote) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    dead = json.dumps({"host": os.uname().nodename, "pid": gone.pid}).encode()
    lab.files.pipe_file(f"{lab.path}/out/.patina-lock", dead)
    command = [sys.executable, "-c", TAKING_OVER, f"{lab}/out"]
    with ExitStack() as stack:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        runs = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(4)]
        printed = [str(run.stdout.readline()).strip() for run in runs]
        assert printed == ["ready"] * 4
        for run in runs:
            run.stdin.write("\n")
            run.stdin.flush()
        printed = [str(run.stdout.readline()).strip() for run in runs]
        assert sorted(printed) == ["in", "out", "out", "out"]
        for run in runs:
            run.communicate("\n")
    lab.files.invalidate_cache()
    assert not lab.files.exists(f"{lab.path}/out/.patina-lock")


def test_local_copies_of_killed_runs_are_removed(lab: Remote, tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    lab.files.put_file(str(tmp_path / "a.tif"), f"{lab.path}/in/a.tif")
    here = tmp_path / "temporary"
    here.mkdir()
    stop = (
        "import os, signal; from patina.tasks.restoration import remote; "
        "remote._send = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
    )
    words = ("restore", f"{lab}/in", "-o", f"{lab}/out")
    temporary = f"import tempfile; tempfile.tempdir = {str(here)!r}; "
    with patina(tmp_path, *words, before=temporary + stop) as process:
        process.communicate()
    assert len([*here.glob(".patina-draft-*")]) == 1
    with patina(tmp_path, *words, before=temporary) as process:
        _, printed = process.communicate()
    assert process.returncode == 0, printed
    assert [*here.glob(".patina-draft-*")] == []


def test_a_killed_run_on_a_bucket_is_resumed(lab: Remote, tmp_path: Path) -> None:
    for name in "abcd":
        scan(tmp_path / f"{name}.tif")
        lab.files.put_file(str(tmp_path / f"{name}.tif"), f"{lab.path}/in/{name}.tif")
    words = ("restore", f"{lab}/in", "-o", f"{lab}/out", "--maps", "--package")
    with patina(tmp_path, *words) as process:
        while len(there(lab / "out")) < 4 and process.poll() is None:
            time.sleep(0.002)  # between two checks
        process.kill()
        process.communicate()
    done = stamp(lab / "out")
    assert len(done) < 4
    for name in done:
        (tmp_path / "result").write_bytes(content(lab / "out", name.removesuffix(".json")))
        record = json.loads(content(lab / "out", name))
        assert record["result"]["sha256"] == sha256_of(tmp_path / "result")
    with patina(tmp_path, *words) as process:
        _, printed = process.communicate()
    assert process.returncode == 0, printed
    names = {name for name in there(lab / "out") if not name.startswith("report_files/")}
    assert len(names - {"summary.csv", "failures.jsonl", "report.html"}) == 4 * len(BESIDE)
    assert stamped(lab / "out") == done


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["s3://nowhere/scans"], "s3://nowhere/scans: The specified bucket does not exist"),
        (["s3://lab/nothing"], "s3://lab/nothing: no such file or folder"),
        (["a.tif", "-o", "s3://nowhere/out"], "-lock: The specified bucket does not exist"),
        (["s4://lab/scans"], "s4://lab/scans: Protocol not known: s4"),
    ],
)
def test_a_missing_bucket_or_object_is_an_error(
    storage: AbstractFileSystem, tmp_path: Path, words: list[str], fault: str
) -> None:
    scan(tmp_path / "a.tif")
    with patina(tmp_path, "restore", *words) as process:
        _, printed = process.communicate()
    assert process.returncode == 1
    assert printed.startswith("patina: restore: ")
    assert fault in printed
    assert "Traceback" not in printed


def test_the_error_for_a_missing_client_names_the_package(tmp_path: Path) -> None:
    without = "import sys; sys.modules['s3fs'] = None; "
    with patina(tmp_path, "restore", "s3://lab/scans", before=without) as process:
        _, printed = process.communicate()
    assert process.returncode == 1
    assert printed.startswith("patina: restore: s3://lab/scans: Install s3fs")
    assert "`pip install s3fs`, or install the extra s3" in printed


def test_other_storages_than_s3_work_the_same_way(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    memory = place_of("memory://out")
    assert isinstance(memory, Remote)
    for _ in range(2):
        assert restored(tmp_path / "a.tif", memory).startswith(
            "restore: 1 scan, 0 untouched, 0 set aside"
        )
    assert memory.files.exists("/out/a.tif.json")
    assert place_of(f"file://{tmp_path}/a.tif") == tmp_path / "a.tif"
