"""Splits the clean works into training, validation and test sets."""

from collections import Counter
from pathlib import Path

from prefect import flow

from patina.flows.messages import log
from patina.flows.places import CLEAN, SPLIT
from patina.params import Split
from patina.tasks.dataset.splitting import SIDES, deal, group_works
from patina.tasks.io.atomic import read_jsonl, write_json, write_jsonl


@flow(name="split")
def split(params: Split) -> Path:
    """Write one manifest for each set; near-duplicates stay in one set."""
    works = read_jsonl(CLEAN / "manifest.jsonl")
    groups = group_works({work["id"]: work["phash"] for work in works})
    sides = deal(groups, **params.model_dump())
    for side in SIDES:
        members = [work for work in works if sides[work["id"]] == side]
        write_jsonl(SPLIT / f"{side}.jsonl", [w | {"group": groups[w["id"]]} for w in members])
    counts = {side: Counter(sides.values())[side] for side in SIDES}
    write_json(SPLIT / "sides.json", counts)
    log(f"split: {', '.join(f'{count} works for {side}' for side, count in counts.items())}")
    return SPLIT
