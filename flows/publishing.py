"""Stage outs: plain files copied (by reflink where that works) and a sorted manifest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from patina.errors import InputError
from patina.flows.places import ITEMS
from patina.flows.reporting import say, table
from patina.tasks.io.atomic import Record, copy, write_jsonl
from patina.tasks.io.item_store import ItemStore

STORE = ItemStore(ITEMS)


def publish(out: Path, files: Mapping[str, Path], manifest: Iterable[Record]) -> None:
    """Lay `files` (place under `out` -> source) and `manifest.jsonl`, written last, into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for place, source in files.items():
        copy(source, out / place)
    write_jsonl(out / "manifest.jsonl", manifest)


def set_aside(out: Path, stage: str, works: int, computed: int, faults: list[Record]) -> None:
    """File the works that could not be used, and tell what the stage did.

    Raises ValueError when no work is left.
    """
    write_jsonl(out / "rejected.jsonl", sorted(faults, key=lambda fault: fault["id"]))
    told = f"{stage}: {works} works, {computed} computed, {len(faults)} set aside"
    say(told)
    if faults:
        table(faults, key=f"{stage}-set-aside", description=told)
    if works == len(faults):
        raise InputError(f"{told}: nothing is left; see {out / 'rejected.jsonl'}")
