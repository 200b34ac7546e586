"""Any number of scans through a network: same size, depth and metadata out, and a sidecar each.

The network sees sRGB; what it adds is carried over to the scan's own colour space and depth and
added to the scan's own pixels, so that a pixel which the network leaves alone keeps its value.
"""

import json
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from skimage.color import deltaE_ciede2000, rgb2lab

from models import graph
from models.pretrained import shipped
from tasks.files import Record, sha256_of, write_json, write_jsonl
from tasks.images import EXTENSIONS, ImageError
from tasks.scans import ENCODINGS, Scan, opened
from tasks.treating import Restorer, Treatment, decide, strips_of

STATEMENT = "A virtual restoration hypothesis, computed; not a record of the object."
SAMPLED = 250_000  # pixels whose colour difference is computed, evenly spread, at most


def chosen_model(given: Path | None, trained: Path) -> Path:
    """The model to restore with: the one given, else the one trained here, else the shipped one."""
    return given or (trained if trained.exists() else shipped())


def load_restorer(model: Path, *, precision: str = "auto", **applied: Any) -> Restorer:
    """The network filed at `model`, with what the sidecars say of it.

    precision: see `models.graph`. applied: as for Restorer.

    Raises FileNotFoundError when there is none.
    """
    if not model.exists():
        raise FileNotFoundError(f"restore: {model}: no such model; train one with `patina run`")
    interventions, estimate, precision = graph.load(model, precision)
    facts = {"file": model.name, "sha256": sha256_of(model), "precision": precision}
    return Restorer(interventions, estimate, facts, **applied)


def plan(inbox: Path, outbox: Path) -> list[tuple[Path, Path]]:
    """Each image file under `inbox` (or `inbox` itself) and where its result goes, sorted.

    What lies in an outbox inside the inbox is no scan. Raises FileNotFoundError when there is no
    such file or folder, or no image in it; ValueError when a result would overwrite a scan or
    another result.
    """
    apart = outbox.resolve() != inbox.resolve()
    sources = [inbox] if inbox.is_file() else sorted(inbox.rglob("*"))
    scans = [
        (source, outbox / target_of(source.relative_to(inbox if inbox.is_dir() else inbox.parent)))
        for source in sources
        if source.suffix.lower() in EXTENSIONS
        and source.is_file()
        and not (apart and source.resolve().is_relative_to(outbox.resolve()))
    ]
    if not scans:
        what = "no image in this folder" if inbox.is_dir() else "no such file or folder"
        raise FileNotFoundError(f"restore: {inbox}: {what}")
    taken = {source.resolve(): source for source, _ in scans}
    for source, target in scans:
        if other := taken.get(target.resolve()):
            raise ValueError(
                f"restore: {source}: its result would overwrite that of, or be, {other}"
            )
        taken[target.resolve()] = source
    return scans


def target_of(place: Path) -> Path:
    """Where the result goes: lossless kinds keep their names, others get `.tif` added to theirs."""
    lossless = place.suffix.lower() in ENCODINGS
    return place if lossless else place.with_name(f"{place.name}.tif")


def restore_scans(scans: Iterable[tuple[Path, Path]], restorer: Restorer) -> Iterator[Record]:
    """Restore each of `scans` (file, where its result goes) in turn.

    Gives, for each, an empty record, or the file and the reason why it could not be restored.
    """
    for source, target in scans:
        try:
            restore_file(source, target, restorer)
            yield {}
        except ImageError as error:
            yield {"file": str(source), "reason": str(error)}


def file_failures(outcomes: Sequence[Record], outbox: Path) -> str:
    """Write `outbox`/failures.jsonl and return a line that tells how many there were.

    Raises ValueError when every scan failed.
    """
    failures = [outcome for outcome in outcomes if outcome]
    write_jsonl(outbox / "failures.jsonl", failures)
    told = f"restore: {len(outcomes)} scans, {len(failures)} set aside"
    if len(failures) == len(outcomes):
        raise ValueError(f"{told}; see {outbox / 'failures.jsonl'}")
    return told


