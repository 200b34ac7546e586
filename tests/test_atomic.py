"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from patina.tasks.io.atomic import copy, read_jsonl, whole_file, write_bytes, write_jsonl


def test_a_file_whose_writing_breaks_off_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "work.png"
    write_bytes(path, b"old")
    with pytest.raises(TypeError), whole_file(path) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    records = [{"title": "Été à Çà", "size": 3}, {"title": "", "size": None}]
    write_jsonl(tmp_path / "deep" / "manifest.jsonl", records)
    assert read_jsonl(tmp_path / "deep" / "manifest.jsonl") == records


def test_a_copy_is_no_link_and_can_be_written(tmp_path: Path) -> None:
    source = tmp_path / "item"
    source.write_bytes(bytes(range(256)) * 5000)
    source.chmod(0o444)
    target = tmp_path / "out" / "item"
    copy(source, target)
    assert target.read_bytes() == source.read_bytes()
    target.write_bytes(b"changed")
    assert source.stat().st_size == 256 * 5000
