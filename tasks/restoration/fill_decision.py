"""Finds the pieces of damage in a work, and decides which of them are filled.

The pieces are the connected pixels with a high probability of damage. Each is measured and judged;
`fill_rules` has the rules.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.imaging.images import largest
from patina.tasks.restoration.damage import CRACK, FILLED, STAIN, Damage, Piece, no_damage
from patina.tasks.restoration.fill_rules import (
    accepted_by_judge,
    with_outcomes,
    with_treatment,
    without_drawing,
    without_margins,
    without_rows,
    without_stars,
)
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge
from patina.tasks.restoration.piece_context import context_features
from patina.tasks.restoration.pieces import features, simple_features
from patina.tasks.restoration.plain_works import is_plain

# Wide parts are widened by this share of a disc's width: a bit more than twice the distance from
# the disc to the corner of the square around it
CORNER_RATIO = 0.36
HIGH_PROBABILITY = 0.8  # pixels with this probability are almost certainly damaged
# Threshold for the smallest view, and factor for the gate `damage_share`
SMALL_VIEW_PROBABILITY, SMALL_VIEW_FACTOR = 0.73, 0.5
# Ignored along the edges of a work: mirrored rims and margins of the scan look like scratches
EDGE_PX = 8
MIN_PX = 4  # smaller pieces are ignored


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
    probability = _of_fillable(probabilities, cracks=cracks)
    high_share = high_probability_share(probability)
    undamaged = high_share < gates.damage_share
    if undamaged and not (forced or cracks_forced):
        return no_damage(probability.shape)
    kinds = (probabilities if cracks else probabilities[..., :CRACK]).argmax(axis=2)
    mask = hysteresis(probability, gates)
    labels, stats, first_wide = _split_by_width(mask, gates.fill_width * max(mask.shape))
    candidates = [n for n in range(1, len(stats)) if stats[n, cv2.CC_STAT_AREA] >= MIN_PX]
    evidence = Evidence(view, probability, kinds, high_share, len(candidates))
    pieces = measure_pieces(candidates, labels, stats, evidence, judge, first_wide=first_wide)
    forces = {False: forced, True: cracks_forced}
    pieces = [with_treatment(piece, labels, forces, cracks=cracks) for piece in pieces]
    pieces = [piece for piece in pieces if piece.forced or not undamaged]
    pieces = with_outcomes(pieces, labels.size, gates)
    pieces = without_stars(accepted_by_judge(without_rows(pieces), labels.size, gates))
    pieces = without_margins(pieces, labels.shape, EDGE_PX)
    if pieces and is_plain(view):
        pieces = without_drawing(pieces)
    filled, found = np.zeros((2, len(stats)), bool)  # by label
    filled[[piece.label for piece in pieces if piece.outcome == FILLED]] = True
    found[[piece.label for piece in pieces]] = True
    fill = filled[labels]
    stain = (fill & (kinds == STAIN)).astype(np.float32)
    return Damage(pieces, fill.astype(np.float32), stain, found[labels].astype(np.float32), labels)


def is_probably_undamaged(logits: np.ndarray, gates: Gates, *, cracks: bool) -> bool:
    """Whether the smallest view has so little damage that `decide_fill` would fill nothing.

    logits: (h, w, len(CLASSES)), of the probabilities in the smallest view alone, because the
    probabilities of millions of pixels take longer. The limit is SMALL_VIEW_FACTOR of the gate
    `damage_share`; docs/performance.md has the measurements behind it.
    """
    threshold = math.log(SMALL_VIEW_PROBABILITY / (1 - SMALL_VIEW_PROBABILITY))
    logit = _of_fillable(logits, cracks=cracks, least=-math.inf)
    return high_probability_share(logit, threshold) < SMALL_VIEW_FACTOR * gates.damage_share


def _of_fillable(values: np.ndarray, *, cracks: bool, least: float = 0) -> np.ndarray:
    """(h, w): the highest probability of damage that may be filled; `least` where a crack is
    likelier. values: (h, w, len(CLASSES)), probabilities or their logits.
    """
    if cracks:
        return largest(values)
    value = largest(values[..., :CRACK])
    return np.where(values[..., CRACK] > value, np.float32(least), value)


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


class Evidence(NamedTuple):
    """A work, and what a network found in it.

    view: (h, w, 3). probability, kinds: (h, w), the highest probability of damage, and the class
    that has it. high_share: share of the work that is almost certainly damaged. piece_count:
    number of pieces.
    """

    view: np.ndarray
    probability: np.ndarray
    kinds: np.ndarray
    high_share: float
    piece_count: int


def measure_pieces(
    candidates: Sequence[int],
    labels: np.ndarray,
    stats: np.ndarray,
    evidence: Evidence,
    judge: Judge | None,
    *,
    first_wide: int,
) -> list[Piece]:
    """Measure the pieces with the labels `candidates`; with a judge, also their probabilities.

    labels: int (h, w), the map of the pieces. stats: of each label, from OpenCV. first_wide:
    pieces with smaller labels are narrow.
    """
    pieces = [
        _measured(
            label, labels, stats[label], evidence, narrow=label < first_wide, judged=bool(judge)
        )
        for label in candidates
    ]
    if judge is None:
        return pieces
    boxes, areas_px = [piece.box for piece in pieces], [piece.px for piece in pieces]
    own = [piece.features for piece in pieces]
    contexts = context_features(own, boxes, areas_px, labels.shape)
    found = [{**each, **context} for each, context in zip(own, contexts, strict=True)]
    return [
        replace(piece, features=each, judge_probability=judge.probability(each))
        for piece, each in zip(pieces, found, strict=True)
    ]


def _measured(
    label: int,
    labels: np.ndarray,
    stats: np.ndarray,
    evidence: Evidence,
    *,
    narrow: bool,
    judged: bool,
) -> Piece:
    """Measure the piece `label`; if it will be judged, also its `pieces.FEATURES`."""
    left, top, box_width, box_height, px = (int(number) for number in stats)
    window = np.s_[max(top - 3, 0) : top + box_height + 3, max(left - 3, 0) : left + box_width + 3]
    inside = labels[window] == label
    kind = int(np.bincount(evidence.kinds[window][inside], minlength=len(CLASSES)).argmax())
    probabilities = evidence.probability[window][inside]
    rim_difference = rim_contrast(evidence.view[window], inside)
    box = (left, top, box_width, box_height)
    measured = {
        "probability": float(probabilities.mean()),
        "peak": float(probabilities.max()),
        "unlike": rim_difference,
    }
    piece = Piece(label, kind, box, px, narrow, measured["probability"], rim_difference)
    if not judged:
        return piece
    share, high_share, count = px / labels.size, evidence.high_share, evidence.piece_count
    simple = simple_features(
        kind, share, narrow=narrow, high_share=high_share, count=count, **measured
    )
    in_box = labels[top : top + box_height, left : left + box_width] == label
    return replace(piece, features=features(evidence.view, in_box, box, simple))


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
