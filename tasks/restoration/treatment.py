"""The decisions on one work, and its changes: what is corrected, filled, and how strongly.

The changes are kept in a file, because a work is never in memory as a whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import BinaryIO

import numpy as np

from patina.models import CAPTURE_ROLES
from patina.tasks.imaging.images import largest
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import ahead
from patina.tasks.restoration.capture_gates import (
    NOISE_ROLES,
    Capture,
    jpeg_correction,
)
from patina.tasks.restoration.damage import Damage
from patina.tasks.restoration.reduced import enlarged, strips_of
from patina.tasks.restoration.stains import NO_STAINS, Stains
from patina.tasks.restoration.tiling import BORDER_PX, Network
from patina.tasks.restoration.toning import NO_TONE, Tone
from patina.tasks.restoration.user_masks import NO_MASKS, UserMasks

DEAD_ZONE = 0.25 / 255  # smaller changes of a pixel are set to 0
CHANGE_BYTES = 6  # bytes a pixel of residual or fill: three int16, scaled by INT16_MAX
INT16_MAX = 32767


@dataclass(frozen=True)
class Treatment:
    """The decisions on one work, and its changes."""

    networks: Mapping[str, Network]  # by role, as for `Restorer`
    strengths: Mapping[str, float]  # by treatment, 0 to 1
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
    def border_px(self) -> int:
        """The width of the reflected border for the networks of CAPTURE_ROLES.

        Blur needs the context, but in the corners of a work reflected noise looks like a texture.
        """
        return 0 if any(map(self.capture.weight, ("jpeg", *NOISE_ROLES))) else BORDER_PX

    def capture_network(self) -> Network:
        """The network from a tile to its residual: the chosen ones of CAPTURE_ROLES in turn."""
        applied = []
        for role in CAPTURE_ROLES:
            if weight := self.capture.weight(role):
                network = self.networks[role]
                if role == "jpeg":
                    network = jpeg_correction(network, self.capture.grid_origin)
                applied.append((np.float32(weight), network))

        def residual(tile: np.ndarray) -> np.ndarray:
            change = np.zeros_like(tile)
            for weight, network in applied:
                change = change + weight * network(np.clip(tile + change, 0, 1))
            return change

        return residual

    @property
    def fills(self) -> bool:
        """Whether damage or marked pixels are filled."""
        found = self.damage is not None and bool(self.damage.fill.any())
        return found or self.masks.fill is not None

    def record(self) -> Record:
        """The decisions on the whole work, in the form that `report.summary` reads."""
        record = self.capture.record() | {"tone": self.tone.record()}
        if self.damage:
            strength = self.strengths["damage"]
            found = self.damage.record(strength, self.strengths["craquelure"])
            marked = self.masks.record(self.damage, max(strength, found["weight"]))
            record["damage"] = found | marked
        if stains := self.stains.record():
            record["stains"] = stains
        return record

    def change(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """The change of the rows `view` from `top` on, float32 (h, W, 3), and their damage map.

        The damage map is (h, W, 1): 1 where damage is filled, 0.5 where damage or a stain is
        proposed, or damage is kept.
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
            filled = filled + self._fill_strength_in(top, top + len(view)) * fill
        return np.clip(filled, 0, 1)

    def fill_strength(self, cracks: np.ndarray | float = 0.0) -> np.ndarray:
        """The strength of a fill. cracks: 1 where only age cracks are filled, see Damage."""
        damage = np.float32(self.strengths["damage"])
        craquelure = np.float32(self.strengths["craquelure"])
        return np.asarray(damage + (craquelure - damage) * cracks)

    def _fill_strength_in(self, top: int, bottom: int) -> np.ndarray:
        """The strength of the fill in these rows, float32 (h, W, 1) or one number."""
        cracks = self.damage.cracks if self.damage else None
        if cracks is None:
            return self.fill_strength()
        shown = enlarged(cracks[..., None], self.size, top, bottom)
        if (marked := self.masks.fill_rows(top, bottom)) is not None:
            shown = np.where(marked[..., None], 0, shown)
        return self.fill_strength(shown)

    def corrected(self, view: np.ndarray, top: int) -> np.ndarray:
        """The rows of `view` with detail corrected."""
        if not self.has_correction:
            return view
        residual = self._read(top, top + len(view), part=0)
        return np.clip(view + np.float32(self.strengths["detail"]) * residual, 0, 1)

    def _damage_map(self, top: int, bottom: int) -> np.ndarray:
        parts = [] if self.stains.possible is None else [0.5 * self.stains.possible]
        if self.damage is not None:
            parts.append(np.maximum(self.damage.fill, 0.5 * self.damage.found))
        if not parts:
            return np.zeros((bottom - top, self.size[1], 1), np.float32)
        shown = [enlarged(part[..., None], self.size, top, bottom) for part in parts]
        return self.masks.applied_to(np.max(shown, axis=0), top)

    def _read(self, top: int, bottom: int, part: int) -> np.ndarray:
        row_bytes = self.size[1] * CHANGE_BYTES
        with self.lock:
            self.changes.seek((part * self.size[0] + top) * row_bytes)
            raw = self.changes.read((bottom - top) * row_bytes)
        return np.frombuffer(raw, np.int16).reshape(-1, self.size[1], 3) / np.float32(INT16_MAX)

    def store(self, strips: Iterable[np.ndarray], part: int) -> None:
        """Save the residual (part 0) or the fill (part 1), float32 rows from the top."""
        place = part * self.size[0] * self.size[1] * CHANGE_BYTES
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
