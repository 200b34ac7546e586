"""Which of the damage that was found is filled: the gate of segmentation and inpainting.

A network can be wrong; what follows does not depend on its being right. Without being asked for,
only what is small or thin is filled; the rest is proposed: shown in the map, told in the sidecar,
flagged, and not done. A network of age cracks belongs to the work.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.pieces import features, known_features
from patina.tasks.restoration.reduced import resized
from patina.tasks.restoration.tiling import Network, apply_tiled

LINE, SPOT, AREA, STAIN, CRACK = range(len(CLASSES))
KINDS = ("line", "spot", "area", "stain", "crack network")  # what CLASSES are called
FILLED, PROPOSED, KEPT = "filled", "proposed", "kept"
NETWORK_HOLES = 12  # a connected piece of lines that encloses so many cells is a network of cracks
CORNER = 0.36  # of a disc's width: twice its distance from the corner of its square, and a bit
SURE = 0.8  # likelihood of damage that hardly ever is none
EDGE_PX = 8  # along a work's edge, where mirrored rims look like scratches, tell nothing of it
LEAST_PX = 4  # a piece of fewer pixels is nothing
UNJUDGED = 0.5  # how likely a piece is damage where there is no judge
LISTED = 40  # areas in the sidecar, the largest first


@dataclass(frozen=True)
class Piece:
    """Damage in one place, at the size of the map.

    label: in the map of pieces. kind: index of CLASSES. px: its area. thin: as narrow as the gate
    says.
    likelihood: mean. unlike: share of its rim at which it differs from what lies outside.
    features: see `pieces`; true: how likely it is damage, as a judge of them says. outcome: FILLED,
    PROPOSED or KEPT, and why it is not filled.
    """

    label: int
    kind: int
    box: tuple[int, int, int, int]  # left, top, width, height
    px: int
    thin: bool
    likelihood: float
    unlike: float
    features: Mapping[str, float]
    true: float = UNJUDGED
    outcome: str = FILLED
    reason: str = ""


@dataclass(frozen=True)
class Damage:
    """The pieces of a work, and its maps, float32 (h, w) in [0, 1].

    labels: int (h, w), whose piece lies where; 0 is none. fill: what is filled; stain: how much of
    that is seen through; found: all that was found.
    """

    pieces: list[Piece]
    fill: np.ndarray
    stain: np.ndarray
    found: np.ndarray
    labels: np.ndarray

    def record(self, weight: float) -> Record:
        """For the sidecar: how much of the fill is made, counts by kind, and the largest pieces."""
        pixels = self.fill.size
        filled = [piece for piece in self.pieces if piece.outcome == FILLED]
        return {
            "weight": weight if filled else 0.0,
            "by_kind": dict(Counter(KINDS[piece.kind] for piece in filled)),
            "filled_share": _share_of(filled, pixels),
            "found_share": _share_of(self.pieces, pixels),
            **{
                outcome: sum(piece.outcome == outcome for piece in self.pieces)
                for outcome in (PROPOSED, KEPT)
            },
            "pieces": [
                _told(piece, self.fill.shape)
                for piece in sorted(self.pieces, key=lambda piece: -piece.px)[:LISTED]
            ],
        }


def _told(piece: Piece, size: tuple[int, ...]) -> Record:
    height, width = size
    left, top, wide, tall = piece.box
    box = (left / width, top / height, wide / width, tall / height)
    return {
        "kind": KINDS[piece.kind],
        "outcome": piece.outcome,
        "reason": piece.reason,
        "share": round(piece.px / (height * width), 6),
        "box": [round(edge, 4) for edge in box],
        "likelihood": round(piece.likelihood, 3),
        "true": round(piece.true, 3),
    }


def _share_of(pieces: list[Piece], pixels: int) -> float:
    return round(sum(piece.px for piece in pieces) / pixels, 6)


def decide_fill(
    view: np.ndarray,
    likely: np.ndarray,
    gates: Gates,
    judge: Judge | None = None,
    *,
    cracks: bool,
    forced: bool,
) -> Damage:
    """What is filled of what was found in a work.

    view: float32 (h, w, 3), sRGB in [0, 1], the work, reduced. likely: (h, w, len(CLASSES)), how
    likely each class of damage is. judge: of pieces, see `pieces`. cracks: age cracks are to be
    filled, too. forced: the work is known to be damaged, and the brake is off.
    """
    chosen = likely if cracks else likely[..., :CRACK]
    most, kinds = chosen.max(axis=2), chosen.argmax(axis=2)
    cracked = likely[..., CRACK] > most
    most = np.where(cracked & (not cracks), 0, most)
    surely = surely_damaged(most)
    if not forced and surely < gates.damage_share:
        nothing = np.zeros(most.shape, np.float32)
        return Damage([], nothing, nothing, nothing, nothing.astype(np.int32))
    marks = _hysteresis(most, gates)
    labels, stats, first_thick = _parted(marks, gates.fill_width * max(marks.shape))
    large = [n for n in range(1, len(stats)) if stats[n, cv2.CC_STAT_AREA] >= LEAST_PX]
    seen = Seen(view, most, kinds, surely, len(large))
    pieces = [
        _piece(label, labels, stats[label], seen, judge, thin=label < first_thick)
        for label in large
    ]
    pieces = _decided(pieces, labels, gates, cracks=cracks, forced=forced)
    if not forced:
        pieces = _believed(pieces, gates.fill_likelihood)
    fill, found = (
        np.isin(labels, [piece.label for piece in pieces if piece.outcome in outcomes])
        for outcomes in ((FILLED,), (FILLED, PROPOSED, KEPT))
    )
    stained = (fill & (kinds == STAIN)).astype(np.float32)
    return Damage(pieces, fill.astype(np.float32), stained, found.astype(np.float32), labels)


def surely_damaged(likely: np.ndarray) -> float:
    """The share of a work (h, w) that is damaged almost certainly, its edges apart.

    It tells a damaged work from a sound one: what a network finds in a sound one is little in all,
    and seldom sure.
    """
    edge = [min(EDGE_PX, side // 16) for side in likely.shape]
    inner = likely[edge[0] : likely.shape[0] - edge[0], edge[1] : likely.shape[1] - edge[1]]
    return float((inner > SURE).mean())


def _hysteresis(likely: np.ndarray, gates: Gates) -> np.ndarray:
    """uint8 (h, w): what is doubtful, where it is connected with what is likely.

    Source: Canny, "A computational approach to edge detection" (1986).
    """
    doubtful = (likely > gates.damage_doubt).astype(np.uint8)
    count, labels = cv2.connectedComponents(doubtful, connectivity=8)
    sure = np.zeros(count, bool)
    sure[np.unique(labels[likely > gates.damage_likelihood])] = True
    sure[0] = False
    return sure[labels].astype(np.uint8)


def _parted(marks: np.ndarray, width_px: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Connected parts of `marks` (h, w), those thinner than `width_px` first, apart from others.

    Returns their labels, their statistics as OpenCV gives them, and the first label that is thick.
    """
    side = max(3, round(width_px)) | 1
    thick = np.zeros_like(marks)
    if side <= min(marks.shape):  # else no such disc has room in the work, and looking takes long
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        thick = cv2.morphologyEx(marks, cv2.MORPH_OPEN, disc, borderValue=0)
    reach = max(5, round(CORNER * side) | 1)  # its ragged rim, and corners that no disc fills
    thick = cv2.dilate(thick, np.ones((reach, reach), np.uint8)) & marks
    many, labels, stats, _ = cv2.connectedComponentsWithStats(marks & (1 - thick), connectivity=8)
    _, more, others, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    labels = np.where(more > 0, more + many - 1, labels)
    return labels, np.concatenate([stats, others[1:]]), many


