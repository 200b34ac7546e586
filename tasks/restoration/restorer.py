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
from patina.tasks.imaging.images import ImageError, largest, to_float, to_uint8
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import ahead
from patina.tasks.restoration import capture_gates, decision
from patina.tasks.restoration.capture_gates import Capture
from patina.tasks.restoration.damage import Damage
from patina.tasks.restoration.detection import (
    VIEW_SIDES_PX,
    area_probabilities,
    damage_probabilities,
    view_size,
)
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.inpainting import fill_residual
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.progress import (
    ProgressCallback,
    Step,
    no_progress,
    tiled_rows_with_progress,
)
from patina.tasks.restoration.proposals import with_proposals
from patina.tasks.restoration.reduced import enlarged, reduced_view, resized, strips_of
from patina.tasks.restoration.stains import NO_STAINS, Stains, stains_of
from patina.tasks.restoration.tiling import (
    BORDER_PX,
    Network,
    Rows,
    apply_tiled,
    rows_of,
)
from patina.tasks.restoration.toning import NO_TONE, Tone, tone_of
from patina.tasks.restoration.user_masks import NO_MASKS, UserMasks, with_user_masks

TREATMENTS = ("detail", "damage", "tone", "craquelure")
DEFAULT_TREATMENTS = TREATMENTS[:3]
CAPTURE_ROLES = ("jpeg", *capture_gates.JUDGED_ROLES)  # in the order of their application
DEAD_ZONE = 0.25 / 255  # smaller changes of a pixel are set to 0
CHANGE_BYTES = 6  # bytes a pixel of residual or fill: three int16, scaled by INT16_MAX
INT16_MAX = 32767


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
    on_progress: ProgressCallback = no_progress  # is called with the progress

    @property
    def tiling(self) -> dict[str, int]:
        """Arguments of `tiled_rows`."""
        return {"tile_px": self.tile_px, "overlap_px": self.overlap_px}

    def applied(self) -> Record:
        """How the networks are applied, for the sidecar."""
        requested = {"treat": list(self.treat), "force": list(self.forced)}
        strength = dict(zip(TREATMENTS, self.strength, strict=True))
        return self.tiling | {"gates": self.gates.__dict__} | requested | {"strength": strength}

    def strength_of(self, treatment: str) -> float:
        """The strength of a treatment."""
        return self.strength[TREATMENTS.index(treatment)]

    def fill_strength(self, cracks: np.ndarray | float = 0.0) -> np.ndarray:
        """The strength of a fill. cracks: 1 where only age cracks are filled, see Damage."""
        damage = np.float32(self.strength_of("damage"))
        craquelure = np.float32(self.strength_of("craquelure"))
        return np.asarray(damage + (craquelure - damage) * cracks)

    def restored(self, picture: np.ndarray) -> np.ndarray:
        """Restore a picture in memory, uint8 (H, W, 3), sRGB; the result has the same form."""
        view = to_float(picture)
        return to_uint8(view + self.change(view)[0])

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """The change of `view`, float32 (H, W, 3), and the record of the decisions.

        Changes below DEAD_ZONE are exactly 0.
        """
        size = view.shape[0], view.shape[1]
        treatment = compute_treatment(self, rows_of(view), size, BytesIO())
        parts = [treatment.change(view[top:bottom], top)[0] for top, bottom in strips_of(*size)]
        return np.concatenate(parts), treatment.record()


