"""The item store knows what is already computed."""

from pathlib import Path

import pytest

from patina.tasks.io.atomic import write_jsonl
from patina.tasks.io.item_store import ItemStore, item_key

PARTS = {"source_sha256": "ab", "operation": "degrade", "version": 1, "params": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    "change",
    [{"source_sha256": "ac"}, {"operation": "clean"}, {"version": 2}, {"params": {"x": 1, "y": 3}}],
)
def test_every_input_of_a_result_changes_its_key(change: dict) -> None:
    assert item_key(**PARTS) != item_key(**PARTS | change)


def test_the_order_of_params_does_not_change_a_key() -> None:
    assert item_key(**PARTS) == item_key(**PARTS | {"params": {"y": 2, "x": 1}})


def test_an_item_appears_when_it_is_complete_and_is_read_only(tmp_path: Path) -> None:
    store = ItemStore(tmp_path)
    with store.filing("k1") as folder:
        (folder / "image.png").write_bytes(b"pixels")
        assert "k1" not in store
    assert "k1" in store
    filed = store.folder("k1") / "image.png"
    assert filed.read_bytes() == b"pixels"
    assert filed.stat().st_mode & 0o222 == 0


def test_a_failed_write_of_an_item_leaves_nothing(tmp_path: Path) -> None:
    store = ItemStore(tmp_path)
    with pytest.raises(TypeError), store.filing("k1") as folder:
        write_jsonl(folder / "recipes.jsonl", [{"whole": 1}, {"half": b""}])
    assert "k1" not in store
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_first_of_two_writes_of_the_same_item_is_kept(tmp_path: Path) -> None:
    store = ItemStore(tmp_path)
    with store.filing("k1") as slow:
        (slow / "image.png").write_bytes(b"slow")
        with store.filing("k1") as quick:
            (quick / "image.png").write_bytes(b"quick")
    assert (store.folder("k1") / "image.png").read_bytes() == b"quick"
