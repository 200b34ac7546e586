"""The contents of a condition report, from a scan and its restoration.

A report is a virtual restoration hypothesis. It describes a scan, never the object itself.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pyvips

from patina.tasks.imaging.fields import orientation_of, rotated
from patina.tasks.imaging.images import load_srgb, reduced, to_uint8
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.scans import opened
from patina.tasks.io.atomic import Record, draft_folder
from patina.tasks.restoration.area_outcomes import (
    DAMAGED,
    FILLED,
    MANY,
    PROPOSED,
    decisions_on,
    outcomes_of,
    treatments_and_left,
)
from patina.tasks.restoration.colour_findings import findings
from patina.tasks.restoration.corrected_stains import CORRECTED, corrected_stains
from patina.tasks.restoration.damage import Damage
from patina.tasks.restoration.damage_areas import Area, Rest, listed, map_areas
from patina.tasks.restoration.doubtful import doubtful_sentence, further_pieces
from patina.tasks.restoration.mask_files import drawn_mask
from patina.tasks.restoration.reduced import ReducedWork, strips_of
from patina.tasks.restoration.work_record import record_of

HYPOTHESIS = "Virtual restoration hypothesis"
STATEMENT = (
    "Computed from a scan; not a record of the object, and no substitute for an examination of it."
)
PICTURE_PX = 1400  # long side of the pictures in a report
BOX_PX = 4  # width of the outline of a stain's box
MM_AN_INCH = 25.4
DIGITS = 16  # digits of a SHA-256, where all digits would not fit on the page
# Values in dots per inch that programs write if they do not know the resolution
MADE_UP = (72, 96)
# sRGB, 8 bit: the colours of areas in a report that are filled, of those that are not, and of the
# boxes of corrected stains
RED, BLUE, ORANGE = np.array([[196, 30, 58], [0, 84, 178], [214, 118, 0]], np.float32)


@dataclass(frozen=True)
class Condition:
    """The contents of a report on one work."""

    work: dict[str, str]  # its record, by `work_record.FIELDS`
    scan: dict[str, str]  # facts about the file, by their names
    height: int  # pixels, as a viewer shows the scan
    width: int
    mm_a_px: float | None  # millimetres of the work for each pixel; None: unknown
    before: np.ndarray  # the scan: uint8 (h, w, 3), sRGB, no side longer than PICTURE_PX
    mapped: np.ndarray  # the same, pale, with the damage in RED and BLUE, and ORANGE boxes
    after: np.ndarray  # the restored work
    damaged: float  # share of the work, 0 to 1
    areas: list[Area]  # the listed areas, the largest first
    stains: list[Area]  # the corrected stains, numbered after the areas
    rest: Rest  # the sum of the other areas
    colour: list[str]  # findings, sentences
    treatments: list[tuple[str, str]]  # name of each, and a sentence
    decisions: list[tuple[str, str]]  # what was found, marked and decided: names and sentences
    outcomes: dict[int, str]  # outcome of each area by its number; empty: none is known
    made: bool  # whether the result exists; otherwise the treatments are proposals
    notes: list[str]  # reasons for an inspection
    software: dict[str, str]  # names, with versions and SHA-256; what the report was made from
    key: str  # see `key_of`
    date: str  # of the report, ISO 8601

    @property
    def title(self) -> str:
        """The title of the work, with the artist if known."""
        return ", ".join(self.work[name] for name in ("artist", "title") if name in self.work)

    @property
    def legend(self) -> str:
        """The caption of the picture of the areas."""
        filled = "filled" if self.made else "to be filled"
        stains = f", orange box: stain {CORRECTED[self.made]}" if self.stains else ""
        return f"Areas of damage; red: {filled}, blue: not filled{stains}"

    @property
    def numbered(self) -> list[Area]:
        """The listed areas and the corrected stains, by their numbers."""
        return [*self.areas, *self.stains]


@dataclass(frozen=True)
class Examination:
    """A scan, its restored result, and their paths."""

    scan: Path
    result: Path
    damage: Path  # the damage map, in the size of the stored scan
    sidecar: Record  # of the result
    made: bool  # whether a user keeps the result
    # The masks of a person, by option, as far as they are known
    masks: Mapping[str, Path] = field(default_factory=dict)


def condition_of(
    examined: Examination,
    given: Mapping[str, str],
    *,
    width_mm: float | None = None,
    every: Damage | None = None,
) -> Condition:
    """The contents of the report on a scan that was restored.

    given: fields of `work_record.FIELDS` that the user gave. width_mm: width of what the scan
    shows; without it, the resolution of the file is used. every: from `doubtful.every_piece`, for
    the number of further places that may be damage. Raises ImageError when a picture cannot be
    read.
    """
    sidecar = examined.sidecar
    head = pyvips.Image.new_from_file(str(examined.result))
    damage = _damage(examined.damage, head)
    height, width = damage.shape
    before, after = picture_of(examined.scan), picture_of(examined.result)
    found, made = map_areas(damage), examined.made
    outcomes = outcomes_of(sidecar, found, damage, _masks(examined, damage), made=made)
    further = further_pieces(every, damage > 127) if every else []
    areas, rest = listed(found.areas)
    stains = corrected_stains(sidecar["change"], (height, width), orientation_of(head), len(areas))
    mm_a_px, resolution = _resolution(head, width, width_mm)
    spared = cv2.resize(damage, before.shape[1::-1], interpolation=cv2.INTER_AREA)
    return Condition(
        work=record_of(examined.scan, sidecar["source"]["sha256"], given),
        scan=_facts(sidecar["source"], height, width, resolution),
        height=height,
        width=width,
        mm_a_px=mm_a_px,
        before=before,
        mapped=_boxed(_mapped(before, damage), stains, width),
        after=after,
        damaged=sum(area.share for area in found.areas),
        areas=areas,
        stains=stains,
        rest=rest,
        colour=findings(before, after, spared > 0),
        treatments=treatments_and_left(sidecar, found.areas, outcomes, made=made),
        decisions=decisions_on(
            found.areas, outcomes, sidecar["change"], further=doubtful_sentence(further)
        ),
        outcomes=outcomes | {stain.number: CORRECTED[made] for stain in stains},
        made=made,
        notes=[*_reasons(sidecar), *sidecar["source"].get("notes", [])],
        software=_made_from(examined) | _software(sidecar),
        key=key_of(sidecar, made=made),
        date=datetime.now(UTC).date().isoformat(),
    )


def _masks(examined: Examination, damage: np.ndarray) -> dict[str, np.ndarray]:
    """The marked pixels of the masks that fit the damage map, bool (H, W)."""
    masks = {option: drawn_mask(path) for option, path in examined.masks.items()}
    return {option: mask for option, mask in masks.items() if mask.shape == damage.shape}


def key_of(sidecar: Record, *, made: bool) -> str:
    """A key of what a report was made from: the scan, the model, the options, the masks.

    sidecar: it may have other keys than "source", "model" and "applied". made: as in Condition.
    """
    facts = [sidecar["source"]["sha256"], sidecar["model"], sidecar["applied"], made]
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:DIGITS]


def _made_from(examined: Examination) -> dict[str, str]:
    """What the report was made from, so that a reader can see whether it is out of date."""
    sidecar = examined.sidecar
    if not examined.made:
        return {"Made from": "the scan, before a result was saved"}
    result = sidecar["result"]
    return {
        "Made from": f"{result['file']}.json of {sidecar.get('restored', 'unknown time')}, result "
        f"SHA-256 {result['sha256']}"
    }


def picture_of(path: Path) -> np.ndarray:
    """A scan of any kind as a viewer shows it, uint8 (h, w, 3), no side longer than PICTURE_PX."""
    if read_kind(path) != "JPEG 2000":
        return load_srgb(path, long_side_px=PICTURE_PX)
    with draft_folder() as folder, opened(path, folder) as scan:
        small = ReducedWork(scan.height, scan.width)
        for top, bottom in strips_of(scan.height, scan.width):
            small.add(top, small.narrow(scan.srgb(top, bottom)))
    return to_uint8(reduced(small.image(), PICTURE_PX))


def _damage(path: Path, head: pyvips.Image) -> np.ndarray:
    """The damage map, rotated as a viewer rotates the scan with the metadata `head`: uint8 (H,
    W).
    """
    image = rotated(pyvips.Image.new_from_file(str(path)), orientation_of(head))
    return image.extract_band(0).numpy().reshape(image.height, image.width)


def _reasons(sidecar: Record) -> list[str]:
    """The reasons for an inspection, without the number of proposed areas.

    The sidecar counts pieces that are close together one by one; the report has its own number.
    """
    return [flag for flag in sidecar.get("flags", []) if not flag.endswith(MANY[PROPOSED])]


def _mapped(before: np.ndarray, damage: np.ndarray) -> np.ndarray:
    """The picture, pale and grey, with filled damage in RED and other damage in BLUE.

    damage: the damage map, uint8 (H, W).
    """
    grey = cv2.cvtColor(before, cv2.COLOR_RGB2GRAY).astype(np.float32)
    pale = np.repeat((255 - (255 - grey) * 0.55)[..., None], 3, axis=2)
    for above, colour in ((DAMAGED, BLUE), (FILLED, RED)):
        _, where = cv2.threshold(damage, above, 255, cv2.THRESH_BINARY)
        share = cv2.resize(where, before.shape[1::-1], interpolation=cv2.INTER_AREA)
        # Thicker, so that a hairline is visible in print
        seen = cv2.dilate(share, np.ones((3, 3), np.uint8)).astype(np.float32)[..., None] / 255
        seen = np.minimum(1, seen * 3)
        pale = pale * (1 - seen) + colour * seen
    return np.rint(pale).astype(np.uint8)


def _boxed(mapped: np.ndarray, stains: Sequence[Area], width: int) -> np.ndarray:
    """The picture with the boxes of corrected stains in ORANGE. width: of the work in pixels."""
    scale = mapped.shape[1] / width
    for stain in stains:
        ends = [(stain.left, stain.top), (stain.right, stain.bottom)]
        first, last = (tuple(round(side * scale) for side in end) for end in ends)
        cv2.rectangle(mapped, first, last, ORANGE.tolist(), BOX_PX)
    return mapped


def _resolution(head: pyvips.Image, width: int, width_mm: float | None) -> tuple[float | None, str]:
    """Millimetres per pixel, and the source of this value."""
    if width_mm:
        return width_mm / width, f"the work is {width_mm:g} mm wide, as the user states"
    dpi = head.xres * MM_AN_INCH
    stated = abs(head.xres - 1) > 1e-6 and round(dpi) not in MADE_UP
    if not stated:
        return None, "resolution unknown"
    return MM_AN_INCH / dpi, f"{dpi:.0f} dpi, as the file states"


def _facts(source: Record, height: int, width: int, resolution: str) -> dict[str, str]:
    return {
        "File": source["file"],
        "Size": f"{width} × {height} pixels, {source['bits']} bit; {resolution}",
        "SHA-256": source["sha256"],
    }


def _software(sidecar: Record) -> dict[str, str]:
    versions = dict(sidecar.get("software", {}))
    named = {"patina": "Patina", "openvino": "OpenVINO", "numpy": "NumPy", "opencv": "OpenCV"}
    programs = [f"{named.get(name, name)} {version}" for name, version in versions.items()]
    model = sidecar["model"]
    name = " ".join(str(model[key]) for key in ("network", "version") if key in model)
    return {
        "Software": ", ".join(programs),
        f"Weights {name or model.get('file', '')}": f"SHA-256 {model['sha256']}",
        **_networks(model.get("networks")),
    }


def _networks(networks: Record | None) -> dict[str, str]:
    """The networks of a model by name; the sidecar has their full SHA-256."""
    hashes = [f"{name} {sha256[:DIGITS]}" for name, sha256 in (networks or {}).items()]
    return {f"Networks, by {DIGITS} digits of SHA-256": ", ".join(hashes)} if hashes else {}
