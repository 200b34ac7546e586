"""Decides which of the damage that was found is filled: the gates of segmentation and inpainting.

The rules here limit the effect of a wrong network. Only small or narrow pieces are filled
automatically. Larger pieces are proposed: they appear in the damage map and in the sidecar, and the
work is flagged, but they are not filled. A network of age cracks belongs to the work and is kept.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.images import largest
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.pieces import features, known_features

LINE, SPOT, AREA, STAIN, CRACK = range(len(CLASSES))
KINDS = ("line", "spot", "area", "stain", "crack network")  # names of CLASSES in the sidecar
FILLED, PROPOSED, KEPT = "filled", "proposed", "kept"
NETWORK_HOLES = 12  # a piece of lines that encloses at least so many cells is a network of cracks
CORNER = 0.36  # of a disc's width: a bit more than twice its distance from its square's corner
SURE = 0.8  # pixels with this likelihood are almost certainly damaged
PROBABLY, QUICK_SHARE = 0.73, 0.5  # of a quick look: see `shows_nothing`
EDGE_PX = 8  # ignored along the edges of a work, where mirrored rims look like scratches
LEAST_PX = 4  # smaller pieces are ignored
UNJUDGED = 0.5  # likelihood that a piece is damage, if there is no judge
LISTED = 40  # number of areas in the sidecar; the largest come first


@dataclass(frozen=True)
class Piece:
    """Damage in one place. Sizes are in pixels of the map."""

    label: int  # in the map of pieces
    kind: int  # index of CLASSES
    box: tuple[int, int, int, int]  # left, top, width, height
    px: int  # number of pixels
    thin: bool  # whether it is narrower than the gate `fill_width`
    likelihood: float  # mean likelihood of damage, as the network gives it
    unlike: float  # share of its rim that differs from the surroundings
    true: float = UNJUDGED  # likelihood of damage, as the judge gives it
    features: Mapping[str, float] = field(default_factory=dict)  # input of the judge, see `pieces`
    outcome: str = FILLED  # FILLED, PROPOSED or KEPT
    reason: str = ""  # why it is not filled


@dataclass(frozen=True)
class Damage:
    """The pieces of damage in a work, and its maps, float32 (h, w) in [0, 1].

    labels: int (h, w), the label of the piece at each pixel; 0 is none. fill: the pixels to fill.
    stain: the filled pixels where the work is still visible through the damage. found: all pieces.
    """

    pieces: list[Piece]
    fill: np.ndarray
    stain: np.ndarray
    found: np.ndarray
    labels: np.ndarray

    def record(self, weight: float) -> Record:
        """The entry in the sidecar: counts by kind, shares, and the largest pieces.

        weight: strength with which the fill is applied.
        """
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
                _piece_record(piece, self.fill.shape)
                for piece in sorted(self.pieces, key=lambda piece: -piece.px)[:LISTED]
            ],
        }


def _piece_record(piece: Piece, size: tuple[int, ...]) -> Record:
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
    """Decide which of the damage in a work is filled.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. likely: (h, w, len(CLASSES)), the
    likelihood of each class of damage. judge: of pieces, see `pieces`. cracks: also fill age
    cracks. forced: the user says that the work is damaged; most gates are ignored.
    """
    most = _most_likely(likely, cracks=cracks)
    surely = surely_damaged(most)
    if not forced and surely < gates.damage_share:
        nothing = np.zeros(most.shape, np.float32)
        return Damage([], nothing, nothing, nothing, nothing.astype(np.int32))
    kinds = (likely if cracks else likely[..., :CRACK]).argmax(axis=2)
    marks = hysteresis(most, gates)
    labels, stats, first_thick = _split_by_width(marks, gates.fill_width * max(marks.shape))
    kept = [n for n in range(1, len(stats)) if stats[n, cv2.CC_STAT_AREA] >= LEAST_PX]
    seen = Seen(view, most, kinds, surely, len(kept))
    pieces = [
        measured_piece(label, labels, stats[label], seen, judge, thin=label < first_thick)
        for label in kept
    ]
    pieces = _decided(pieces, labels, gates, cracks=cracks, forced=forced)
    if not forced:
        pieces = _believed(pieces, labels.size, gates)
    filled, found = np.zeros((2, len(stats)), bool)  # by label
    filled[[piece.label for piece in pieces if piece.outcome == FILLED]] = True
    found[[piece.label for piece in pieces]] = True
    fill = filled[labels]
    stained = (fill & (kinds == STAIN)).astype(np.float32)
    return Damage(
        pieces, fill.astype(np.float32), stained, found[labels].astype(np.float32), labels
    )


def shows_nothing(likely: np.ndarray, gates: Gates, *, cracks: bool) -> bool:
    """Whether a quick look finds so little damage that `decide_fill` would fill nothing.

    likely: (h, w, len(CLASSES)), the likelihoods in the smallest view alone. The limit is
    QUICK_SHARE of the gate `damage_share`; docs/performance.md has the measurements behind it.
    """
    most = _most_likely(likely, cracks=cracks)
    return surely_damaged(most, PROBABLY) < QUICK_SHARE * gates.damage_share


def _most_likely(likely: np.ndarray, *, cracks: bool) -> np.ndarray:
    """(h, w): the highest likelihood of damage that may be filled; 0 where a crack is likelier."""
    if cracks:
        return largest(likely)
    most = largest(likely[..., :CRACK])
    return np.where(likely[..., CRACK] > most, 0, most)


def surely_damaged(likely: np.ndarray, sure: float = SURE) -> float:
    """The share of a work (h, w) that is almost certainly damaged, without its edges.

    It separates damaged from undamaged works: in an undamaged work a network finds little, and
    seldom with a high likelihood. sure: that likelihood.
    """
    edge = [min(EDGE_PX, side // 16) for side in likely.shape]
    inner = likely[edge[0] : likely.shape[0] - edge[0], edge[1] : likely.shape[1] - edge[1]]
    return float((inner > sure).mean())


def hysteresis(likely: np.ndarray, gates: Gates) -> np.ndarray:
    """uint8 (h, w): doubtful pixels that are connected with likely ones.

    Source: Canny, "A computational approach to edge detection" (1986).
    """
    doubtful = (likely > gates.damage_doubt).astype(np.uint8)
    count, labels = cv2.connectedComponents(doubtful, connectivity=8)
    sure = np.zeros(count, bool)
    sure[np.unique(labels[likely > gates.damage_likelihood])] = True
    sure[0] = False
    return sure[labels].astype(np.uint8)


def _split_by_width(marks: np.ndarray, width_px: float) -> tuple[np.ndarray, np.ndarray, int]:
    """The connected parts of `marks` (h, w), first those narrower than `width_px`.

    Narrow and wide parts are separate even if they touch. Returns their labels, their statistics
    from OpenCV, and the first label of a wide part.
    """
    side = max(3, round(width_px)) | 1
    thick = np.zeros_like(marks)
    if side <= min(
        marks.shape
    ):  # otherwise no such disc fits into the work, and the search would be slow
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        thick = cv2.morphologyEx(marks, cv2.MORPH_OPEN, disc, borderValue=0)
    reach = max(5, round(CORNER * side) | 1)  # for the ragged rim, and corners outside any disc
    thick = cv2.dilate(thick, np.ones((reach, reach), np.uint8)) & marks
    many, labels, stats, _ = cv2.connectedComponentsWithStats(marks & (1 - thick), connectivity=8)
    _, more, others, _ = cv2.connectedComponentsWithStats(thick, connectivity=8)
    labels = np.where(more > 0, more + many - 1, labels)
    return labels, np.concatenate([stats, others[1:]]), many


class Seen(NamedTuple):
    """A work and the damage that was found in it.

    view: (h, w, 3). most, kinds: (h, w), the highest likelihood of damage, and the class that has
    it. surely: share of the work that is almost certainly damaged. many: number of pieces.
    """

    view: np.ndarray
    most: np.ndarray
    kinds: np.ndarray
    surely: float
    many: int


def measured_piece(
    label: int,
    labels: np.ndarray,
    stats: np.ndarray,
    seen: Seen,
    judge: Judge | None,
    *,
    thin: bool,
) -> Piece:
    """Measure the piece `label`; with a judge, also its likelihood of damage."""
    left, top, wide, tall, px = (int(number) for number in stats)
    there = np.s_[max(top - 3, 0) : top + tall + 3, max(left - 3, 0) : left + wide + 3]
    inside = labels[there] == label
    kind = int(np.bincount(seen.kinds[there][inside], minlength=len(CLASSES)).argmax())
    likely = seen.most[there][inside]
    unlike = rim_contrast(seen.view[there], inside)
    box = (left, top, wide, tall)
    measured = {"likelihood": float(likely.mean()), "peak": float(likely.max()), "unlike": unlike}
    piece = Piece(label, kind, box, px, thin, measured["likelihood"], unlike)
    if judge is None:
        return piece
    share = px / labels.size
    known = known_features(kind, share, thin=thin, surely=seen.surely, many=seen.many, **measured)
    found = features(seen.view, labels[top : top + tall, left : left + wide] == label, box, known)
    return replace(piece, true=judge.likelihood(found), features=found)


def share_covered(labels: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """The share of each piece, by its label, that `cover` (h, w), 0 to 1, covers.

    labels: int (h, w), see Damage.
    """
    sizes = np.bincount(labels.ravel())
    return np.asarray(np.bincount(labels.ravel(), cover.ravel()) / np.maximum(sizes, 1))


def rim_contrast(view: np.ndarray, inside: np.ndarray) -> float:
    """The share of the rim of `inside` (h, w) at which `view` (h, w, 3) differs across the rim.

    True damage ends at its rim. A detail that only looks like damage continues outside somewhere.
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
    """The pieces with their outcome. The smallest are filled first, up to the gate `fill_share`."""
    pixels = labels.size
    spent, decided = 0, []
    for piece in sorted(pieces, key=lambda piece: piece.px):
        outcome, reason = FILLED, ""
        if not cracks and _is_network(piece, labels):
            outcome, reason = KEPT, "a network of age cracks belongs to the work"
        elif forced:
            pass
        elif piece.unlike < gates.fill_unlike:
            outcome, reason = PROPOSED, "it continues outside the area"
        elif not piece.thin and piece.px > _largest(piece, gates) * pixels:
            outcome, reason = PROPOSED, "larger than the limit for automatic filling"
        elif not piece.thin and spent + piece.px > gates.fill_share * pixels:
            outcome, reason = PROPOSED, "the limit of the filled share of the work is reached"
        elif not piece.thin:
            spent += piece.px
        decided.append(replace(piece, outcome=outcome, reason=reason))
    return decided


