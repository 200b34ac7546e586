"""The files beside a result, and how a sidecar shows that a scan is already restored."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyvips

from patina.models import present_role
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import field_of
from patina.tasks.imaging.one_at_a_time import one_at_a_time
from patina.tasks.imaging.software import versions
from patina.tasks.imaging.xmp import is_ours
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.io.storage import OnePlace, Place, Remote, exists, mark_of, read, relative
from patina.tasks.restoration.colour_findings import in_words
from patina.tasks.restoration.gates import present_name
from patina.tasks.restoration.report.summary import count_in_words
from patina.tasks.restoration.restorer import Restorer
from patina.tasks.restoration.undo import is_package, package_of
from patina.tasks.restoration.weights import with_present_roles

STATEMENT = "A virtual restoration hypothesis, computed; not a record of the object."
MAPS = ("damage", "difference")
SIDECAR_BYTES = 100_000_000  # a larger file is no sidecar
MAX_NAME_BYTES = 255  # maximum bytes of a file name
TONE_BEFORE = {"tone": ("stains", "tone")}  # the treatments that a former one was
SOFTWARE_FIELD = "png-comment-0-Software"  # metadata of a map that say that Patina wrote it
# The required keys of a sidecar, and their types
REQUIRED_KEYS = {"statement": str, "source": dict, "result": dict, "model": dict, "change": dict}


@dataclass(frozen=True)
class Served:
    """Where the files for IIIF viewers will be served: `outbox` at the address `base`."""

    outbox: Path
    base: str


@dataclass(frozen=True)
class OutputOptions:
    """The files to write beside a result, the masks, and the thresholds for flags.

    A mask has the size of the scan; a folder has masks with the names of the scans. A work is
    flagged from the thresholds on.
    """

    maps: bool = False  # write the damage map, and the amplified change around mid-grey, as PNG
    package: bool = False  # write the change package, see `restoration.undo`
    mask: Path | None = None  # mask or folder; pixels that are not black are filled
    protect: Path | None = None  # mask or folder; pixels that are not black do not change
    stains: Path | None = None  # mask or folder; stains where it is not black are corrected
    flag_damaged: float = 1.0  # share of the work in its damage map
    flag_repainted: float = 100.0  # filled share, times the mean ΔE2000 inside it
    flag_delta_e2000: float = 100.0  # mean change of the work
    iiif: Served | None = None  # see `restoration.iiif`; it needs the maps
    report: Place | None = None  # the outbox whose report gets pictures, see `restoration.report`

    def masks(self, source: Place) -> dict[str, Path]:
        """The masks for that scan, by option: "mask", "protect", "stains". Raises as `mask_of`."""
        given = {"mask": self.mask, "protect": self.protect, "stains": self.stains}
        found = {option: mask_of(source, masks) for option, masks in given.items()}
        return {option: mask for option, mask in found.items() if mask}

    def stale_files(self, target: OnePlace) -> list[OnePlace]:
        """Files beside the former result that the next one will not have."""
        recorded = names_beside(target)
        kept = {place.name for place in self.beside(target)}
        return [place for place in EVERY_FILE.beside(target) if place.name in recorded - kept]

    def beside(self, target: OnePlace) -> list[OnePlace]:
        """The files beside a result, without its sidecar."""
        maps = [map_of(target, name) for name in MAPS] if self.maps else []
        return maps + ([package_of(target)] if self.package else [])


def mask_of(source: Place, masks: Path | None) -> Path | None:
    """The mask for a scan, from one mask or a folder of masks; None if the folder has none for it.

    Raises ImageError if there is neither such a mask nor such a folder.
    """
    if masks is None or masks.is_file():
        return masks
    if not masks.is_dir():
        raise ImageError(f"{masks}: there is no such mask or folder of masks")
    stem = source.name.removesuffix(source.suffix)
    named = (masks / name for name in (source.name, f"{stem}.png"))
    return next((mask for mask in named if mask.is_file()), None)


DEFAULT_OUTPUT = OutputOptions()
EVERY_FILE = OutputOptions(maps=True, package=True)


def within(outbox: Place, target: Place) -> Path:
    """The path of a result in its outbox."""
    if isinstance(target, Remote):
        return relative(target, outbox) if isinstance(outbox, Remote) else Path(target.name)
    return target.relative_to(outbox) if isinstance(outbox, Path) else Path(target.name)


def map_of(target: OnePlace, name: str) -> OnePlace:
    """The path of one of MAPS for that result."""
    return target.with_name(f"{target.name}.{name}.png")


def sidecar_of(target: OnePlace) -> OnePlace:
    """The path of the sidecar for that result."""
    return target.with_name(f"{target.name}.json")


def refuse_names(source: Place, target: Place, output: OutputOptions) -> None:
    """Raise ImageError if a path is not UTF-8, or a name is too long for the files to write."""
    try:
        f"{source}{target}".encode()
    except UnicodeEncodeError as error:
        raise ImageError(f"{source}: the path is not valid UTF-8; rename it") from error
    for place in (sidecar_of(target), *output.beside(target)):
        if len(place.name.encode()) > MAX_NAME_BYTES:
            raise ImageError(
                f"{source.name}: the name is too long to add "
                f"{place.name.removeprefix(target.name)}; shorten it"
            )


def wanted_of(source: Place, restorer: Restorer, output: OutputOptions) -> Record:
    """The values of model and options that the sidecar of an up-to-date result has."""
    hashes = {option: sha256_of(mask) for option, mask in output.masks(source).items()}
    return {"model": restorer.model, "applied": restorer.applied() | hashes}


def sidecar_in(target: Place) -> Record | None:
    """The sidecar of `target`; None if there is none.

    Raises ImageError if Patina did not write the file, or it is damaged.
    """
    place = sidecar_of(target)
    try:
        content = read(place, SIDECAR_BYTES)
        record = json.loads(content) if content is not None else None
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and not isinstance(place, Path):
            raise  # a storage that cannot be reached
        record = {}
    if record is None:
        return None
    ours = isinstance(record, dict) and record.get("statement") == STATEMENT
    if not ours:
        raise ImageError(f"{place}: Patina did not write this file; move it elsewhere")
    if any(not isinstance(record.get(name), kind) for name, kind in REQUIRED_KEYS.items()):
        raise ImageError(
            f"{place}: the sidecar is damaged; remove it and its result, and run again"
        )
    return with_present_names(record)


def with_present_names(record: Record) -> Record:
    """A sidecar of any schema with the present names of the networks and gates."""
    renamed = dict(record)
    if isinstance(applied := record.get("applied"), dict):
        gates = applied.get("gates")
        if isinstance(gates, dict):
            gates = {present_name(gate): value for gate, value in gates.items()}
            applied = applied | {"gates": gates}
        renamed["applied"] = _with_stains(applied)
    if isinstance(change := record.get("change"), dict):
        renamed["change"] = {present_role(name): figures for name, figures in change.items()}
    if isinstance(model := record.get("model"), dict):
        renamed["model"] = with_present_roles(model)
    return renamed


def _with_stains(applied: Record) -> Record:
    """The applied options; the treatment `stains` was part of `tone` up to schema 10."""
    strength = applied.get("strength", {})
    if not isinstance(strength, dict) or "stains" in strength or "tone" not in strength:
        return applied
    named = {
        key: [name for each in applied.get(key, []) for name in TONE_BEFORE.get(each, (each,))]
        for key in ("treat", "force")
    }
    return applied | named | {"strength": strength | {"stains": strength["tone"]}}


def names_beside(target: Place) -> set[str]:
    """The names of the files beside a result, from its sidecar."""
    recorded = (sidecar_in(target) or {}).get("beside", [])
    recorded = recorded if isinstance(recorded, list) else []
    return {name for name in recorded if isinstance(name, str)}


def already_done(
    target: Place, source: Record, wanted: Record, output: OutputOptions
) -> Record | None:
    """The sidecar of `target`, if the wanted result exists and is complete; otherwise None.

    source: the mark of the source, see `patina.tasks.io.storage.mark_of`. Raises ImageError if
    Patina did not write a file that would be overwritten, or the result was changed later.
    """
    record = sidecar_in(target)
    _refuse_what_is_beside(target, output)
    if record is None:
        _refuse_what_is_not_ours(target)
        return None
    is_there = exists(target)
    if is_there and record["result"] | mark_of(target) != record["result"]:
        raise ImageError(
            f"{target}: the result was changed after it was restored; move it elsewhere, or remove "
            f"it and {sidecar_of(target).name} to restore it again"
        )
    same = record["source"] | source == record["source"] and record | wanted == record
    if not (same and is_there and all(exists(path) for path in output.beside(target))):
        return None
    return record | {"flags": flags_of(record["change"], output)}


def _refuse_what_is_beside(target: Place, output: OutputOptions) -> None:
    """Raises ImageError for maps and packages that are not ours."""
    recorded = names_beside(target)
    for place in output.beside(target):
        if place.name not in recorded and exists(place) and not _is_written_by_patina(place):
            raise ImageError(f"{place}: Patina did not write this file; move it elsewhere")


@one_at_a_time
def _is_written_by_patina(place: Place) -> bool:
    if not isinstance(place, Path):
        return True  # uploads of a killed run have no sidecar, so anything may be there
    if not place.is_file():  # reading a pipe could wait forever
        return False
    if place.name.endswith(".zip"):
        return is_package(place)
    with suppress(pyvips.Error):
        image = pyvips.Image.pngload(str(place))
        return str(field_of(image, SOFTWARE_FIELD, "")).startswith("Patina")
    return False


def with_software_note(drawn: pyvips.Image) -> pyvips.Image:
    """A map with a note in its metadata that Patina wrote it."""
    drawn = drawn.copy()
    drawn.set_type(pyvips.GValue.gstr_type, SOFTWARE_FIELD, f"Patina {versions()['patina']}")
    return drawn


def _refuse_what_is_not_ours(target: Place) -> None:
    """Raise ImageError if Patina did not write the file `target`."""
    is_there = exists(target) or (isinstance(target, Path) and target.is_symlink())
    if is_there and not is_ours_at(target):
        raise ImageError(f"{target}: Patina did not write this file; move it elsewhere")


@one_at_a_time
def is_ours_at(target: Place) -> bool:
    """Whether there is a picture whose metadata says that Patina wrote it."""
    if isinstance(target, Path) and not target.is_file():
        return False
    with suppress(pyvips.Error):
        image = (
            pyvips.Image.new_from_file(str(target), access="sequential")
            if isinstance(target, Path)
            else pyvips.Image.new_from_buffer(read(target) or b"", "")
        )
        return is_ours(field_of(image, "xmp-data"))
    return False


def flags_of(facts: Record, output: OutputOptions) -> list[str]:
    """The reasons why somebody should inspect a work, in words."""
    flags = []
    damage = facts.get("damage", {})
    if damage.get("found_share", 0) >= output.flag_damaged:
        flags.append(f"{damage['found_share']:.0%} of the work is in the damage map")
    if damage.get("proposed"):
        areas = "area" if damage["proposed"] == 1 else "areas"
        flags.append(f"{damage['proposed']} {areas} proposed, not filled")
    inside = (facts["delta_e2000"]["inside_damage"] or {}).get("mean", 0)
    if damage.get("filled_share", 0) * inside >= output.flag_repainted:
        flags.append(f"the change of the filled pixels is {in_words(inside)} (ΔE2000 {inside:.0f})")
    if found := facts.get("stains", {}).get("found"):
        flags.append(f"{count_in_words(found, 'stain', 'stains')} corrected")
    if proposed := len(facts.get("stains", {}).get("proposed", ())):
        stains = count_in_words(proposed, "possible stain", "possible stains")
        flags.append(f"{stains}, not corrected")
    if (tone := facts.get("tone", {})).get("seen") and not tone.get("weight"):
        flags.append(f"possible {tone['seen']}, not corrected")
    mean = facts["delta_e2000"]["mean"]
    if mean >= output.flag_delta_e2000:
        flags.append(f"the change of its colours is {in_words(mean)} (mean ΔE2000 {mean})")
    return flags
