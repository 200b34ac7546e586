"""A run that is killed, has no disk space or meets another run loses and leaves nothing."""

import json
import shutil
import time
from pathlib import Path

import pytest
import pyvips
from restorers import patina, restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import sha256_of
from patina.tasks.restoration.outbox import locked_outbox
from patina.tasks.restoration.restore_file import restore_file


def test_two_runs_cannot_share_an_outbox_and_drafts_of_killed_runs_are_removed(
    tmp_path: Path,
) -> None:
    left = tmp_path / "deep" / ".patina-draft-abcd_123"
    left.mkdir(parents=True)
    (left / "pixels").write_bytes(b"half")
    (tmp_path / ".patina-draft-abcd_123").write_bytes(b"half")
    with locked_outbox(tmp_path):
        assert [path.name for path in tmp_path.rglob("*draft*")] == []
        with (
            pytest.raises(ValueError, match="another run is writing to it"),
            locked_outbox(tmp_path),
        ):
            pass
    with locked_outbox(tmp_path):
        pass


@pytest.mark.parametrize("files", [1, 4, 7])
def test_a_killed_run_is_resumed(tmp_path: Path, files: int) -> None:
    """Killed after `files` files: results, each with its maps, package and sidecar."""
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    for name in "abcdef":
        scan(inbox / f"{name}.tif")
    words = ("restore", str(inbox), "-o", str(outbox), "--maps", "--package")
    with patina(tmp_path, *words) as process:
        while len([*outbox.glob("*.tif*")]) < files and process.poll() is None:
            time.sleep(0.002)  # between two checks
        process.kill()
        process.communicate()
    done = {path: path.stat().st_mtime_ns for path in outbox.glob("*.json")}
    assert len(done) < 6
    for sidecar in done:
        result = sidecar.with_suffix("")
        assert json.loads(sidecar.read_text())["result"]["sha256"] == sha256_of(result)
    with patina(tmp_path, *words) as process:
        _, printed = process.communicate()
    assert process.returncode == 0, printed
    assert len([*outbox.glob("*.json")]) == 6
    assert len([*outbox.glob("*.tif*")]) == 6 * 5
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert not [*outbox.glob(".patina-*")]


def test_a_full_disk_ends_the_run_and_finished_results_are_kept(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    inbox.mkdir()
    scan(inbox / "a.tif")
    pyvips.Image.new_from_file(str(inbox / "a.tif")).resize(10).write_to_file(str(inbox / "b.tif"))
    # A file as large as the pixels of b finds no room, as on a full disk
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000,) * 2); "
    with patina(tmp_path, "restore", str(inbox), "-o", str(outbox), before=limit) as process:
        _, printed = process.communicate()
    assert process.returncode == 1
    assert "File too large" in printed
    assert "Traceback" not in printed
    assert sorted(path.name for path in outbox.glob("*.tif*")) == ["a.tif", "a.tif.json"]


def test_a_scan_too_large_for_the_disk_is_set_aside_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyvips.Image.black(30_000, 30_000).write_to_file(str(tmp_path / "bomb.png"), bitdepth=1)
    free = shutil.disk_usage(tmp_path)._replace(free=300_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        ImageError, match=r"needs 12,600 MB of temporary disk space; 300 MB are free"
    ):
        restore_file(tmp_path / "bomb.png", tmp_path / "out.png", restorer(0.1))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free._replace(free=1000))
    with pytest.raises(OSError, match="No space left on device"):
        restore_file(tmp_path / "bomb.png", tmp_path / "out.png", restorer(0.1))


def test_a_run_does_not_remove_drafts_of_another_run_in_a_subfolder(tmp_path: Path) -> None:
    inner, outer = tmp_path / "big" / "deep", tmp_path / "big"
    with locked_outbox(inner):
        (inner / "more").mkdir()
        drafts = [
            inner / ".patina-draft-aaaaaaaa",
            inner / "more" / ".patina-draft-bbbbbbbb",
            outer / ".patina-draft-cccccccc",
        ]
        for draft in drafts:
            draft.write_text("half")
        with locked_outbox(outer):
            assert [draft.exists() for draft in drafts] == [True, True, False]
    with locked_outbox(outer):
        assert not any(draft.exists() for draft in drafts)
        with pytest.raises(ValueError, match="another run is writing to it, or to a folder"):
            locked_outbox(inner).__enter__()


def test_a_run_does_not_start_if_the_outbox_is_not_writable(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    (tmp_path / "out").write_text("a file is in the way")
    with patina(tmp_path, "restore", "a.tif", "-o", "out") as process:
        _, printed = process.communicate()
    assert process.returncode == 1
    assert printed.startswith("patina: ")
    assert "out" in printed
