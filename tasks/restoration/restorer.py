"""Restores a work in the inverse order of its damage: capture, then accidents, then paint.

Each network gets the output of the one before. `jpeg`, `detail` and `blur` process tiles;
`segmentation` and `areas` examine the whole work, reduced; `inpainting` fills the chosen damage;
`tone` uses a small view. A work is never in memory as a whole: its rows are read when they are
needed, and the changes are kept in a file.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from threading import Lock
from typing import BinaryIO

import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.images import largest, to_float, to_uint8
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import ahead
from patina.tasks.restoration import capture, decision
from patina.tasks.restoration.advance import Hear, Step, told_tiles, unheard
from patina.tasks.restoration.capture import Capture
from patina.tasks.restoration.decision import Damage
from patina.tasks.restoration.detection import LOOKS_PX, area_likelihoods, segmented
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.inpainting import fills
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.marked import UNMARKED, Marked, with_marks
from patina.tasks.restoration.proposals import with_proposals
from patina.tasks.restoration.reduced import enlarged, resized, small_of, strips_of
from patina.tasks.restoration.tiling import (
    Network,
    Rows,
    apply_tiled,
    rows_of,
)
from patina.tasks.restoration.toning import NO_TONE, Tone, tone_of

TREATMENTS = ("detail", "damage", "tone", "craquelure")
DEFAULT_TREATMENTS = TREATMENTS[:3]
CAPTURE = ("jpeg", *capture.CORRECTING)  # networks, in the order in which they are applied
DEAD_ZONE = 0.25 / 255  # smaller changes of a pixel are set to 0
KEPT = 6  # bytes a pixel of residual or fill: three int16, scaled by FULL
FULL = 32767


@dataclass(frozen=True)
class Restorer:
    """Networks, and how they are applied."""

    networks: Mapping[str, Network]  # by role, of `patina.models.ROLES`; missing ones are skipped
    model: Record  # facts about the model for the sidecar; must have "sha256"
    gates: Gates
    tile_px: int  # see `tiled_rows`
    overlap_px: int  # see `tiled_rows`
    treat: tuple[str, ...] = DEFAULT_TREATMENTS  # treatments to apply
    forced: tuple[str, ...] = ()  # treatments to apply in full, without gates
    judges: Mapping[str, Judge] = field(default_factory=dict)  # by role
    strength: tuple[float, ...] = (1.0,) * len(TREATMENTS)  # of each treatment, 0 to 1
    hear: Hear = unheard  # is called with the progress

    @property
    def tiles(self) -> dict[str, int]:
        """Arguments of `tiled_rows`."""
        return {"tile_px": self.tile_px, "overlap_px": self.overlap_px}

    @property
    def told(self) -> Record:
        """Arguments of `told_tiles`."""
        return self.tiles | {"hear": self.hear}

    def applied(self) -> Record:
        """How the networks are applied, for the sidecar."""
        asked = {"treat": list(self.treat), "force": list(self.forced)}
        strength = dict(zip(TREATMENTS, self.strength, strict=True))
        return self.tiles | {"gates": self.gates.__dict__} | asked | {"strength": strength}

    def much(self, treatment: str) -> float:
        """The strength of a treatment."""
        return self.strength[TREATMENTS.index(treatment)]

    def restored(self, picture: np.ndarray) -> np.ndarray:
        """Restore a picture in memory, uint8 (H, W, 3), sRGB; the result has the same form."""
        view = to_float(picture)
        return to_uint8(view + self.change(view)[0])

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """The change of `view`, float32 (H, W, 3), and the record of the decisions.

        Changes below DEAD_ZONE are exactly 0.
        """
        size = view.shape[0], view.shape[1]
        treatment = decide(self, rows_of(view), size, BytesIO())
        parts = [treatment.change(view[top:bottom], top)[0] for top, bottom in strips_of(*size)]
        return np.concatenate(parts), treatment.decided()


@dataclass(frozen=True)
class Treatment:
    """The decisions on one work, and its changes."""

    restorer: Restorer
    size: tuple[int, int]  # (height, width) of the work
    kept: BinaryIO  # the residual of the whole work, then its fill, if there are any
    capture: Capture
    damage: Damage | None = None
    tone: Tone = NO_TONE
    marked: Marked = UNMARKED  # masks of the user
    turn: Lock = field(default_factory=Lock)  # for threads that read `kept`

    @property
    def corrects(self) -> bool:
        """Whether detail is corrected."""
        return any(self.capture.weight(role) for role in CAPTURE)

    @property
    def fills(self) -> bool:
        """Whether damage or marked pixels are filled."""
        found = self.damage is not None and bool(self.damage.fill.any())
        return found or self.marked.fill is not None

    def decided(self) -> Record:
        """The decisions on the whole work, in the form that `report.summary` reads."""
        told = self.capture.record() | {"tone": self.tone.record()}
        if self.damage:
            much = self.restorer.much("damage")
            told["damage"] = self.damage.record(much) | self.marked.record(self.damage, much)
        return told

    def change(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """The change of the rows `view` from `top` on, float32 (h, W, 3), and their damage map.

        The damage map is (h, W, 1): 1 where damage is filled, 0.5 where it is proposed or kept.
        """
        damage = self._map(top, top + len(view))
        if not (self.corrects or self.fills or self.tone.weight):
            return np.zeros_like(view), damage
        mended = self.mended(view, top)
        restored = self.tone.applied(mended, self.size, top)
        change = (np.clip(restored, 0, 1) - view).astype(np.float32)
        change[largest(np.abs(change)) < DEAD_ZONE] = 0
        return change, damage

    def mended(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected and damage filled."""
        mended = self.corrected(view, top)
        if self.fills:
            fill = self._read(top, top + len(view), part=1)
            mended = mended + np.float32(self.restorer.much("damage")) * fill
        return np.clip(mended, 0, 1)

    def corrected(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected."""
        if not self.corrects:
            return view
        residual = self._read(top, top + len(view), part=0)
        return np.clip(view + np.float32(self.restorer.much("detail")) * residual, 0, 1)

    def _map(self, top: int, bottom: int) -> np.ndarray:
        if self.damage is None:
            return np.zeros((bottom - top, self.size[1], 1), np.float32)
        shown = np.maximum(self.damage.fill, 0.5 * self.damage.found)
        return self.marked.shown(enlarged(shown[..., None], self.size, top, bottom), top)

    def _read(self, top: int, bottom: int, part: int) -> np.ndarray:
        row_bytes = self.size[1] * 3 * 2
        with self.turn:
            self.kept.seek((part * self.size[0] + top) * row_bytes)
            raw = self.kept.read((bottom - top) * row_bytes)
        return np.frombuffer(raw, np.int16).reshape(-1, self.size[1], 3) / np.float32(FULL)

    def keep(self, strips: Iterable[np.ndarray], part: int) -> None:
        """Save the residual (part 0) or the fill (part 1), float32 rows from the top."""
        place = part * self.size[0] * self.size[1] * 3 * 2
        for rows in ahead(strips):
            for top, bottom in strips_of(*rows.shape[:2]):
                change = np.clip(rows[top:bottom], -1, 1)
                change *= FULL
                whole = np.rint(change, out=change).astype(np.int16).tobytes()
                with self.turn:  # other threads read the residual at the same time
                    self.kept.seek(place)
                    self.kept.write(whole)
                place += len(whole)
            del rows  # it is large, and the next rows take long


def decide(
    restorer: Restorer,
    rows: Rows,
    size: tuple[int, int],
    kept: BinaryIO,
    marked: Marked = UNMARKED,
) -> Treatment:
    """Analyse a work of `size` (height, width), and compute its changes.

    rows: gives rows of the work, sRGB in [0, 1]. kept: an empty file for the changes. marked: the
    masks of the user.
    """
    treatment = Treatment(restorer, size, kept, _capture(restorer, rows, size), marked=marked)
    if treatment.corrects:
        network = capture_network(treatment)
        treatment.keep(told_tiles(Step("detail"), network, rows, size, **restorer.told), part=0)
    if not {"damage", "craquelure", "tone"} & {*restorer.treat} and marked.fill is None:
        return treatment
    restorer.hear(Step("damage", pixels=size[0] * size[1]))
    view = small_of(lambda top, bottom: treatment.corrected(rows(top, bottom), top), *size)
    damage = with_marks(_damage(restorer, view), marked, view.shape)
    treatment = replace(treatment, damage=damage)
    if treatment.fills:
        treatment.keep(_filled(treatment, rows), part=1)
        view = small_of(lambda top, bottom: treatment.mended(rows(top, bottom), top), *size)
    return replace(treatment, tone=_tone(restorer, view))


def _capture(restorer: Restorer, rows: Rows, size: tuple[int, int]) -> Capture:
    networks = restorer.networks if "detail" in restorer.treat else {}
    forced = "detail" in restorer.forced
    tiles = capture.probes(rows, *size)
    return capture.looked(networks, tiles, restorer.gates, restorer.judges, forced=forced)


def capture_network(treatment: Treatment) -> Network:
    """A network from a tile to its residual, which applies the chosen networks of CAPTURE in
    turn.
    """
    applied, found = [], treatment.capture
    for role in CAPTURE:
        if weight := found.weight(role):
            network = treatment.restorer.networks[role]
            network = capture.on_grid(network, found.begins) if role == "jpeg" else network
            applied.append((np.float32(weight), network))

    def residual(tile: np.ndarray) -> np.ndarray:
        change = np.zeros_like(tile)
        for weight, network in applied:
            change = change + weight * network(np.clip(tile + change, 0, 1))
        return change

    return residual


def _damage(restorer: Restorer, view: np.ndarray) -> Damage | None:
    asked = {"damage", "craquelure"} & {*restorer.treat}
    if "segmentation" not in restorer.networks or not asked:
        return None
    cracks, forced = "craquelure" in restorer.treat, "damage" in restorer.forced

    def is_enough(likely: np.ndarray) -> bool:
        return not forced and decision.shows_nothing(likely, restorer.gates, cracks=cracks)

    network = restorer.networks["segmentation"]
    likely = segmented(network, view, LOOKS_PX, restorer.tiles, is_enough)
    if "damage" not in restorer.treat:
        likely[..., : CLASSES.index("crack")] = 0
    shown = resized(view, likely.shape[:2])
    damage = decision.decide_fill(
        shown,
        likely,
        restorer.gates,
        restorer.judges.get("piece"),
        cracks=cracks,
        forced=forced,
    )
    if "areas" not in restorer.networks or "damage" not in restorer.treat:
        return damage
    areas = area_likelihoods(restorer.networks["areas"], view, likely.shape[:2])
    judge = restorer.judges.get("area")
    return with_proposals(damage, shown, areas, restorer.gates, judge, forced=forced)


def _filled(treatment: Treatment, rows: Rows) -> Iterable[np.ndarray]:
    """The fill of the whole work, strip by strip."""
    restorer, size, damage = treatment.restorer, treatment.size, treatment.damage
    assert damage is not None
    maps = np.dstack([damage.fill, damage.stain])

    def with_maps(top: int, bottom: int) -> np.ndarray:
        shown = treatment.corrected(rows(top, bottom), top)
        bands = [shown, enlarged(maps, size, top, bottom)]
        if (marked := treatment.marked.filled_rows(top, bottom)) is not None:
            bands.append(marked[..., None].astype(np.float32))
        return np.concatenate(bands, axis=2)

    network: Callable = lambda tile: fills(restorer.networks.get("inpainting"), tile)  # noqa: E731
    return told_tiles(Step("filling"), network, with_maps, size, **restorer.told)


def _tone(restorer: Restorer, view: np.ndarray) -> Tone:
    network = restorer.networks.get("tone")
    if network is None or "tone" not in restorer.treat:
        return NO_TONE
    found = tone_of(network, view, restorer.gates.tone_255, forced="tone" in restorer.forced)
    return replace(found, weight=found.weight * restorer.much("tone"))


def look(restorer: Restorer, rows: Rows, view: np.ndarray, size: tuple[int, int]) -> Treatment:
    """Analyse a work without computing its changes, which takes seconds.

    rows: as for `decide`. view: the reduced work, from `reduced.small_of`. If the work is not
    reduced, its detail is corrected before damage and tone are searched for.
    """
    found = Treatment(restorer, size, BytesIO(), _capture(restorer, rows, size))
    if found.corrects and view.shape[:2] == size:
        residual = np.rint(FULL * apply_tiled(capture_network(found), view, **restorer.tiles))
        view = np.clip(view + np.float32(restorer.much("detail") / FULL) * residual, 0, 1)
    return replace(found, damage=_damage(restorer, view), tone=_tone(restorer, view))
