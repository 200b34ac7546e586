"""Decides which of the damage that was found is filled: the gates of segmentation and inpainting.

The rules here limit the effect of a wrong network. Only small or narrow pieces are filled
automatically. Larger pieces are proposed: they appear in the damage map and in the sidecar, and the
work is flagged, but they are not filled. A network of age cracks belongs to the work and is kept.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.images import largest
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.pieces import features, simple_features

LINE, SPOT, AREA, STAIN, CRACK = range(len(CLASSES))
KINDS = ("line", "spot", "area", "stain", "crack network")  # names of CLASSES in the sidecar
FILLED, PROPOSED, KEPT = "filled", "proposed", "kept"
MIN_NETWORK_CELLS = 12  # lines that enclose at least this many cells are a network of cracks
# Wide parts are widened by this share of a disc's width: a bit more than twice the distance from
# the disc to the corner of the square around it
CORNER_RATIO = 0.36
HIGH_PROBABILITY = 0.8  # pixels with this probability are almost certainly damaged
# Threshold for the smallest view, and factor for the gate `damage_share`
SMALL_VIEW_PROBABILITY, SMALL_VIEW_FACTOR = 0.73, 0.5
EDGE_PX = 8  # ignored along the edges of a work, where mirrored rims look like scratches
MIN_PX = 4  # smaller pieces are ignored
RIM_PX = 5  # width of the square by which filled cracks are widened, see `Damage.cracks`
PRIOR_PROBABILITY = 0.5  # probability that a piece is damage, if there is no judge
MAX_LISTED = 40  # number of areas in the sidecar; the largest come first


@dataclass(frozen=True)
class Piece:
    """Damage in one place. Sizes are in pixels of the map."""

    label: int  # in the map of pieces
    kind: int  # index of CLASSES
    box: tuple[int, int, int, int]  # left, top, width, height
    px: int  # number of pixels
    narrow: bool  # whether it is narrower than the gate `fill_width`
    probability: float  # mean probability of damage, as the network gives it
    rim_difference: float  # share of its rim that differs from the surroundings
    judge_probability: float = PRIOR_PROBABILITY  # probability of damage, as the judge gives it
    features: Mapping[str, float] = field(default_factory=dict)  # input of the judge, see `pieces`
    outcome: str = FILLED  # FILLED, PROPOSED or KEPT
    reason: str = ""  # why it is not filled
    is_crack: bool = False  # whether it is filled as age cracks, by the treatment craquelure
    forced: bool = False  # whether the user forces its treatment, so that no gate applies


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

    @cached_property
    def cracks(self) -> np.ndarray | None:
        """float32 (h, w), 1 at filled age cracks and along their rims, where nothing else is
        filled; None if no cracks are filled.
        """
        labels = [
            piece.label for piece in self.pieces if piece.is_crack and piece.outcome == FILLED
        ]
        if not labels:
            return None
        cracks = np.isin(self.labels, labels).astype(np.float32)
        widened = cv2.dilate(cracks, np.ones((RIM_PX, RIM_PX), np.uint8))
        return widened * ((cracks > 0) | (self.fill == 0))

    def record(self, weight: float, crack_weight: float | None = None) -> Record:
        """The entry in the sidecar: counts by kind, shares, and the largest pieces.

        weight: strength with which the fill is applied. crack_weight: the same for age cracks, if
        it differs.
        """
        pixels = self.fill.size
        filled = [piece for piece in self.pieces if piece.outcome == FILLED]
        named = {"damage": weight, "craquelure": weight if crack_weight is None else crack_weight}
        applied = {"craquelure" if piece.is_crack else "damage" for piece in filled}
        weights = {name: share for name, share in named.items() if name in applied}
        return {
            "weight": max(weights.values(), default=0.0),
            **({"weights": weights} if len({*weights.values()}) > 1 else {}),
            "by_kind": dict(Counter(KINDS[piece.kind] for piece in filled)),
            "filled_share": _share_of(filled, pixels),
            "found_share": _share_of(self.pieces, pixels),
            **{
                outcome: sum(piece.outcome == outcome for piece in self.pieces)
                for outcome in (PROPOSED, KEPT)
            },
            "pieces": [
                _piece_record(piece, self.fill.shape)
                for piece in sorted(self.pieces, key=lambda piece: -piece.px)[:MAX_LISTED]
            ],
        }


def _piece_record(piece: Piece, size: tuple[int, ...]) -> Record:
    height, width = size
    left, top, box_width, box_height = piece.box
    box = (left / width, top / height, box_width / width, box_height / height)
    return {
        "kind": KINDS[piece.kind],
        "outcome": piece.outcome,
        "reason": piece.reason,
        "share": round(piece.px / (height * width), 6),
        "box": [round(edge, 4) for edge in box],
        "probability": round(piece.probability, 3),
        "true": round(piece.judge_probability, 3),
    }


def _share_of(pieces: list[Piece], pixels: int) -> float:
    return round(sum(piece.px for piece in pieces) / pixels, 6)


def decide_fill(
    view: np.ndarray,
    probabilities: np.ndarray,
    gates: Gates,
    judge: Judge | None = None,
    *,
    cracks: bool,
    forced: bool,
    cracks_forced: bool = False,
) -> Damage:
    """Decide which of the damage in a work is filled.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. probabilities: (h, w, len(CLASSES)),
    the probability of each class of damage. judge: of pieces, see `pieces`. cracks: also fill age
    cracks. forced, cracks_forced: the user says that the work is damaged, or that its age cracks
    are to be filled; most gates are ignored for these pieces.
    """
    probability = _fillable_probability(probabilities, cracks=cracks)
    high_share = high_probability_share(probability)
    undamaged = high_share < gates.damage_share
    if undamaged and not (forced or cracks_forced):
        empty = np.zeros(probability.shape, np.float32)
        return Damage([], empty, empty, empty, empty.astype(np.int32))
    kinds = (probabilities if cracks else probabilities[..., :CRACK]).argmax(axis=2)
    mask = hysteresis(probability, gates)
    labels, stats, first_wide = _split_by_width(mask, gates.fill_width * max(mask.shape))
    candidates = [n for n in range(1, len(stats)) if stats[n, cv2.CC_STAT_AREA] >= MIN_PX]
    detection = Detection(view, probability, kinds, high_share, len(candidates))
    pieces = [
        measure_piece(label, labels, stats[label], detection, judge, narrow=label < first_wide)
        for label in candidates
    ]
    forces = {False: forced, True: cracks_forced}
    pieces = [_with_treatment(piece, labels, forces, cracks=cracks) for piece in pieces]
    pieces = [piece for piece in pieces if piece.forced or not undamaged]
    pieces = _accepted_by_judge(_with_outcomes(pieces, labels.size, gates), labels.size, gates)
    filled, found = np.zeros((2, len(stats)), bool)  # by label
    filled[[piece.label for piece in pieces if piece.outcome == FILLED]] = True
    found[[piece.label for piece in pieces]] = True
    fill = filled[labels]
    stain = (fill & (kinds == STAIN)).astype(np.float32)
    return Damage(pieces, fill.astype(np.float32), stain, found[labels].astype(np.float32), labels)


def is_probably_undamaged(probabilities: np.ndarray, gates: Gates, *, cracks: bool) -> bool:
    """Whether the smallest view has so little damage that `decide_fill` would fill nothing.

    probabilities: (h, w, len(CLASSES)), the probabilities in the smallest view alone. The limit is
    SMALL_VIEW_FACTOR of the gate `damage_share`; docs/performance.md has the measurements behind
    it.
    """
    probability = _fillable_probability(probabilities, cracks=cracks)
    return (
        high_probability_share(probability, SMALL_VIEW_PROBABILITY)
        < SMALL_VIEW_FACTOR * gates.damage_share
    )


def _fillable_probability(probabilities: np.ndarray, *, cracks: bool) -> np.ndarray:
    """(h, w): the highest probability of damage that may be filled; 0 where a crack is likelier."""
    if cracks:
        return largest(probabilities)
    probability = largest(probabilities[..., :CRACK])
    return np.where(probabilities[..., CRACK] > probability, 0, probability)


def high_probability_share(probability: np.ndarray, threshold: float = HIGH_PROBABILITY) -> float:
    """The share of a work (h, w) that is almost certainly damaged, without its edges.

    It separates damaged from undamaged works: in an undamaged work a network finds little, and
    seldom with a high probability. threshold: that probability.
    """
    edge = [min(EDGE_PX, side // 16) for side in probability.shape]
    rows, columns = (slice(px, side - px) for px, side in zip(edge, probability.shape, strict=True))
    return float((probability[rows, columns] > threshold).mean())


def hysteresis(probability: np.ndarray, gates: Gates) -> np.ndarray:
    """uint8 (h, w): 1 at likely pixels, and at less likely ones that are connected with them.

    probability: (h, w). Two thresholds: the gates `damage_probability` and `damage_doubt`.

    Source: Canny, "A computational approach to edge detection" (1986).
    """
    weak = (probability > gates.damage_doubt).astype(np.uint8)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    strong = np.zeros(count, bool)
    strong[np.unique(labels[probability > gates.damage_probability])] = True
    strong[0] = False
    return strong[labels].astype(np.uint8)


def _split_by_width(mask: np.ndarray, width_px: float) -> tuple[np.ndarray, np.ndarray, int]:
    """The connected parts of `mask` (h, w), first those narrower than `width_px`.

    Narrow and wide parts are separate even if they touch. Returns their labels, their statistics
    from OpenCV, and the first label of a wide part.
    """
    side = max(3, round(width_px)) | 1
    wide_parts = np.zeros_like(mask)
    # Otherwise no such disc fits into the work, and the search would be slow
    if side <= min(mask.shape):
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        wide_parts = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc, borderValue=0)
    # For the ragged rim, and corners outside any disc
    reach = max(5, round(CORNER_RATIO * side) | 1)
    wide_parts = cv2.dilate(wide_parts, np.ones((reach, reach), np.uint8)) & mask
    narrow_parts = mask & (1 - wide_parts)
    first_wide, labels, stats, _ = cv2.connectedComponentsWithStats(narrow_parts, connectivity=8)
    _, wide_labels, wide_stats, _ = cv2.connectedComponentsWithStats(wide_parts, connectivity=8)
    labels = np.where(wide_labels > 0, wide_labels + first_wide - 1, labels)
    return labels, np.concatenate([stats, wide_stats[1:]]), first_wide


class Detection(NamedTuple):
    """A work and the damage that was found in it.

    view: (h, w, 3). probability, kinds: (h, w), the highest probability of damage, and the class
    that has it. high_share: share of the work that is almost certainly damaged. pieces: their
    number.
    """

    view: np.ndarray
    probability: np.ndarray
    kinds: np.ndarray
    high_share: float
    pieces: int


def measure_piece(
    label: int,
    labels: np.ndarray,
    stats: np.ndarray,
    detection: Detection,
    judge: Judge | None,
    *,
    narrow: bool,
) -> Piece:
    """Measure the piece `label`; with a judge, also its probability of damage."""
    left, top, box_width, box_height, px = (int(number) for number in stats)
    window = np.s_[max(top - 3, 0) : top + box_height + 3, max(left - 3, 0) : left + box_width + 3]
    inside = labels[window] == label
    kind = int(np.bincount(detection.kinds[window][inside], minlength=len(CLASSES)).argmax())
    probabilities = detection.probability[window][inside]
    rim_difference = rim_contrast(detection.view[window], inside)
    box = (left, top, box_width, box_height)
    measured = {
        "probability": float(probabilities.mean()),
        "peak": float(probabilities.max()),
        "unlike": rim_difference,
    }
    piece = Piece(label, kind, box, px, narrow, measured["probability"], rim_difference)
    if judge is None:
        return piece
    share, high_share, count = px / labels.size, detection.high_share, detection.pieces
    simple = simple_features(
        kind, share, narrow=narrow, high_share=high_share, count=count, **measured
    )
    in_box = labels[top : top + box_height, left : left + box_width] == label
    found = features(detection.view, in_box, box, simple)
    return replace(piece, judge_probability=judge.probability(found), features=found)


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
    differs = np.abs(near_in - near_out).max(axis=2) > 0.04
    return float(differs[rim].mean())


def _with_treatment(
    piece: Piece, labels: np.ndarray, forces: Mapping[bool, bool], *, cracks: bool
) -> Piece:
    """The piece, kept if it is a network of age cracks; with `cracks`, assigned to craquelure.

    forces: whether the user forces the treatment of pieces, by `is_crack`.
    """
    if not cracks:
        piece = replace(piece, forced=forces[False])
        reason = "a network of age cracks belongs to the work"
        is_network = _is_crack_network(piece, labels)
        return replace(piece, outcome=KEPT, reason=reason) if is_network else piece
    is_crack = piece.kind == CRACK or _is_crack_network(piece, labels)
    return replace(piece, is_crack=is_crack, forced=forces[is_crack])


def _with_outcomes(pieces: list[Piece], pixels: int, gates: Gates) -> list[Piece]:
    """The pieces with their outcome. The smallest are filled first, up to the gate `fill_share`.

    pixels: of the work.
    """
    filled_px, outcomes = 0, []
    for piece in sorted(pieces, key=lambda piece: piece.px):
        outcome, reason = piece.outcome, piece.reason
        if outcome == KEPT or piece.forced:
            pass
        elif piece.rim_difference < gates.fill_unlike:
            outcome, reason = PROPOSED, "it continues outside the area"
        elif not piece.narrow and piece.px > _area_limit(piece, gates) * pixels:
            outcome, reason = PROPOSED, "larger than the limit for automatic filling"
        elif not piece.narrow and filled_px + piece.px > gates.fill_share * pixels:
            outcome, reason = PROPOSED, "the limit of the filled share of the work is reached"
        elif not piece.narrow:
            filled_px += piece.px
        outcomes.append(replace(piece, outcome=outcome, reason=reason))
    return outcomes


def _area_limit(piece: Piece, gates: Gates) -> float:
    """The largest area that is filled automatically, given the probability of `piece`."""
    likely = piece.judge_probability >= gates.fill_surely
    return gates.fill_area_surely if likely else gates.fill_area


def _accepted_by_judge(pieces: list[Piece], pixels: int, gates: Gates) -> list[Piece]:
    """The pieces that the judge takes for damage, and those that are kept or forced.

    pixels: of the work. A small piece needs the probability of the gate `fill_probability`; a piece
    as large as the gate `fill_area` needs `fill_probability_mean`, and pieces in between need a
    probability in between. If the mean probability of all pieces to be filled, weighted by their
    area, is below `fill_probability_mean`, none of them is filled.
    """
    filled = [piece for piece in pieces if piece.outcome == FILLED and not piece.forced]
    px = sum(piece.px for piece in filled)
    if (
        px
        and sum(piece.px * piece.judge_probability for piece in filled) / px
        < gates.fill_probability_mean
    ):
        pieces = [piece for piece in pieces if piece.outcome != FILLED or piece.forced]
    rise = max(0.0, gates.fill_probability_mean - gates.fill_probability)
    largest_px = max(gates.fill_area * pixels, 1)
    return [
        piece
        for piece in pieces
        if piece.forced
        or piece.outcome == KEPT
        or piece.judge_probability
        >= gates.fill_probability + rise * min(1.0, piece.px / largest_px)
    ]


def _is_crack_network(piece: Piece, labels: np.ndarray) -> bool:
    """Whether the piece encloses at least MIN_NETWORK_CELLS cells."""
    left, top, box_width, box_height = piece.box
    if piece.px < 100 or piece.kind == AREA:
        return False
    background = labels[top : top + box_height, left : left + box_width] != piece.label
    background = np.pad(background, 1, constant_values=1)
    regions, _ = cv2.connectedComponents(background.astype(np.uint8), connectivity=4)
    return regions - 2 >= MIN_NETWORK_CELLS  # without the piece itself and its outside
