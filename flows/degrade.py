"""Makes degraded copies ("twins") of clean works, with damage masks and recipes."""

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from patina.flows.batches import compute, processes
from patina.flows.places import CLEAN, DEGRADED, SPLIT
from patina.flows.publishing import STORE, publish, set_aside
from patina.params import Degrade
from patina.tasks.dataset.recipes import Recipe
from patina.tasks.dataset.splitting import SIDES
from patina.tasks.dataset.twins import degrade_work, recipes_of, version
from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, read_jsonl
from patina.tasks.io.item_store import item_key


@flow(name="degrade", task_runner=processes())
def degrade(params: Degrade) -> Path:
    """Compute the twins that are not in the item store, then publish all."""
    by_side = {
        work["id"]: work | {"side": side, "twins": twins(work, side, params)}
        for side in SIDES
        for work in read_jsonl(SPLIT / f"{side}.jsonl")
    }
    # Sorted by name, because test works have many more twins and must not share a batch
    works = {name: by_side[name] for name in sorted(by_side)}
    missing = [
        {"work": work["id"], "file": work["file"], "twins": todo}
        for work in works.values()
        if (todo := [twin for twin in work["twins"] if twin["key"] not in STORE])
    ]
    faults = [fault for fault in compute(degrade_batch, missing) if fault]
    for fault in faults:
        del works[fault["id"]]
    files, manifest = lay_out(list(works.values()))
    publish(DEGRADED, files, manifest)
    set_aside(DEGRADED, "degrade", len(works) + len(faults), len(missing) - len(faults), faults)
    return DEGRADED


def twins(work: Record, side: str, params: Degrade) -> list[Record]:
    """The recipes of a work's twins, with the keys of their items."""
    recipes = recipes_of(
        work["id"],
        side,
        seed=params.seed,
        twins=params.twins,
        count=params.count,
        mixture=params.mixture,
    )
    plain = [recipe.model_dump(mode="json") for recipe in recipes]
    return [
        {"key": item_key(work["sha256"], "degrade", version(), recipe), "recipe": recipe}
        for recipe in plain
    ]


@task(name="degrade", cache_policy=NO_CACHE)
def degrade_batch(works: list[Record]) -> list[Record]:
    """Write the twins of each work. The record of an unreadable work has the reason."""
    faults: list[Record] = []
    for work in works:
        jobs = [(twin["key"], Recipe.model_validate(twin["recipe"])) for twin in work["twins"]]
        try:
            degrade_work(CLEAN / work["file"], jobs, STORE)
            faults.append({})
        except ImageError as error:
            faults.append({"id": work["work"], "reason": str(error)})
    return faults


def lay_out(works: list[Record]) -> tuple[dict[str, Path], list[Record]]:
    """The paths of each twin's files, and the manifest.

    Images, masks and recipes are in separate trees.
    """
    files: dict[str, Path] = {}
    manifest: list[Record] = []
    for work in works:
        for twin in work["twins"]:
            item, recipe = STORE.folder(twin["key"]), twin["recipe"]
            name = f"{work['side']}/{work['id']}/{recipe['twin']}"
            files[f"images/{name}.png"] = item / "image.png"
            files[f"recipes/{name}.json"] = item / "recipe.json"
            masked = (item / "mask.png").exists()
            if masked:
                files[f"masks/{name}.png"] = item / "mask.png"
            manifest.append(
                {
                    "work": work["id"],
                    "side": work["side"],
                    "twin": recipe["twin"],
                    "image": f"images/{name}.png",
                    "mask": f"masks/{name}.png" if masked else None,
                    "recipe": f"recipes/{name}.json",
                    "clean": work["file"],
                    "degradations": [step["name"] for step in recipe["steps"]],
                }
            )
    return files, manifest
