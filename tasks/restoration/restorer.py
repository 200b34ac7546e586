"""Restores a work in the inverse order of its damage: capture, then accidents, then paint.

Each network gets the output of the one before. `jpeg`, `noise` and `blur` process tiles;
`segmentation` and `areas` examine the whole work, reduced; `inpainting` fills the chosen damage;
`stain_segmentation` and `stains` correct stains; `tone` uses a small view. A work is never in
memory as a whole: its rows are read when they are needed, and a `Treatment` keeps the changes in a
file.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import BinaryIO

import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.io.atomic import Record
from patina.tasks.restoration import capture_gates, fill_decision
from patina.tasks.restoration.capture_gates import Capture
from patina.tasks.restoration.damage import Damage, no_damage
from patina.tasks.restoration.detection import (
    VIEW_SIDES_PX,
    area_probabilities,
    damage_probabilities,
    view_size,
)
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.inpainting import fill_residual
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS, TREATMENTS
from patina.tasks.restoration.progress import (
    ProgressCallback,
    Step,
    no_progress,
    tiled_rows_with_progress,
)
from patina.tasks.restoration.proposals import with_proposals
from patina.tasks.restoration.reduced import enlarged, reduced_view, resized, strips_of
from patina.tasks.restoration.stain_detection import decide_stains
from patina.tasks.restoration.stains import NO_STAINS, Stains, stains_of
from patina.tasks.restoration.tiling import Network, Rows, apply_tiled, rows_of
from patina.tasks.restoration.toning import NO_TONE, Tone, tone_of
from patina.tasks.restoration.treatment import INT16_MAX, Treatment
from patina.tasks.restoration.user_masks import NO_MASKS, UserMasks, with_user_masks


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

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of each treatment."""
        return dict(zip(TREATMENTS, self.strength, strict=True))

    def applied(self) -> Record:
        """How the networks are applied, for the sidecar."""
        requested = {"treat": list(self.treat), "force": list(self.forced)}
        strength = {"strength": self.strengths}
        return self.tiling | {"gates": self.gates.__dict__} | requested | strength

    def restored(self, picture: np.ndarray) -> np.ndarray:
        """Restore a picture in memory, uint8 (H, W, 3), sRGB; the result has the same form."""
        view = to_float(picture)
        return to_uint8(view + self.change(view)[0])

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """The change of `view`, float32 (H, W, 3), and the record of the decisions.

        Changes below `treatment.DEAD_ZONE` are exactly 0.
        """
        size = view.shape[0], view.shape[1]
        treatment = compute_treatment(self, rows_of(view), size, BytesIO())
        parts = [treatment.change(view[top:bottom], top)[0] for top, bottom in strips_of(*size)]
        return np.concatenate(parts), treatment.record()


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
    networks, strengths = restorer.networks, restorer.strengths
    capture = _capture(restorer, rows, size)
    treatment = Treatment(networks, strengths, size, changes, capture, masks=masks)
    if treatment.has_correction:
        network, border_px = treatment.capture_network(), treatment.border_px
        strips = _tiled(restorer, "detail", network, rows, size, border_px=border_px)
        treatment.store(strips, part=0)
    searched = {*restorer.treat} - {"detail"}
    if not searched and masks.fill is None and masks.stains is None:
        return treatment
    restorer.on_progress(Step("damage", pixels=size[0] * size[1]))
    view = reduced_view(lambda top, bottom: treatment.corrected(rows(top, bottom), top), *size)
    damage = with_user_masks(_damage(restorer, view), masks, view.shape)
    treatment = replace(treatment, damage=damage)
    if treatment.fills:
        treatment.store(_filled(restorer, treatment, rows), part=1)
    treatment = replace(treatment, stains=_stains(restorer, treatment, rows, view))
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
    found = capture_gates.decide_capture(
        networks, tiles, restorer.gates, restorer.judges, forced=forced
    )
    scale = capture_gates.REDUCED_PX / max(size)
    if forced or scale >= 1 or not found.weight("blur"):
        return found
    height, width = (max(1, round(side * scale)) for side in size)
    reduced = resized(reduced_view(rows, *size) if view is None else view, (height, width))
    tiles = capture_gates.sample_tiles(rows_of(reduced), height, width)
    return capture_gates.confirm_blur(found, networks, tiles, restorer.gates, restorer.judges)


