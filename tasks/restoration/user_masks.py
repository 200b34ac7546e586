"""The masks of a user: pixels to fill, stains to correct, and pixels that must not change.

They apply at the resolution of the scan, to the pixel. A pixel that must not change stays, whatever
the other masks say; a pixel that is filled is not also corrected as a stain.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import pyvips

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.damage import FILLED, Damage, Piece, no_damage, share_covered

PROTECTED = "protected"  # an outcome of a piece, like FILLED
DECISIVE_SHARE = 0.75  # a mask that covers more of a piece than this decides its outcome


@dataclass(frozen=True)
class UserMasks:
    """Masks with one band and the size of the scan, above 0 at marked pixels."""

    fill: pyvips.Image | None = None  # pixels to fill, none of them in `protected`
    protected: pyvips.Image | None = None  # pixels that must not change
    stains: pyvips.Image | None = None  # stained pixels, none of them in `fill` or `protected`

    @classmethod
    def of(
        cls,
        fill: pyvips.Image | None,
        protected: pyvips.Image | None,
        stains: pyvips.Image | None = None,
    ) -> "UserMasks":
        """The masks, without the pixels in which a stronger one overrides a weaker one."""
        fill = _without(fill, protected)
        return cls(fill, protected, _without(_without(stains, protected), fill))

    def fill_rows(self, top: int, bottom: int) -> np.ndarray | None:
        """The pixels to fill in these rows, bool (h, W); None without such a mask."""
        return _rows(self.fill, top, bottom)

    def protected_rows(self, top: int, bottom: int) -> np.ndarray | None:
        """The protected pixels in these rows, bool (h, W); None without such a mask."""
        return _rows(self.protected, top, bottom)

    def decided(self, size: tuple[int, ...]) -> np.ndarray | None:
        """The share of each pixel that is to be filled or protected, float32 (h, w) of `size`.

        None without such masks.
        """
        given = [mask for mask in (self.fill, self.protected) if mask is not None]
        return np.sum([reduced_mask(mask, size) for mask in given], axis=0) if given else None

    def applied_to(self, damage: np.ndarray, top: int) -> np.ndarray:
        """Rows of a damage map (h, W, 1), from `top` on: 1 at marked pixels, at most 0.5 at
        protected ones.
        """
        bottom = top + len(damage)
        if (fill := self.fill_rows(top, bottom)) is not None:
            damage = np.maximum(damage, fill[..., None])
        if (protected := self.protected_rows(top, bottom)) is not None:
            damage = np.where(protected[..., None], np.minimum(damage, 0.5), damage)
        return damage

    def record(self, damage: Damage, weight: float) -> Record:
        """The entries in the sidecar that replace those of the damage; shares of the work.

        weight: strength of the fill.
        """
        if self.fill is None and self.protected is None:
            return {}
        fill, record = damage.fill, {}
        if self.fill is not None:
            share = float(self.fill.avg()) / 255
            fill = np.maximum(fill, reduced_mask(self.fill, fill.shape))
            record = {"marked_share": round(share, 6)} | ({"weight": weight} if share else {})
        if self.protected is not None:
            fill = fill * (1 - reduced_mask(self.protected, fill.shape))
        return record | {"filled_share": round(float(fill.mean()), 6)}


NO_MASKS = UserMasks()


def with_user_masks(
    damage: Damage | None, masks: UserMasks, view: tuple[int, ...]
) -> Damage | None:
    """The damage, with the outcomes of its pieces changed by the masks.

    damage: None if no damage was searched for. view: shape of the reduced work; then the maps have
    it.
    """
    if damage is None:
        return no_damage(view[:2]) if masks.fill is not None else None
    if not damage.pieces:
        return damage
    filled, protected = (
        _covered_shares(damage.labels, mask) for mask in (masks.fill, masks.protected)
    )
    pieces = [
        _with_outcome(piece, float(filled[piece.label]), float(protected[piece.label]))
        for piece in damage.pieces
    ]
    return replace(damage, pieces=pieces)


def _with_outcome(piece: Piece, filled: float, protected: float) -> Piece:
    if protected > DECISIVE_SHARE:
        return replace(piece, outcome=PROTECTED, reason="protected by the mask")
    if filled > DECISIVE_SHARE:
        return replace(piece, outcome=FILLED, reason="marked by the mask")
    return piece


def _covered_shares(labels: np.ndarray, mask: pyvips.Image | None) -> np.ndarray:
    """The share of each piece, by its label, that a mask covers."""
    if mask is None:
        return np.zeros(labels.max() + 1)
    return share_covered(labels, reduced_mask(mask, labels.shape))


def reduced_mask(mask: pyvips.Image, size: tuple[int, ...]) -> np.ndarray:
    """A mask reduced to `size`, float32 (h, w): the covered share of each pixel."""
    whole = mask.numpy().reshape(mask.height, mask.width)
    return cv2.resize(whole, size[1::-1], interpolation=cv2.INTER_AREA) / np.float32(255)


def _without(mask: pyvips.Image | None, other: pyvips.Image | None) -> pyvips.Image | None:
    """`mask` without the pixels that `other` marks."""
    if mask is None or other is None:
        return mask
    return ((mask > 0) & (other == 0)).copy_memory()


def _rows(mask: pyvips.Image | None, top: int, bottom: int) -> np.ndarray | None:
    if mask is None:
        return None
    rows = mask.crop(0, top, mask.width, bottom - top).numpy()
    return np.asarray(rows.reshape(bottom - top, mask.width) > 0)
