"""Restores any number of scans; an error of one scan does not stop the others."""

import json
import logging
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from patina.errors import InputError
from patina.models import CAPTURE_ROLES, present_role
from patina.tasks.imaging.disk_space import FULL, first_words
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.opening import is_at_most
from patina.tasks.io.atomic import Record, draft_folder
from patina.tasks.io.storage import Place, StorageError
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.iiif import publish
from patina.tasks.restoration.inference import Networks
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.option_values import QUALITIES
from patina.tasks.restoration.progress import ProgressCallback
from patina.tasks.restoration.remote import restore_remote
from patina.tasks.restoration.report.figures import figures_of
from patina.tasks.restoration.report.summary import UNTOUCHED, outcome_of, summary_of
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.side_by_side import side_by_side
from patina.tasks.restoration.sidecars import DEFAULT_OUTPUT, OutputOptions
from patina.tasks.restoration.tiling import Network, self_ensemble
from patina.tasks.restoration.weights import is_single, shipped, version_of

# Networks that are averaged over mirrored tiles with quality "best"
ENSEMBLE_ROLES = (*CAPTURE_ROLES, "segmentation")
SMALL_PX = 16_000_000  # scans of at most this size are restored two at a time
log = logging.getLogger("patina")

SINGLE_GATES = {"noise_255": 0.0}  # gates of a single network, which must always be applied
CHAMPION = Path("data/champion/model.keras")  # `patina promote` writes it, with its graph


def chosen_model(given: Path | None) -> Path:
    """The model to restore with: the given one, or else the champion, or else the shipped one.

    The path of the champion is resolved, so that a promotion during the run does not change the
    model.
    """
    return given or (CHAMPION.resolve() if CHAMPION.exists() else shipped())


def load_restorer(
    model: Path,
    *,
    precision: str = "auto",
    quality: str = "fast",
    device: str = "CPU",
    gates: Mapping[str, float] | None = None,
    **applied: Any,
) -> Restorer:
    """Load the restorer from the file `model`.

    precision, device: see `inference`. quality: "best" averages over the four mirrored versions of
    each tile, which takes four times as long. gates: as for Gates. applied: as for Restorer. Raises
    FileNotFoundError if the file does not exist, InputError if the quality is unknown.
    """
    if quality not in QUALITIES:
        raise InputError(f"quality: {quality}: unknown; known: {', '.join(QUALITIES)}")
    if not model.exists():
        raise FileNotFoundError(
            f"restore: {model}: there is no such model; train one with `patina run`"
        )
    found = Networks(model, precision, device)
    facts = {"file": model.name, "sha256": found.sha256, "precision": found.precision}
    facts |= {"quality": quality} | version_of(model)
    facts |= {"device": found.device} if found.device != "CPU" else {}
    networks: Mapping[str, Network] = found
    if quality == "best":
        networks = {
            role: self_ensemble(network) if role in ENSEMBLE_ROLES else network
            for role, network in found.items()
        }
    chosen = {**(gates or {}), **(SINGLE_GATES if is_single(model) else {})}
    judges = {} if is_single(model) else judges_beside(model)
    return Restorer(networks, facts, Gates(**chosen), judges=judges, **applied)


def judges_beside(model: Path) -> dict[str, Judge]:
    """The judges of a model by role: `noise`, `blur`, `piece` and `area`; empty without
    judge.json.
    """
    file = model.with_name("judge.json")
    if not file.exists():
        return {}
    records = json.loads(file.read_text(encoding="utf-8"))
    return {present_role(role): Judge.of(each) for role, each in records.items()}


def restore_scans(
    scans: Iterable[tuple[Place, Place]], restorer: Restorer, output: OutputOptions = DEFAULT_OUTPUT
) -> Iterator[Record]:
    """Restore each of `scans` (file, path of its result); yield the outcome of each.

    An outcome has the keys of `outbox.COLUMNS`. A scan with an error is set aside with the reason,
    and the run continues. Small scans are restored two at a time. Raises OSError if results can no
    longer be written.
    """

    def outcome(scan: tuple[Place, Place], on_progress: ProgressCallback) -> Record:
        return _record(*scan, replace(restorer, on_progress=on_progress), output)

    yield from side_by_side(outcome, [*scans], _is_small, restorer.on_progress)