def _largest(piece: Piece, gates: Gates) -> float:
    """The largest area that is filled automatically, given the likelihood of `piece`."""
    return gates.fill_area_surely if piece.true >= gates.fill_surely else gates.fill_area


def _believed(pieces: list[Piece], pixels: int, gates: Gates) -> list[Piece]:
    """The pieces that the judge takes for damage.

    pixels: of the work. A piece larger than the gate `fill_area` needs the likelihood
    `fill_likelihood_mean`. None is filled if the likelihood of all pieces to be filled is lower
    than that on average, by area.
    """
    filled = [piece for piece in pieces if piece.outcome == FILLED]
    px = sum(piece.px for piece in filled)
    if px and sum(piece.px * piece.true for piece in filled) / px < gates.fill_likelihood_mean:
        pieces = [piece for piece in pieces if piece.outcome != FILLED]
    large = max(gates.fill_likelihood, gates.fill_likelihood_mean)
    return [
        piece
        for piece in pieces
        if piece.outcome == KEPT
        or piece.true >= (large if piece.px > gates.fill_area * pixels else gates.fill_likelihood)
    ]


def _is_network(piece: Piece, labels: np.ndarray) -> bool:
    """Whether the piece encloses at least NETWORK_HOLES cells."""
    left, top, wide, tall = piece.box
    if piece.px < 100 or piece.kind == AREA:
        return False
    part = np.pad(labels[top : top + tall, left : left + wide] != piece.label, 1, constant_values=1)
    holes, _ = cv2.connectedComponents(part.astype(np.uint8), connectivity=4)
    return holes - 2 >= NETWORK_HOLES