@dataclass(frozen=True)
class Treatment:
    """The decisions on one work, and its changes."""

    restorer: Restorer
    size: tuple[int, int]  # (height, width) of the work
    changes: BinaryIO  # the residual of the whole work, then its fill, if there are any
    capture: Capture
    damage: Damage | None = None
    stains: Stains = NO_STAINS
    tone: Tone = NO_TONE
    masks: UserMasks = NO_MASKS  # masks of the user
    lock: Lock = field(default_factory=Lock)  # for threads that read `changes`

    @property
    def has_correction(self) -> bool:
        """Whether detail is corrected."""
        return any(self.capture.weight(role) for role in CAPTURE_ROLES)

    @property
    def fills(self) -> bool:
        """Whether damage or marked pixels are filled."""
        found = self.damage is not None and bool(self.damage.fill.any())
        return found or self.masks.fill is not None

    def record(self) -> Record:
        """The decisions on the whole work, in the form that `report.summary` reads."""
        record = self.capture.record() | {"tone": self.tone.record()}
        if self.damage:
            strength = self.restorer.strength_of("damage")
            found = self.damage.record(strength, self.restorer.strength_of("craquelure"))
            marked = self.masks.record(self.damage, max(strength, found["weight"]))
            record["damage"] = found | marked
        if self.stains.weight:
            record["stains"] = self.stains.record()
        return record

    def change(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """The change of the rows `view` from `top` on, float32 (h, W, 3), and their damage map.

        The damage map is (h, W, 1): 1 where damage is filled, 0.5 where it is proposed or kept.
        """
        damage = self._damage_map(top, top + len(view))
        if not (self.has_correction or self.fills or self.stains.weight or self.tone.weight):
            return np.zeros_like(view), damage
        cleaned = self.cleaned(view, top)
        restored = self.tone.applied(cleaned, self.size, top)
        change = (np.clip(restored, 0, 1) - view).astype(np.float32)
        change[largest(np.abs(change)) < DEAD_ZONE] = 0
        return change, damage

    def cleaned(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected, damage filled and stains corrected."""
        return self.stains.applied(self.filled(view, top), top)

    def filled(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected and damage filled."""
        filled = self.corrected(view, top)
        if self.fills:
            fill = self._read(top, top + len(view), part=1)
            filled = filled + self._fill_strength(top, top + len(view)) * fill
        return np.clip(filled, 0, 1)

    def _fill_strength(self, top: int, bottom: int) -> np.ndarray:
        """The strength of the fill in these rows, float32 (h, W, 1) or one number."""
        cracks = self.damage.cracks if self.damage else None
        if cracks is None:
            return self.restorer.fill_strength()
        shown = enlarged(cracks[..., None], self.size, top, bottom)
        if (marked := self.masks.fill_rows(top, bottom)) is not None:
            shown = np.where(marked[..., None], 0, shown)
        return self.restorer.fill_strength(shown)

    def corrected(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected."""
        if not self.has_correction:
            return view
        residual = self._read(top, top + len(view), part=0)
        return np.clip(view + np.float32(self.restorer.strength_of("detail")) * residual, 0, 1)

    def _damage_map(self, top: int, bottom: int) -> np.ndarray:
        if self.damage is None:
            return np.zeros((bottom - top, self.size[1], 1), np.float32)
        shown = np.maximum(self.damage.fill, 0.5 * self.damage.found)
        return self.masks.applied_to(enlarged(shown[..., None], self.size, top, bottom), top)

    def _read(self, top: int, bottom: int, part: int) -> np.ndarray:
        row_bytes = self.size[1] * 3 * 2
        with self.lock:
            self.changes.seek((part * self.size[0] + top) * row_bytes)
            raw = self.changes.read((bottom - top) * row_bytes)
        return np.frombuffer(raw, np.int16).reshape(-1, self.size[1], 3) / np.float32(INT16_MAX)

    def store(self, strips: Iterable[np.ndarray], part: int) -> None:
        """Save the residual (part 0) or the fill (part 1), float32 rows from the top."""
        place = part * self.size[0] * self.size[1] * 3 * 2
        for rows in ahead(strips):
            for top, bottom in strips_of(*rows.shape[:2]):
                change = np.clip(rows[top:bottom], -1, 1)
                change *= INT16_MAX
                quantised = np.rint(change, out=change).astype(np.int16).tobytes()
                with self.lock:  # other threads read the residual at the same time
                    self.changes.seek(place)
                    self.changes.write(quantised)
                place += len(quantised)
            del rows  # it is large, and the next rows take long


def compute_treatment(
    restorer: Restorer,
    rows: Rows,
    size: tuple[int, int],
    changes: BinaryIO,
    masks: UserMasks = NO_MASKS,
) -> Treatment:
    """Analyse a work of `size` (height, width), and compute its changes.

    rows: gives rows of the work, sRGB in [0, 1]. changes: an empty file for the changes. masks: the
    masks of the user.
    """
    treatment = Treatment(restorer, size, changes, _capture(restorer, rows, size), masks=masks)
    if treatment.has_correction:
        network = capture_network(treatment)
        border = border_px(treatment.capture)
        strips = _tiled(restorer, "detail", network, rows, size, border_px=border)
        treatment.store(strips, part=0)
    searched = {"damage", "craquelure", "tone"} & {*restorer.treat}
    if not searched and masks.fill is None and masks.stains is None:
        return treatment
    restorer.on_progress(Step("damage", pixels=size[0] * size[1]))
    view = reduced_view(lambda top, bottom: treatment.corrected(rows(top, bottom), top), *size)
    damage = with_user_masks(_damage(restorer, view), masks, view.shape)
    treatment = replace(treatment, damage=damage)
    if treatment.fills:
        treatment.store(_filled(treatment, rows), part=1)
    treatment = replace(treatment, stains=_stains(treatment, rows))
    if treatment.fills or treatment.stains.weight:
        view = reduced_view(lambda top, bottom: treatment.cleaned(rows(top, bottom), top), *size)
    return replace(treatment, tone=_tone(restorer, view))


def _capture(
    restorer: Restorer, rows: Rows, size: tuple[int, int], view: np.ndarray | None = None
) -> Capture:
    """The decisions on the capture. view: the reduced work, if it is known."""
    networks = restorer.networks if "detail" in restorer.treat else {}
    forced = "detail" in restorer.forced
    tiles = capture_gates.sample_tiles(rows, *size)
    found = capture_gates.analyse(networks, tiles, restorer.gates, restorer.judges, forced=forced)
    scale = capture_gates.REDUCED_PX / max(size)
    if forced or scale >= 1 or not found.weight("blur"):
        return found
    height, width = (max(1, round(side * scale)) for side in size)
    reduced = resized(reduced_view(rows, *size) if view is None else view, (height, width))
    tiles = capture_gates.sample_tiles(rows_of(reduced), height, width)
    return capture_gates.confirm_blur(found, networks, tiles, restorer.gates, restorer.judges)


def border_px(found: Capture) -> int:
    """The width of the reflected border for the networks of CAPTURE_ROLES.

    Blur needs the context, but in the corners of a work reflected noise looks like a texture.
    """
    return 0 if found.weight("detail") or found.weight("jpeg") else BORDER_PX


def capture_network(treatment: Treatment) -> Network:
    """A network from a tile to its residual, which applies the chosen networks of CAPTURE_ROLES in
    turn.
    """
    applied, found = [], treatment.capture
    for role in CAPTURE_ROLES:
        if weight := found.weight(role):
            network = treatment.restorer.networks[role]
            if role == "jpeg":
                network = capture_gates.aligned_to_grid(network, found.grid_origin)
            applied.append((np.float32(weight), network))

    def residual(tile: np.ndarray) -> np.ndarray:
        change = np.zeros_like(tile)
        for weight, network in applied:
            change = change + weight * network(np.clip(tile + change, 0, 1))
        return change

    return residual


def _damage(restorer: Restorer, view: np.ndarray) -> Damage | None:
    requested = {"damage", "craquelure"} & {*restorer.treat}
    if "segmentation" not in restorer.networks or not requested:
        return None
    cracks, forced = "craquelure" in restorer.treat, "damage" in restorer.forced
    cracks_forced = cracks and "craquelure" in restorer.forced

    def is_undamaged(logits: np.ndarray) -> bool:
        undamaged = decision.is_probably_undamaged(logits, restorer.gates, cracks=cracks)
        return undamaged and not (forced or cracks_forced)

    network = restorer.networks["segmentation"]
    size = view_size(view, VIEW_SIDES_PX[0])
    shown = resized(view, size)
    found = damage_probabilities(network, view, VIEW_SIDES_PX, restorer.tiling, is_undamaged)
    if found is None:
        damage = decision.no_damage(size)
    else:
        if "damage" not in restorer.treat:
            found[..., : CLASSES.index("crack")] = 0
        damage = decision.decide_fill(
            shown,
            found,
            restorer.gates,
            restorer.judges.get("piece"),
            cracks=cracks,
            forced=forced,
            cracks_forced=cracks_forced,
        )
    if "areas" not in restorer.networks or "damage" not in restorer.treat:
        return damage
    areas = area_probabilities(restorer.networks["areas"], view, size)
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
        if (user_mask := treatment.masks.fill_rows(top, bottom)) is not None:
            bands.append(user_mask[..., None].astype(np.float32))
        return np.concatenate(bands, axis=2)

    network: Callable = lambda tile: fill_residual(restorer.networks.get("inpainting"), tile)  # noqa: E731
    return _tiled(restorer, "filling", network, with_maps, size)


def _tiled(
    restorer: Restorer,
    step: str,
    network: Network,
    rows: Rows,
    size: tuple[int, int],
    **tiles: int,
) -> Iterable[np.ndarray]:
    """The output of a network for a whole work, strip by strip; reports the progress of `step`.

    tiles: arguments of `tiled_rows`, if they are not those of the restorer.
    """
    tiles = restorer.tiling | tiles
    return tiled_rows_with_progress(Step(step), network, rows, size, restorer.on_progress, **tiles)


def _stains(treatment: Treatment, rows: Rows) -> Stains:
    """The correction of the stains that the user marked."""
    mask, network = treatment.masks.stains, treatment.restorer.networks.get("stains")
    if mask is None:
        return NO_STAINS
    if network is None:
        raise ImageError("this model has no network that corrects marked stains; omit --stains")
    strength = treatment.restorer.strength_of("tone")

    def filled(top: int, bottom: int) -> np.ndarray:
        return treatment.filled(rows(top, bottom), top)

    return stains_of(network, filled, treatment.size, mask, strength)


def _tone(restorer: Restorer, view: np.ndarray) -> Tone:
    network = restorer.networks.get("tone")
    if network is None or "tone" not in restorer.treat:
        return NO_TONE
    tone = tone_of(network, view, restorer.gates.tone_255, forced="tone" in restorer.forced)
    return replace(tone, weight=tone.weight * restorer.strength_of("tone"))


def analyse(restorer: Restorer, rows: Rows, view: np.ndarray, size: tuple[int, int]) -> Treatment:
    """Analyse a work without computing its changes, which takes seconds.

    rows: as for `compute_treatment`. view: the reduced work, from `reduced.reduced_view`. If the
    work is not reduced, its detail is corrected before damage and tone are searched for.
    """
    found = Treatment(restorer, size, BytesIO(), _capture(restorer, rows, size, view))
    if found.has_correction and view.shape[:2] == size:
        tiles = restorer.tiling | {"border_px": border_px(found.capture)}
        residual = np.rint(INT16_MAX * apply_tiled(capture_network(found), view, **tiles))
        strength = np.float32(restorer.strength_of("detail") / INT16_MAX)
        view = np.clip(view + strength * residual, 0, 1)
    return replace(found, damage=_damage(restorer, view), tone=_tone(restorer, view))
