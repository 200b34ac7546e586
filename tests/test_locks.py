"""Only one process at a time holds a lock; and a scan is restored without modules of Unix."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from restorers import scan

from patina.tasks.io import atomic
from patina.tasks.io.locks import is_held, only_one

HOLDER = """
import sys, time
from pathlib import Path
from patina.tasks.io.locks import only_one
with only_one(Path(sys.argv[1])) as alone:
    print(alone, flush=True)
    time.sleep(60)
"""
# What Python has on Unix alone is taken away before anything of ours is imported
ELSEWHERE = """
import os, shutil, signal, sys, warnings
warnings.simplefilter("ignore")  # filelock says that it locks by another way
for module in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[module] = None
for owner, names in (
    (os, "getuid copy_file_range killpg sched_getaffinity fchmod O_NONBLOCK O_NOFOLLOW"),
    (signal, "SIGHUP"),
):
    for name in names.split():
        delattr(owner, name)
shutil._use_fd_functions, shutil._rmtree_impl = False, shutil._rmtree_unsafe  # as there
from patina.cli import main
main()
"""


def test_only_one_process_has_a_lock_and_the_lock_is_removed_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_held(lock)
    with only_one(lock) as first, only_one(lock) as second:
        assert (first, second) == (True, False)
        assert is_held(lock)
    assert not lock.exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "True\n"
        with only_one(lock) as alone:
            assert not alone
        assert is_held(lock)
        process.kill()
    assert not is_held(lock)
    with only_one(lock) as alone:
        assert alone


def test_a_path_that_cannot_be_locked_counts_as_free(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    assert not is_held(tmp_path / "a folder")


def test_on_windows_a_draft_is_removed_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "WINDOWS", True)
    new, old = tmp_path / ".patina-draft-aaaaaaaa", tmp_path / ".patina-draft-bbbbbbbb"
    for draft in (new, old):
        draft.mkdir()
    os.utime(old, (time.time() - 2 * 24 * 3600,) * 2)
    for draft in (new, old):
        atomic.sweep(draft)
    assert (new.exists(), old.exists()) == (True, False)
    atomic.write_bytes(tmp_path / "whole", b"content")
    assert (tmp_path / "whole").read_bytes() == b"content"
    with atomic.draft_folder(tmp_path) as draft:
        assert draft.is_dir()


def test_a_scan_is_restored_without_modules_that_only_unix_has(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, "restore", "a.tif", "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/a.tif").exists()
    assert not [*(tmp_path / "out").glob(".patina-*")]
