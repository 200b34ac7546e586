"""Converts original works to clean works in one form."""

import json
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from patina.flows.batches import compute, processes
from patina.flows.places import ARTWORKS, CLEAN
from patina.flows.publishing import STORE, publish, set_aside
from patina.params import Preprocess
from patina.tasks.dataset.preprocessing import VERSION, prepare
from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, read_jsonl
from patina.tasks.io.item_store import item_key


@flow(name="preprocess", task_runner=processes())
def preprocess(params: Preprocess) -> Path:
    """Compute the clean works that are not in the item store, then publish all."""
    works = [
        work | {"key": item_key(work["sha256"], "preprocess", VERSION, params.model_dump())}
        for work in read_jsonl(ARTWORKS / "manifest.jsonl")
    ]
    missing = [work for work in works if work["key"] not in STORE]
    faults = [fault for fault in compute(prepare_batch, missing, params.working_px) if fault]
    unusable = {fault["id"] for fault in faults}
    sound = [work for work in works if work["id"] not in unusable]
    files = {f"{work['id']}.png": STORE.folder(work["key"]) / "clean.png" for work in sound}
    publish(CLEAN, files, map(describe, sound))
    set_aside(CLEAN, "preprocess", len(works), len(missing) - len(faults), faults)
    return CLEAN


@task(name="preprocess", cache_policy=NO_CACHE)
def prepare_batch(works: list[Record], working_px: int) -> list[Record]:
    """Write the clean form of each work. The record of an unreadable work has the reason."""
    faults: list[Record] = []
    for work in works:
        try:
            prepare(ARTWORKS / work["file"], work["key"], STORE, working_px=working_px)
            faults.append({})
        except ImageError as error:
            faults.append({"id": work["id"], "reason": str(error)})
    return faults


def describe(work: Record) -> Record:
    """The line of the manifest: the record of the work, and facts of its clean form."""
    facts = json.loads((STORE.folder(work["key"]) / "facts.json").read_text())
    return {
        "id": work["id"],
        "file": f"{work['id']}.png",
        "title": work["title"],
        "licence": work["licence"],
        "source_sha256": work["sha256"],
        **facts,
    }