def restore_file(source: Path, target: Path, restorer: Restorer) -> Record:
    """Restore `source` into `target`, file the sidecar `target`.json and return it.

    A target whose sidecar names the same source and model is left as it is.
    Raises ImageError when `source` is no image that can be restored.
    """
    sidecar_path = target.with_name(f"{target.name}.json")
    try:
        source_sha256 = sha256_of(source)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be read ({error.strerror})") from error
    if done := _already_done(target, sidecar_path, source_sha256, restorer):
        return done
    started = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".patina-") as folder,
            opened(source, Path(folder)) as scan,
        ):
            facts = _restored(scan, restorer, Path(folder), target)
            form = scan.form()
    except pyvips.Error as error:
        raise ImageError(f"{source.name}: cannot be converted: {error}") from error
    sidecar = {
        "schema": 2,
        "statement": STATEMENT,
        "source": {"file": source.name, "sha256": source_sha256, **form},
        "result": {"file": target.name, "sha256": sha256_of(target)},
        "model": restorer.model,
        "change": facts,
        "applied": restorer.applied(),
        "software": {"python": platform.python_version(), "libvips": _vips_version()},
        "seconds": round(time.monotonic() - started, 3),
    }
    write_json(sidecar_path, sidecar)
    return sidecar


def _already_done(
    target: Path, sidecar: Path, source_sha256: str, restorer: Restorer
) -> Record | None:
    if not sidecar.exists():
        return None
    try:
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        ours = record["statement"] == STATEMENT
    except (ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise ImageError(f"{sidecar}: in the way, and no sidecar of ours; move it elsewhere")
    wanted = {"model": restorer.model, "applied": restorer.applied()}
    same = record["source"]["sha256"] == source_sha256 and record | wanted == record
    whole = target.exists() and record["result"]["sha256"] == sha256_of(target)
    return record if same and whole else None


def _restored(scan: Scan, restorer: Restorer, folder: Path, target: Path) -> Record:
    """File the scan with the network's change at `target`; figures of the change."""
    with (folder / "parts").open("w+b") as kept:
        treatment = decide(restorer, scan.srgb, (scan.height, scan.width), kept)
        figures = _Figures(scan)
        with (folder / "pixels").open("wb") as pixels:
            for top, bottom in strips_of(scan.height):
                pixels.write(figures.of_strip(treatment, top, bottom).tobytes())
    scan.file(folder / "pixels", target)
    return figures.record() | treatment.decided()


class _Figures:
    """What the sidecar tells of a change, strip by strip."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self.pixels = scan.height * scan.width
        self.changed, self.steps, self.largest = 0, 0.0, 0.0
        self.every = max(1, round((self.pixels / SAMPLED) ** 0.5))
        self.differences: list[np.ndarray] = []
        self.damaged: list[np.ndarray] = []

    def of_strip(self, treatment: Treatment, top: int, bottom: int) -> np.ndarray:
        """The rows of the result, counted."""
        view, own = self.scan.srgb(top, bottom), self.scan.rows(top, bottom)
        change, damage = treatment.change(view, top)
        result = self.scan.changed(own, view, change)
        self.changed += int((result != own).any(axis=2).sum())
        steps = np.abs(change).max(axis=2) * 255
        self.steps += float(steps.sum(dtype=np.float64))
        self.largest = max(self.largest, float(steps.max()))
        sampled = np.s_[-top % self.every :: self.every, :: self.every]
        before = view[sampled]
        if before.size:
            pair = [rgb2lab(each) for each in (before, before + change[sampled])]
            self.differences.append(deltaE_ciede2000(*pair).ravel())
            self.damaged.append(damage[sampled].ravel() > 0.5)
        return result

    def record(self) -> Record:
        """Shares, 8-bit steps, and the ΔE2000 inside and outside of the damage."""
        differences, damaged = np.concatenate(self.differences), np.concatenate(self.damaged)
        return {
            "share_of_pixels": round(self.changed / self.pixels, 6),
            "mean_8bit_steps": round(self.steps / self.pixels, 4),
            "max_8bit_steps": round(self.largest, 4),
            "delta_e2000": {
                "inside_damage": _spread(differences[damaged]),
                "outside_damage": _spread(differences[~damaged]),
            },
        }


def _spread(values: np.ndarray) -> Record | None:
    if not values.size:
        return None
    figures = {"mean": values.mean(), "p90": np.percentile(values, 90), "max": values.max()}
    return {name: round(float(value), 3) for name, value in figures.items()}


def _vips_version() -> str:
    return ".".join(str(pyvips.version(part)) for part in range(3))
