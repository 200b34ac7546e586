"""Files appear complete or not at all."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from patina.tasks.io.atomic import (
    DRAFT,
    copy,
    draft_folder,
    read_jsonl,
    sweep,
    whole_file,
    write_bytes,
    write_jsonl,
)
from patina.tasks.io.item_store import ItemStore


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "work.png"
    write_bytes(path, b"old")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_folder_that_another_process_sweeps_at_once_is_made_again(tmp_path: Path) -> None:
    done = threading.Event()

    def sweep_all() -> None:
        while not done.is_set():
            for draft in tmp_path.glob(f"{DRAFT}*"):
                sweep(draft)

    sweeping = threading.Thread(target=sweep_all)
    sweeping.start()
    try:
        for number in range(500):
            with draft_folder(tmp_path) as folder:
                (folder / "work.png").write_bytes(b"whole")
                assert (folder / "work.png").read_bytes() == b"whole", number
    finally:
        done.set()
        sweeping.join()
    assert not [*tmp_path.iterdir()]


HALF = """
import os, signal, sys
from pathlib import Path
from patina.tasks.io.atomic import whole_file
from patina.tasks.io.item_store import ItemStore
folder = Path(sys.argv[1])
with whole_file(folder / "work.png") as file, ItemStore(folder / "items").filing("k1") as item:
    file.write(b"half")
    (item / "image.png").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def drafts(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".patina-draft-*")]


def killed(folder: Path) -> None:
    """Kill a process while it writes a file and an item."""
    ended = subprocess.run([sys.executable, "-c", HALF, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL


def test_drafts_of_a_killed_process_are_removed_by_the_next_write(
    tmp_path: Path,
) -> None:
    killed(tmp_path)
    assert len(drafts(tmp_path)) == 2
    assert not (tmp_path / "work.png").exists()
    with whole_file(tmp_path / "other.png") as file:  # in use meanwhile
        file.write(b"whole")
        write_bytes(tmp_path / "work.png", b"whole")
        assert len(drafts(tmp_path)) == 2
    with ItemStore(tmp_path / "items").filing("k1") as item:
        (item / "image.png").write_bytes(b"whole")
    assert drafts(tmp_path) == []
    assert (tmp_path / "other.png").read_bytes() == b"whole"


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    records = [{"title": "Été à Çà", "size": 3}, {"title": "", "size": None}]
    write_jsonl(tmp_path / "deep" / "manifest.jsonl", records)
    assert read_jsonl(tmp_path / "deep" / "manifest.jsonl") == records


def test_a_copy_is_not_a_link_and_is_writable(tmp_path: Path) -> None:
    source = tmp_path / "item"
    source.write_bytes(bytes(range(256)) * 5000)
    source.chmod(0o444)
    target = tmp_path / "out" / "item"
    copy(source, target)
    assert target.read_bytes() == source.read_bytes()
    target.write_bytes(b"changed")
    assert source.stat().st_size == 256 * 5000
