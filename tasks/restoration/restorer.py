"""What is done to a work: which of a network's interventions, how much of each, and where.

A work is never in memory as a whole: its rows are asked for, and what the network says of them is
kept in a file, until what holds for the whole work is decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from threading import Lock
from typing import BinaryIO

import cv2
import numpy as np

from patina.models import DETAIL, FILL, VIEW_PX
from patina.tasks.imaging.images import largest, reduced, to_float, to_uint8, view_of
from patina.tasks.io.atomic import Record
from patina.tasks.io.parallel import ahead, in_turn
from patina.tasks.restoration.inpainting import AGREED, filled, likelihood
from patina.tasks.restoration.tiling import Network, Rows, apply_tiled, rows_of, tiled_rows

TREATMENTS = ("damage", "detail", "colour")
DEAD_ZONE = 0.25 / 255  # a change of a pixel below it is none
SURE = 0.96  # damage likely enough to tell a damaged work from a sound one
# Lines are seen in noise that are none: the damage zone grows by this share of itself for each
# 8-bit step, root mean square, by which detail would be corrected
MORE_IN_NOISE = 0.1
EDGE_PX = 8  # along a work's edge, where mirrored rims look like scratches, tell nothing of it
LOOK_PX = 1280  # long side of a work when damage is looked for, unless it is much smaller
MOST_ENLARGED = 2  # for that
LOOKS = 0.5, 1.0  # shares of that long side: damage is looked for at each
SUREST = 8.0  # logit of damage of which a single look can be sure
STRIP_ROWS = 256
SMALL_PX = 2048  # long side of what is looked at as a whole
BROAD_PX = 256  # long side of the view in which broad changes are seen
KEPT = 7  # detail, fill, damage: int16 a pixel, in parts of FULL
FULL = 32767


@dataclass(frozen=True)
class Restorer:
    """A network and how it is applied.

    look: float32 (1, h, w, 3) in [0, 1] -> (1, h, w, 1), the logit of damage; interventions:
    (1, h, w, 4), with that logit -> (1, h, w, 8), see `inpainting.doubted`; estimate:
    (1, 128, 128, 3) -> (1, 3, 4), see `models.colour`. model: what the sidecar says of it; must
    hold its "sha256".
    tile_px, overlap_px: see `tiled_rows`. treat: of TREATMENTS. strength: how much of each of
    TREATMENTS is done, in [0, 1]. damage_zone, detail_zone_255, colour_zone_255: how much of a work
    must surely be damaged (a share, see SURE and EDGE_PX), how much its detail be corrected (8-bit
    steps, root mean square) or its mean colour shifted (8-bit steps) before that is done at all:
    nothing is up to half of it, all is from 1.5 times it on. It is decided once for a work, for
    what a network does to a sound one is little in all. In noise, more of it must be damaged, see
    MORE_IN_NOISE. sure: treatments that the work is known to need: of these, all is done.
    """

    look: Network
    interventions: Network
    estimate: Network
    model: Record
    tile_px: int
    overlap_px: int
    treat: tuple[str, ...] = TREATMENTS
    sure: tuple[str, ...] = ()
    strength: tuple[float, ...] = (1.0,) * len(TREATMENTS)
    damage_zone: float = 0.0
    detail_zone_255: float = 0.0
    colour_zone_255: float = 0.0

    @property
    def tiles(self) -> dict[str, int]:
        """As `tiled_rows` takes them."""
        return {"tile_px": self.tile_px, "overlap_px": self.overlap_px}

    def applied(self) -> Record:
        """How the network is applied, for the sidecar."""
        zones = ("damage_zone", "detail_zone_255", "colour_zone_255")
        asked = {"treat": list(self.treat), "sure": list(self.sure)}
        strength = {"strength": dict(zip(TREATMENTS, self.strength, strict=True))}
        return self.tiles | {name: getattr(self, name) for name in zones} | asked | strength

    def share(self, treatment: str, size: float) -> float:
        """How much of what a treatment would do to a work is done; size: as its zone, of 1."""
        zones_255 = {"detail": self.detail_zone_255, "colour": self.colour_zone_255}
        zone = zones_255[treatment] / 255 if treatment in zones_255 else self.damage_zone
        if treatment in self.sure or not zone:
            return 1.0
        return float(np.clip(size / zone - 0.5, 0, 1))

    def restored(self, picture: np.ndarray) -> np.ndarray:
        """A picture in memory, uint8 (H, W, 3), sRGB -> the same, restored."""
        view = to_float(picture)
        return to_uint8(view + self.change(view)[0])

    def change(self, view: np.ndarray) -> tuple[np.ndarray, Record]:
        """What is added to `view`, float32 (H, W, 3), and what was decided for the whole work.

        A pixel's change is 0 to the last bit where it would be below DEAD_ZONE.
        """
        treatment = decide(self, rows_of(view), view.shape[:2], BytesIO())
        strips = [
            treatment.change(view[top:bottom], top)[0] for top, bottom in strips_of(len(view))
        ]
        return np.concatenate(strips), treatment.decided()


@dataclass(frozen=True)
class Treatment:
    """What is done to one work of (height, width).

    kept: what the network said of each pixel. damaged_share: of the work, in the damage map.
    fill_share, detail_share: how much of the damage is filled, of the detail corrected.
    broad: (h, w, 3), what of the detail's correction is none but a change of colour. colour: as
    `patina.models.colour.change` takes it, (3, 4).
    """

    restorer: Restorer
    height: int
    width: int
    kept: BinaryIO
    broad: np.ndarray
    damaged_share: float
    fill_share: float
    detail_share: float
    colour: np.ndarray
    turn: Lock = field(default_factory=Lock)  # of threads, to read `kept`

    def decided(self) -> Record:
        """The record of what holds for the whole work."""
        return {
            "damaged_share": round(self.damaged_share, 6),
            "fill_share": round(self.fill_share, 4),
            "detail_share": round(self.detail_share, 4),
            "colour": np.round(self.colour, 5).tolist(),
        }

    def change(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """What is added to `view`, the rows from `top` on, float32 (h, W, 3); their damage."""
        mended, damage = self.mended(view, top)
        restored = np.clip(mended + mended @ self.colour[:, :3].T + self.colour[:, 3], 0, 1)
        change = (restored - view).astype(np.float32)
        change[largest(np.abs(change)) < DEAD_ZONE] = 0
        return change, damage

    def mended(self, view: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows of `view` with damage filled and detail corrected; their damage."""
        detail, fill, damage = self.parts(top, top + len(view))
        fills, corrects, _ = self.restorer.strength
        change = corrects * self.detail_share * detail + fills * self.fill_share * fill
        return np.clip(view + change, 0, 1), damage

    def parts(self, top: int, bottom: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The kept detail less its broad part, fill, and damage of those rows."""
        with self.turn:
            self.kept.seek(top * self.width * KEPT * 2)
            raw = self.kept.read((bottom - top) * self.width * KEPT * 2)
        parts = np.frombuffer(raw, np.int16).reshape(-1, self.width, KEPT) / np.float32(FULL)
        damage = parts[..., 6]
        # Detail is not corrected in damage that is filled, or that is not to be treated
        spared = self.fill_share if "damage" in self.restorer.treat else 1.0
        detail = parts[..., :3] * (1 - spared * damage[..., None])
        detail -= _enlarged(self.broad, self.height, self.width, top, bottom)
        return detail, parts[..., 3:6], damage


def decide(restorer: Restorer, rows: Rows, size: tuple[int, ...], kept: BinaryIO) -> Treatment:
    """Run the network over a work of that size (height, width).

    rows: give it, sRGB in [0, 1]. kept: must be empty.
    """
    height, width = size
    seen = looked(restorer, _small(rows, height, width), max(size))

    def known_rows(top: int, bottom: int) -> np.ndarray:
        logit = _enlarged(seen, height, width, top, bottom)
        return np.concatenate([rows(top, bottom), logit], axis=2)

    small, damaged, sure, top = Small(height, width), 0, 0.0, 0
    edge = min(EDGE_PX, height // 16, width // 16)
    for parts in ahead(
        tiled_rows(restorer.interventions, known_rows, height, width, **restorer.tiles)
    ):
        strips = (parts[slice(*strip)] for strip in strips_of(len(parts)))
        for known, narrow, lost, surely in in_turn(lambda strip: _known(strip, small), strips):
            kept.write(known.tobytes())
            small.add(top, narrow)
            damaged += lost
            inner = slice(max(edge - top, 0), max(height - edge - top, 0))
            sure += float(surely[inner, edge : width - edge].sum(dtype=float))
            top += len(known)
    nothing = np.zeros((3, 4), np.float32)
    # Broad changes are changes of colour, and those are decided for the whole work
    broad = cv2.GaussianBlur(
        reduced(small.image(), BROAD_PX), (0, 0), BROAD_PX / 32, borderType=cv2.BORDER_REFLECT
    )
    pixels = height * width
    draft = Treatment(restorer, height, width, kept, broad, damaged / pixels, 1.0, 0.0, nothing)
    corrected = filled = noise = 0.0
    if {"damage", "detail"} & {*restorer.treat}:
        noise = (_corrected(draft) / (3 * pixels)) ** 0.5
    if "detail" in restorer.treat:
        corrected = restorer.share("detail", noise)
    if "damage" in restorer.treat:
        told = sure / ((height - 2 * edge) * (width - 2 * edge))
        filled = restorer.share("damage", told / (1 + MORE_IN_NOISE * noise * 255))
    draft = replace(draft, fill_share=filled, detail_share=corrected)
    if "colour" not in restorer.treat:
        return draft
    mended = _small(lambda top, bottom: draft.mended(rows(top, bottom), top)[0], height, width)
    strength = restorer.strength[TREATMENTS.index("colour")]
    colour = restorer.estimate(view_of(mended, VIEW_PX)[None])[0] * strength
    shift = np.abs((mended @ colour[:, :3].T + colour[:, 3]).mean(axis=(0, 1))).max()
    return replace(draft, colour=colour * restorer.share("colour", shift))


def looked(restorer: Restorer, view: np.ndarray, long_px: int) -> np.ndarray:
    """The logit of damage in a work, float32 (h, w, 1): the mean of LOOKS at it.

    view: the work, float32 (H, W, 3), or it made smaller. long_px: its long side. Damage is as
    large as the work is, in whatever detail it is scanned: a network that knows it in works of one
    size is shown all works at about that size, and small ones at MOST_ENLARGED times theirs.
    """
    largest_px, kept_px = min(LOOK_PX, MOST_ENLARGED * long_px), min(LOOK_PX, long_px)
    logits = []
    for look in LOOKS:
        shown = _sized(view, view.shape, look * largest_px)
        logit = np.clip(apply_tiled(restorer.look, shown, **restorer.tiles), -SUREST, SUREST)
        logits.append(_sized(logit, view.shape, kept_px))
    return np.asarray(np.mean(logits, axis=0), np.float32)


def _sized(image: np.ndarray, shape: tuple[int, ...], long_px: float) -> np.ndarray:
    """`image` (h, w, C) in a size of the proportions of `shape`."""
    share = long_px / max(shape[:2])
    height, width = (max(1, round(length * share)) for length in shape[:2])
    way = cv2.INTER_AREA if height < len(image) else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=way).reshape(height, width, -1)


def _small(rows: Rows, height: int, width: int) -> np.ndarray:
    """What `Small` makes of those rows."""
    small = Small(height, width)
    narrowed = in_turn(lambda strip: small.narrow(rows(*strip)), strips_of(height))
    for (top, _), narrow in zip(strips_of(height), narrowed, strict=True):
        small.add(top, narrow)
    return small.image()


def _known(parts: np.ndarray, small: "Small") -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
    """What is kept of the network's rows, narrow detail, damaged pixels, and what is surely so.

    The latter as (h, W): what both are sure of, see `filling`.
    """
    likely, agreed = likelihood(parts), parts[..., AGREED]
    damage = filled(likely, agreed)
    detail, fill = parts[..., DETAIL], parts[..., FILL] * damage
    known = np.concatenate([detail, fill, damage], axis=2)
    np.clip(known, -1, 1, out=known)
    known *= FULL
    narrow = small.narrow(detail * (1 - damage))
    lost, surely = int((damage > 0.5).sum()), np.where(likely > SURE, agreed, 0)[..., 0]
    return np.rint(known, out=known).astype(np.int16), narrow, lost, surely


def _corrected(treatment: Treatment) -> float:
    """The sum of the squares of all correction of detail."""

    def squares(strip: tuple[int, int]) -> float:
        detail, _, _ = treatment.parts(*strip)
        return float(np.vdot(detail, detail))

    return sum(in_turn(squares, strips_of(treatment.height)))


def strips_of(height: int) -> Iterator[tuple[int, int]]:
    """(top, bottom) of STRIP_ROWS rows each, and of what is left."""
    for top in range(0, height, STRIP_ROWS):
        yield top, min(top + STRIP_ROWS, height)


class Small:
    """A work no longer than SMALL_PX on its long side, each pixel the mean of an area.

    Its rows come in turn. A work that is small enough stays as it is.
    """

    def __init__(self, height: int, width: int) -> None:
        share = min(1, SMALL_PX / max(height, width))
        self.size = max(1, round(height * share)), max(1, round(width * share))
        self.row_of = np.arange(height) * self.size[0] // height
        self.total = np.zeros((*self.size, 3), np.float32)

    def narrow(self, rows: np.ndarray) -> np.ndarray:
        """float32 (h, W, 3) -> (h, w, 3)."""
        return cv2.resize(rows, (self.size[1], len(rows)), interpolation=cv2.INTER_AREA)

    def add(self, top: int, narrow: np.ndarray) -> None:
        """Rows from `top` on that were made narrow."""
        places, first = np.unique(self.row_of[top : top + len(narrow)], return_index=True)
        self.total[places] += np.add.reduceat(narrow, first, axis=0)

    def image(self) -> np.ndarray:
        """float32 (h, w, 3)."""
        return self.total / np.bincount(self.row_of)[:, None, None].astype(np.float32)


def _enlarged(small: np.ndarray, height: int, width: int, top: int, bottom: int) -> np.ndarray:
    """Rows `top` to `bottom` of `small` enlarged to (height, width), linearly."""
    places = (np.arange(top, bottom) + 0.5) * len(small) / height - 0.5
    places = np.clip(places, 0, len(small) - 1)
    above = np.floor(places).astype(int)
    below = np.minimum(above + 1, len(small) - 1)
    share = (places - above).astype(np.float32)[:, None, None]
    rows = small[above] * (1 - share) + small[below] * share
    wide = cv2.resize(rows, (width, bottom - top), interpolation=cv2.INTER_LINEAR)
    return wide.reshape(bottom - top, width, -1)
