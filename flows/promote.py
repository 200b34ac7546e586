"""Compares the last trained network with the champion, and keeps the better one."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from patina import params as params_file
from patina.errors import InputError
from patina.flows import mlflow_registry
from patina.flows.places import CLEAN, DEGRADED, MODEL
from patina.formats import COLLECTED_SUFFIXES
from patina.tasks.evaluation.hard_works import HARD_WORKS, SOUND, hard_works
from patina.tasks.evaluation.metrics import psnr_db
from patina.tasks.evaluation.promotion_rules import HARD, OWN, Rule, gate
from patina.tasks.evaluation.reports import degradation_of
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import load_srgb, read_png
from patina.tasks.io.atomic import DRAFT, Record, copy, read_jsonl, sha256_of, write_json
from patina.tasks.io.progress import Progress
from patina.tasks.restoration.batch import CHAMPION, chosen_model, load_restorer

CHAMPIONS = ".champions"  # folder beside the champion, with the present and the former one
LARGEST_PX = 2400  # long side to which the user's own works are reduced
Case = tuple[Record, np.ndarray, np.ndarray]  # facts for the row, degraded image, clean image


def promote(*, dry_run: bool = False, sound: Path | None = None) -> list[Rule]:
    """Make data/model the champion if every rule of the gate holds; returns the rules.

    sound: a folder of undamaged works that are measured, too. The files of data/model are copied to
    the folder of CHAMPION; if the model is registered in MLflow, it gets the alias. Raises
    FileNotFoundError if no model was trained or `sound` has no image, InputError if the model is
    already the champion.
    """
    challenger, champion = MODEL / "model.keras", chosen_model(None)
    if not challenger.exists() or not (DEGRADED / "manifest.jsonl").exists():
        raise FileNotFoundError(
            f"promote: {challenger}: there is no trained network; run `patina run`"
        )
    hashes = {"challenger": sha256_of(challenger), "champion": sha256_of(champion)}
    if hashes["challenger"] == hashes["champion"]:
        raise InputError(f"promote: {challenger}: this network is already the champion")
    rules = gate(list(measured(champion, challenger, own_works(sound))))
    if dry_run or not all(rule.holds for rule in rules):
        return rules
    facts = json.loads((MODEL / "model.json").read_text(encoding="utf-8"))
    beaten = {"beaten_sha256": hashes["champion"], "gate": [rule._asdict() for rule in rules]}
    # The alias first: a promotion that is killed in between can be repeated
    mlflow_registry.set_champion_alias(facts["mlflow_run"])
    switch_champion(facts | {"sha256": hashes["challenger"]} | beaten)
    return rules


def follow_mlflow() -> str:
    """Make `restorer@champion` of MLflow's registry the champion here; returns its version.

    The gate is not applied, because the user who moved the alias has decided. Raises InputError
    if MLflow has no such version, or it is already the champion here.
    """
    with TemporaryDirectory() as copied:
        folder, version = mlflow_registry.download_champion(Path(copied))
        sha256 = sha256_of(folder / "model.keras")
        if CHAMPION.exists() and sha256_of(CHAMPION) == sha256:
            raise InputError(f"promote: version {version} of MLflow is already the champion")
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        switch_champion(facts | {"sha256": sha256, "mlflow_version": version}, folder)
    return version


def switch_champion(facts: Record, source: Path = MODEL) -> None:
    """Copy `source` to a new folder, and switch the champion to it in one atomic step.

    A running restoration continues with the former champion.
    """
    link = CHAMPION.parent
    folder = link.with_name(CHAMPIONS) / facts["sha256"][:16]
    for file in ("model.keras", "model.xml", "model.bin", "judge.json"):
        if (source / file).exists():
            copy(source / file, folder / file)
    write_json(folder / "model.json", facts)
    former = link.resolve() if link.exists() else folder
    exchange(link, folder)
    for other in link.with_name(CHAMPIONS).iterdir():
        if other.resolve() not in (folder.resolve(), former):
            shutil.rmtree(other)


def exchange(link: Path, folder: Path) -> None:
    """Point `link` to `folder` beside it, and remove drafts of killed promotions."""
    for draft in link.parent.glob(f"{DRAFT}*-{link.name}"):
        draft.unlink()
    draft = link.with_name(f"{DRAFT}{os.getpid()}-{link.name}")
    draft.symlink_to(folder.relative_to(link.parent))
    if link.is_dir() and not link.is_symlink():  # older versions used a folder
        link.rename(link.with_name(f".{os.getpid()}-older-{link.name}"))
    draft.replace(link)


def own_works(folder: Path | None) -> list[Path]:
    """The images in `folder` and its subfolders; empty without a folder.

    Raises FileNotFoundError if the folder does not exist or has no image.
    """
    if folder is None:
        return []
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in COLLECTED_SUFFIXES)
    if not files:
        raise FileNotFoundError(f"promote: {folder}: there is no image in this folder")
    return files


def measured(champion: Path, challenger: Path, own: Sequence[Path] = ()) -> Iterator[Record]:
    """A row for `gate` for each test twin, each clean test work, and each undamaged work.

    own: files of undamaged works, in addition to the painted ones.
    """
    params = params_file.load()
    models = {
        name: load_restorer(path, **params.restore.loading)
        for name, path in (("champion", champion), ("challenger", challenger))
    }
    twins = [twin for twin in read_jsonl(DEGRADED / "manifest.jsonl") if twin["side"] == "test"]
    painted_px = params.promote.sound_px
    total = len(twins) + len({twin["clean"] for twin in twins}) + len(own)
    with Progress() as bar:
        shown = bar.add_task("compare", total=total + len(painted_px) * len(HARD_WORKS), note="")
        for facts, before, sound in chain(_test_cases(twins), _sound_cases(painted_px, own, bar)):
            made = {name: psnr_db(sound, one.restored(before)) for name, one in models.items()}
            yield facts | made
            bar.advance(shown)


def _test_cases(twins: Sequence[Record]) -> Iterator[Case]:
    for twin in twins:
        facts = {"group": degradation_of(twin)}
        yield facts, read_png(DEGRADED / twin["image"]), read_png(CLEAN / twin["clean"])
    for work in sorted({twin["clean"] for twin in twins}):
        image = read_png(CLEAN / work)
        yield {"group": SOUND}, image, image


def _sound_cases(painted_px: Sequence[int], own: Sequence[Path], bar: Progress) -> Iterator[Case]:
    """The hard works, and those of `own`; unreadable files are reported and skipped."""
    for name, image in hard_works(painted_px):
        yield {"group": HARD, "work": name}, image, image
    for file in own:
        try:
            image = load_srgb(file, long_side_px=LARGEST_PX)
        except ImageError as error:
            bar.say(f"promote: {file}: set aside: {error}")
            continue
        yield {"group": OWN, "work": file.name}, image, image