def _damage(restorer: Restorer, view: np.ndarray) -> Damage | None:
    requested = {"damage", "craquelure"} & {*restorer.treat}
    if "segmentation" not in restorer.networks or not requested:
        return None
    cracks, forced = "craquelure" in restorer.treat, "damage" in restorer.forced
    cracks_forced = cracks and "craquelure" in restorer.forced

    def is_undamaged(logits: np.ndarray) -> bool:
        undamaged = fill_decision.is_probably_undamaged(logits, restorer.gates, cracks=cracks)
        return undamaged and not (forced or cracks_forced)

    network = restorer.networks["segmentation"]
    size = view_size(view, VIEW_SIDES_PX[0])
    shown = resized(view, size)
    found = damage_probabilities(network, view, VIEW_SIDES_PX, restorer.tiling, is_undamaged)
    if found is None:
        damage = no_damage(size)
    else:
        if "damage" not in restorer.treat:
            found[..., : CLASSES.index("crack")] = 0
        damage = fill_decision.decide_fill(
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


def _filled(restorer: Restorer, treatment: Treatment, rows: Rows) -> Iterable[np.ndarray]:
    """The fill of the whole work, strip by strip."""
    size, damage = treatment.size, treatment.damage
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


def _stains(restorer: Restorer, treatment: Treatment, rows: Rows, view: np.ndarray) -> Stains:
    """The correction of the stains that the user marked; without a mask, of those that are found.

    view: the reduced work.
    """
    mask = treatment.masks.stains
    if mask is None:
        return _found_stains(restorer, treatment.size, view, treatment.masks)
    network = treatment.networks.get("stains")  # late, because this loads it
    if network is None:
        raise ImageError("this model has no network that corrects marked stains; omit --stains")
    strength = treatment.strengths["stains"]

    def filled(top: int, bottom: int) -> np.ndarray:
        return treatment.filled(rows(top, bottom), top)

    return stains_of(network, filled, treatment.size, mask, strength)


def _found_stains(
    restorer: Restorer, size: tuple[int, int], view: np.ndarray, masks: UserMasks = NO_MASKS
) -> Stains:
    networks, judge = restorer.networks, restorer.judges.get("stain")
    needed = {"stain_segmentation", "stains"} <= {*networks}
    strength, forced = restorer.strengths["stains"], "stains" in restorer.forced
    if "stains" not in restorer.treat or not needed or judge is None or not strength:
        return NO_STAINS
    decided = masks.decided(view.shape)
    return decide_stains(
        view, size, networks, judge, restorer.gates, strength, forced=forced, decided=decided
    )


def _tone(restorer: Restorer, view: np.ndarray) -> Tone:
    if "tone" not in restorer.networks or "tone" not in restorer.treat:
        return NO_TONE
    forced = "tone" in restorer.forced
    tone = tone_of(restorer.networks, view, restorer.gates, forced=forced)
    return replace(tone, weight=tone.weight * restorer.strengths["tone"])


def analyse(restorer: Restorer, rows: Rows, view: np.ndarray, size: tuple[int, int]) -> Treatment:
    """Analyse a work without computing its changes, which takes seconds.

    rows: as for `compute_treatment`. view: the reduced work, from `reduced.reduced_view`. If the
    work is not reduced, its detail is corrected before the others are searched for.
    """
    capture = _capture(restorer, rows, size, view)
    found = Treatment(restorer.networks, restorer.strengths, size, BytesIO(), capture)
    if found.has_correction and view.shape[:2] == size:
        tiles = restorer.tiling | {"border_px": found.border_px}
        residual = np.rint(INT16_MAX * apply_tiled(found.capture_network(), view, **tiles))
        strength = np.float32(restorer.strengths["detail"] / INT16_MAX)
        view = np.clip(view + strength * residual, 0, 1)
    stains = _found_stains(restorer, size, view)
    return replace(found, damage=_damage(restorer, view), stains=stains, tone=_tone(restorer, view))
