"""Publishes the outputs of stages: plain files (copied by reflink if possible) and a manifest."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from patina.errors import InputError
from patina.flows.messages import say, table
from patina.flows.places import ITEMS
from patina.tasks.io.atomic import Record, copy, write_jsonl
from patina.tasks.io.item_store import ItemStore

STORE = ItemStore(ITEMS)


def publish(out: Path, files: Mapping[str, Path], manifest: Iterable[Record]) -> None:
    """Copy `files` (path in `out` -> source) into `out`; `manifest.jsonl` is written last."""
    out.mkdir(parents=True, exist_ok=True)
    for place, source in files.items():
        copy(source, out / place)
    write_jsonl(out / "manifest.jsonl", manifest)


def set_aside(out: Path, stage: str, works: int, computed: int, faults: list[Record]) -> None:
    """Record the unusable works, and print a summary of the stage.

    Raises InputError if no work is left.
    """
    write_jsonl(out / "rejected.jsonl", sorted(faults, key=lambda fault: fault["id"]))
    summary = f"{stage}: {works} works, {computed} computed, {len(faults)} set aside"
    say(summary)
    if faults:
        table(faults, key=f"{stage}-set-aside", description=summary)
    if works == len(faults):
        raise InputError(f"{summary}; no work is left; {out / 'rejected.jsonl'} lists the reasons")
