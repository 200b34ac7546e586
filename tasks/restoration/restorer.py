"""What is done to a work: capture, then accidents, then paint, in the inverse of their order.

Each network leaves to the next what it has mended: `jpeg`, `detail` and `blur` see the work in
tiles, `segmentation` sees it whole, `inpainting` fills what was decided, `tone` sees a
small view of the rest. A work is never in memory as a whole: its rows are asked for, and what is
added to them is kept in a file.
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
DEAD_ZONE = 0.25 / 255  # a change of a pixel below it is none
KEPT = 6  # residual and fill: int16 a pixel, in parts of FULL
FULL = 32767


@dataclass(frozen=True)
class Restorer:
    """Networks and how they are applied.

    networks: by role, those of `patina.models.ROLES` that there are; what has none is not done.
    model: what the sidecar says of them; must hold its "sha256". gates: see Gates. tile_px,
    overlap_px: see `tiled_rows`. treat: of TREATMENTS. strength: how much of each is done, in
    [0, 1]. forced: treatments that the work is known to need: of these, all is done. hear: is told
    how far the work on a scan is.
    """

    networks: Mapping[str, Network]
    model: Record
    gates: Gates
    tile_px: int
    overlap_px: int
    treat: tuple[str, ...] = DEFAULT_TREATMENTS
    forced: tuple[str, ...] = ()
    judges: Mapping[str, Judge] = field(default_factory=dict)
    strength: tuple[float, ...] = (1.0,) * len(TREATMENTS)
    hear: Hear = unheard

    @property
    def tiles(self) -> dict[str, int]:
        """As `tiled_rows` takes them."""
        return {"tile_px": self.tile_px, "overlap_px": self.overlap_px}

    @property
    def told(self) -> Record:
        """As `told_tiles` takes them."""
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
        """A picture in memory, uint8 (H, W, 3), sRGB -> the same, restored."""
        view = to_float(picture)
        return to_uint8(view + self.change(view)[0])

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """What is added to `view`, float32 (H, W, 3), and what was decided for the whole work.

        A pixel's change is 0 to the last bit where it would be below DEAD_ZONE.
        """
        size = view.shape[0], view.shape[1]
        treatment = decide(self, rows_of(view), size, BytesIO())
        parts = [treatment.change(view[top:bottom], top)[0] for top, bottom in strips_of(*size)]
        return np.concatenate(parts), treatment.decided()


@dataclass(frozen=True)
class Treatment:
    """What is done to one work of `size`, (height, width).

    kept: what is added to each pixel: the residual of the whole work, then its fill, either only
    if there is one. capture, damage, tone: what was found and decided. marked: what was by hand.
    """

    restorer: Restorer
    size: tuple[int, int]
    kept: BinaryIO
    capture: Capture
    damage: Damage | None = None
    tone: Tone = NO_TONE
    marked: Marked = UNMARKED
    turn: Lock = field(default_factory=Lock)  # of threads, to read `kept`

    @property
    def corrects(self) -> bool:
        """Whether there is a residual."""
        return any(self.capture.weight(role) for role in CAPTURE)

    @property
    def fills(self) -> bool:
        """Whether there is a fill."""
        found = self.damage is not None and bool(self.damage.fill.any())
        return found or self.marked.fill is not None

    def decided(self) -> Record:
        """The record of what holds for the whole work, as `report.summary` reads it."""
        told = self.capture.record() | {"tone": self.tone.record()}
        if self.damage:
            much = self.restorer.much("damage")
            told["damage"] = self.damage.record(much) | self.marked.record(self.damage, much)
        return told

    def change(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """What is added to `view`, the rows from `top` on, float32 (h, W, 3); their damage map.

        The damage map, (h, W, 1): 1 where damage is filled, a half where it is proposed or kept.
        """
        mended = self.mended(view, top)
        restored = self.tone.applied(mended, self.size, top)
        change = (np.clip(restored, 0, 1) - view).astype(np.float32)
        change[largest(np.abs(change)) < DEAD_ZONE] = 0
        return change, self._map(top, top + len(view))

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
        """File the residual (part 0) or the fill (part 1), float32 rows from the top."""
        place = part * self.size[0] * self.size[1] * 3 * 2
        for rows in ahead(strips):
            whole = np.rint(np.clip(rows, -1, 1) * FULL).astype(np.int16).tobytes()
            with self.turn:  # meanwhile the next strips read the residual
                self.kept.seek(place)
                self.kept.write(whole)
            place += len(whole)


def decide(
    restorer: Restorer,
    rows: Rows,
    size: tuple[int, int],
    kept: BinaryIO,
    marked: Marked = UNMARKED,
) -> Treatment:
    """Look at a work of that size (height, width), and compute what is added to it.

    rows: give it, sRGB in [0, 1]. kept: must be empty. marked: what a user marked in it.
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
    """A tile -> its residual, of all networks of CAPTURE as far as they are applied."""
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
    likely = segmented(restorer.networks["segmentation"], view, LOOKS_PX, restorer.tiles)
    if "damage" not in restorer.treat:
        likely[..., : CLASSES.index("crack")] = 0
    shown, forced = resized(view, likely.shape[:2]), "damage" in restorer.forced
    damage = decision.decide_fill(
        shown,
        likely,
        restorer.gates,
        restorer.judges.get("piece"),
        cracks="craquelure" in restorer.treat,
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
    """What is found in a work of that size, and nothing of what is added to it: within seconds.

    rows: as for `decide`. view: the work, reduced, as `reduced.small_of` gives it. Damage and tone
    are looked for in the work as it is where it is reduced, else once its detail is corrected.
    """
    found = Treatment(restorer, size, BytesIO(), _capture(restorer, rows, size))
    if found.corrects and view.shape[:2] == size:
        residual = np.rint(FULL * apply_tiled(capture_network(found), view, **restorer.tiles))
        view = np.clip(view + np.float32(restorer.much("detail") / FULL) * residual, 0, 1)
    return replace(found, damage=_damage(restorer, view), tone=_tone(restorer, view))