class Seen(NamedTuple):
    """A work, and what was found in it.

    view: (h, w, 3). most, kinds: (h, w), how likely damage is, and of which class. surely: share of
    the work that surely is. many: number of pieces.
    """

    view: np.ndarray
    most: np.ndarray
    kinds: np.ndarray
    surely: float
    many: int


def _piece(
    label: int,
    labels: np.ndarray,
    stats: np.ndarray,
    seen: Seen,
    judge: Judge | None,
    *,
    thin: bool,
) -> Piece:
    left, top, wide, tall, px = (int(number) for number in stats)
    there = np.s_[max(top - 3, 0) : top + tall + 3, max(left - 3, 0) : left + wide + 3]
    inside = labels[there] == label
    kind = int(np.bincount(seen.kinds[there][inside], minlength=len(CLASSES)).argmax())
    likely = seen.most[there][inside]
    unlike = rim_contrast(seen.view[there], inside)
    box = (left, top, wide, tall)
    measured = {"likelihood": float(likely.mean()), "peak": float(likely.max()), "unlike": unlike}
    share = px / labels.size
    known = known_features(kind, share, thin=thin, surely=seen.surely, many=seen.many, **measured)
    found = features(seen.view, labels[top : top + tall, left : left + wide] == label, box, known)
    true = judge.likelihood(found) if judge else UNJUDGED
    return Piece(label, kind, box, px, thin, measured["likelihood"], unlike, found, true)


