"""The network that was trained last against the champion, on the test works; the better stays."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from patina import params as params_file
from patina.flows import tracking
from patina.flows.batches import progress
from patina.flows.places import CLEAN, DEGRADED, MODEL
from patina.tasks.evaluation.gate import SOUND, Rule, gate
from patina.tasks.evaluation.metrics import psnr_db
from patina.tasks.evaluation.reports import family_of
from patina.tasks.imaging.images import read_png
from patina.tasks.io.atomic import Record, copy, read_jsonl, sha256_of, write_json
from patina.tasks.restoration.batch import CHAMPION, chosen_model, load_restorer

CHAMPIONS = ".champions"  # beside the champion: it, and the one before it


def promote(*, dry_run: bool = False) -> list[Rule]:
    """Make data/model the champion if every rule of the gate holds; the rules, as they held.

    Its files go to the folder of CHAMPION, and MLflow, where the model is registered there, gives
    it the alias. Raises FileNotFoundError when nothing was trained, ValueError when the champion
    is that very model.
    """
    challenger, champion = MODEL / "model.keras", chosen_model(None)
    if not challenger.exists() or not (DEGRADED / "manifest.jsonl").exists():
        raise FileNotFoundError(f"promote: {challenger}: nothing to promote; run `patina run`")
    hashes = {"challenger": sha256_of(challenger), "champion": sha256_of(champion)}
    if hashes["challenger"] == hashes["champion"]:
        raise ValueError(f"promote: {challenger}: this is the champion already")
    rules = gate(list(measured(champion, challenger)))
    if dry_run or not all(rule.holds for rule in rules):
        return rules
    facts = json.loads((MODEL / "model.json").read_text(encoding="utf-8"))
    beaten = {"beaten_sha256": hashes["champion"], "gate": [rule._asdict() for rule in rules]}
    enthrone(facts | {"sha256": hashes["challenger"]} | beaten)
    tracking.crown(facts["mlflow_run"])
    return rules


def enthrone(facts: Record) -> None:
    """Copy MODEL to a folder of its own, and have the champion's be that one, in one step.

    A restoration that runs meanwhile finds the former champion where it was.
    """
    link = CHAMPION.parent
    folder = link.with_name(CHAMPIONS) / facts["sha256"][:16]
    for file in ("model.keras", "model.xml", "model.bin", "judge.json"):
        if (MODEL / file).exists():
            copy(MODEL / file, folder / file)
    write_json(folder / "model.json", facts)
    former = link.resolve() if link.exists() else folder
    draft = link.with_name(f".{os.getpid()}-{link.name}")
    draft.symlink_to(folder.relative_to(link.parent))
    if link.is_dir() and not link.is_symlink():  # as older versions filed it
        link.rename(link.with_name(f".{os.getpid()}-older-{link.name}"))
    draft.replace(link)
    for folder_before in link.with_name(CHAMPIONS).iterdir():
        if folder_before.resolve() not in (folder.resolve(), former):
            shutil.rmtree(folder_before)


def measured(champion: Path, challenger: Path) -> Iterator[Record]:
    """A row for `gate` for each test twin, and for each test work as it was."""
    applied = params_file.load().restore.applied
    models = {
        name: load_restorer(path, **applied)
        for name, path in (("champion", champion), ("challenger", challenger))
    }
    twins = [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == "test"]
    works = sorted({twin["clean"] for twin in twins})
    cases = [(family_of(twin), DEGRADED / twin["image"], CLEAN / twin["clean"]) for twin in twins]
    cases += [(SOUND, CLEAN / work, CLEAN / work) for work in works]
    with progress() as bar:
        shown = bar.add_task("compare", total=len(cases), note="")
        for family, degraded, clean in cases:
            before, sound = read_png(degraded), read_png(clean)
            made = {name: psnr_db(sound, one.restored(before)) for name, one in models.items()}
            yield {"family": family, **made}
            bar.advance(shown)