def _is_small(scan: tuple[Place, Place]) -> bool:
    """Whether the scan can be restored while another one is."""
    local = all(isinstance(place, Path) for place in scan)
    return local and isinstance(scan[0], Path) and is_at_most(scan[0], SMALL_PX)


def _record(source: Place, target: Place, restorer: Restorer, output: OutputOptions) -> Record:
    try:
        outcome = _outcome(_restored(source, target, restorer, output))
    except ImageError as error:
        outcome = {"reason": str(error)}
    except Exception as error:
        # One bad scan must not end a run of thousands, whatever error a library raises. Only a
        # lost outbox ends the run, and exceptions that are not an Exception: Ctrl-C, signals.
        if isinstance(error, OSError) and _outbox_is_lost(target, error):
            raise
        log.exception("restore: %s: unexpected error", source)
        outcome = _unexpected(error)
    return {"file": str(source), "result": str(target), **_with_file_name(outcome, source)}


def _restored(source: Place, target: Place, restorer: Restorer, output: OutputOptions) -> Record:
    """The sidecar of the result."""
    if isinstance(source, Path) and isinstance(target, Path):
        sidecar = restore_file(source, target, restorer, output)
        if output.iiif:
            publish(source, target, output.iiif, sidecar)
        return sidecar
    return restore_remote(source, target, restorer, output)


def _outcome(sidecar: Record) -> Record:
    form, change = sidecar["source"], sidecar["change"]
    figures = figures_of(sidecar)
    return {
        "outcome": outcome_of(figures),
        "summary": sidecar.get("summary") or summary_of(figures),
        "flags": sidecar["flags"],
        "notes": form.get("notes", []),
        "megapixels": form["width"] * form["height"] / 1e6,
        "seconds": sidecar["seconds"],
        "share_of_pixels": change["share_of_pixels"],
        "damaged_share": change.get("damage", {}).get("found_share", 0.0),
        "delta_e2000_mean": change["delta_e2000"]["mean"],
    }


def _unexpected(error: Exception) -> Record:
    """The reason for an unexpected error, and its traceback for failures.jsonl."""
    kind = type(error).__name__
    lines = traceback.format_exception(error)
    return {"reason": f"{kind}: {first_words(error)}", "kind": kind, "traceback": "".join(lines)}


def _with_file_name(outcome: Record, source: Place) -> Record:
    """The outcome; its reason begins with the name of the file."""
    if "reason" not in outcome:
        return outcome
    reason = outcome["reason"]
    reason = reason if source.name in reason else f"{source.name}: {reason}"
    return outcome | {"outcome": "set aside", "result": "", "reason": reason}


def _outbox_is_lost(target: Place, error: OSError) -> bool:
    """Whether no other result can be written either, because the disk is full or gone."""
    if not isinstance(target, Path) or isinstance(error, StorageError) or error.errno in FULL:
        return True
    try:
        with draft_folder(next(folder for folder in target.parents if folder.is_dir())):
            return False
    except OSError:
        return True


def speed(megapixels: float, started: float) -> str:
    """Megapixels per second since `started`, a value of time.monotonic()."""
    return f"{megapixels / (time.monotonic() - started):.1f} MP/s"


def run_summary(outcomes: Sequence[Record], outbox: Place) -> str:
    """The summary line of a run into `outbox`.

    Raises InputError if every scan was set aside.
    """
    failed = sum("reason" in outcome for outcome in outcomes)
    flagged = sum(bool(outcome.get("flags")) for outcome in outcomes)
    untouched = sum(outcome.get("outcome") == UNTOUCHED for outcome in outcomes)
    scans = "1 scan" if len(outcomes) == 1 else f"{len(outcomes)} scans"
    summary = f"restore: {scans}, {untouched} untouched, {failed} set aside, {flagged} flagged"
    if failed == len(outcomes):
        raise InputError(f"{summary}; see {outbox / 'failures.jsonl'}")
    return summary