def rim_contrast(view: np.ndarray, inside: np.ndarray) -> float:
    """The share of the rim of `inside` (h, w) at which `view` (h, w, 3) differs across it.

    True damage ends where its rim is; what only looks like it goes on outside somewhere.
    """
    mask = inside.astype(np.uint8)
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    ring = cv2.dilate(mask, np.ones((7, 7), np.uint8)) - cv2.dilate(mask, ball)
    core = mask.astype(np.float32)
    reach = (9, 9)
    near_in, near_out = (
        cv2.boxFilter(view * each[..., None], -1, reach, normalize=False)
        / (cv2.boxFilter(each, -1, reach, normalize=False)[..., None] + 1e-6)
        for each in (core, ring.astype(np.float32))
    )
    rim = (mask > 0) & (cv2.erode(mask, ball) == 0)
    if not rim.any():
        return 0.0
    unlike = np.abs(near_in - near_out).max(axis=2) > 0.04
    return float(unlike[rim].mean())


def _decided(
    pieces: list[Piece], labels: np.ndarray, gates: Gates, *, cracks: bool, forced: bool
) -> list[Piece]:
    """The pieces with their outcome; the smallest are filled first, until it is enough."""
    pixels = labels.size
    spent, decided = 0, []
    for piece in sorted(pieces, key=lambda piece: piece.px):
        outcome, reason = FILLED, ""
        if not cracks and _is_network(piece, labels):
            outcome, reason = KEPT, "a network of cracks belongs to the work"
        elif forced:
            pass
        elif piece.unlike < gates.fill_unlike:
            outcome, reason = PROPOSED, "it goes on outside of the area"
        elif not piece.thin and piece.px > _largest(piece, gates) * pixels:
            outcome, reason = PROPOSED, "larger than may be filled without being asked for"
        elif not piece.thin and spent + piece.px > gates.fill_share * pixels:
            outcome, reason = PROPOSED, "enough of the work is filled already"
        elif not piece.thin:
            spent += piece.px
        decided.append(_with(piece, outcome, reason))
    return decided


def _largest(piece: Piece, gates: Gates) -> float:
    """The largest area that is filled unasked, where it is as likely damage as `piece`."""
    return gates.fill_area_surely if piece.true >= gates.fill_surely else gates.fill_area


def _believed(pieces: list[Piece], least: float) -> list[Piece]:
    """The pieces that a judge takes for damage; none to be filled where he doubts most of them.

    least: likelihood, of a piece, and of all that would be filled on average.
    """
    filled = [piece for piece in pieces if piece.outcome == FILLED]
    px = sum(piece.px for piece in filled)
    if px and sum(piece.px * piece.true for piece in filled) / px < least:
        pieces = [piece for piece in pieces if piece.outcome != FILLED]
    return [piece for piece in pieces if piece.outcome == KEPT or piece.true >= least]


def _with(piece: Piece, outcome: str, reason: str) -> Piece:
    return Piece(**{**piece.__dict__, "outcome": outcome, "reason": reason})


def _is_network(piece: Piece, labels: np.ndarray) -> bool:
    """Whether it encloses NETWORK_HOLES cells and more."""
    left, top, wide, tall = piece.box
    if piece.px < 100 or piece.kind == AREA:
        return False
    part = np.pad(labels[top : top + tall, left : left + wide] != piece.label, 1, constant_values=1)
    holes, _ = cv2.connectedComponents(part.astype(np.uint8), connectivity=4)
    return holes - 2 >= NETWORK_HOLES


def looked(
    network: Network, view: np.ndarray, longs_px: tuple[int, ...], tiles: Record
) -> np.ndarray:
    """How likely each class of damage is, (h, w, len(CLASSES)), at the first of those sizes.

    network: gives logits. The work is shown at each long side in turn, at most enlarged by a
    third, and the mean of the logits counts.
    """
    height, width = view.shape[:2]
    logits: list[np.ndarray] = []
    size = 0, 0
    for long_px in longs_px:
        share = min(1.34, long_px / max(height, width))
        shown = resized(view, (max(1, round(height * share)), max(1, round(width * share))))
        size = size if logits else shown.shape[:2]
        logits.append(resized(apply_tiled(network, shown, **tiles, stride_px=32), size))
    return 1 / (1 + np.exp(-np.mean(logits, axis=0)))
