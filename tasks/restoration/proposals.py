"""Adds the areas that `areas` finds as proposals; they are filled only if the user accepts them.

A wrong fill of an area would be conspicuous: a white cuff or a snowy peak looks like a loss. So
these areas appear in the damage map, the sidecar and the report, and the user decides.
"""

from dataclasses import replace

import cv2
import numpy as np

from patina.models import AREA_CLASSES, CLASSES
from patina.tasks.imaging.images import largest
from patina.tasks.restoration.damage import FILLED, PROPOSED, STAIN, Damage, Piece
from patina.tasks.restoration.fill_decision import (
    Evidence,
    high_probability_share,
    hysteresis,
    measure_pieces,
)
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge

MIN_AREA_SHARE = 0.001  # of the work; smaller areas are left to `segmentation`
REASON = "a wrong fill of such an area would be conspicuous, so you decide"


def with_proposals(
    damage: Damage,
    view: np.ndarray,
    probabilities: np.ndarray,
    gates: Gates,
    judge: Judge | None,
    *,
    forced: bool,
) -> Damage:
    """`damage`, from `decide_fill`, with those areas in `probabilities` that the judge accepts.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. probabilities: (h, w,
    len(AREA_CLASSES)), the probability of each class. Pixels that are already filled stay so.
    forced: fill all areas, because the user knows that the work is damaged.
    """
    pieces, labels = find_areas(view, probabilities, gates, judge)
    accepted = [
        piece for piece in pieces if forced or piece.judge_probability >= gates.area_probability
    ]
    if not accepted:
        return damage
    outcome, reason = (FILLED, "") if forced else (PROPOSED, REASON)
    areas = [replace(piece, outcome=outcome, reason=reason) for piece in accepted]
    proposed = with_further_pieces(damage, areas, labels, damage.fill > 0)
    if not forced:
        return proposed
    is_area = proposed.labels > damage.labels.max()
    stains = [piece.label for piece in proposed.pieces if piece.kind == STAIN]
    translucent = np.isin(proposed.labels, stains).astype(np.float32)
    return replace(
        proposed,
        fill=np.where(is_area, np.float32(1), damage.fill),
        stain=np.where(is_area, translucent, damage.stain),
    )


def with_further_pieces(
    damage: Damage, pieces: list[Piece], labels: np.ndarray, taken: np.ndarray
) -> Damage:
    """`damage` with further pieces, which get new labels; the pixels to fill stay as they are.

    labels: int (h, w), the map of `pieces`. taken: bool (h, w), pixels that no new piece gets. A
    piece that gets no pixel is left out.
    """
    first = int(damage.labels.max()) + 1
    new_labels = np.zeros(int(labels.max()) + 1, np.int32)
    new_labels[[piece.label for piece in pieces]] = range(first, first + len(pieces))
    added = np.where(taken, 0, new_labels[labels])
    sizes = np.bincount(added.ravel(), minlength=first + len(pieces))
    further = [
        replace(piece, label=label, px=int(sizes[label]))
        for label, piece in enumerate(pieces, first)
        if sizes[label]
    ]
    return replace(
        damage,
        pieces=[*damage.pieces, *further],
        found=np.where(added > 0, np.float32(1), damage.found),
        labels=np.where(added > 0, added, damage.labels),
    )


def find_areas(
    view: np.ndarray, probabilities: np.ndarray, gates: Gates, judge: Judge | None
) -> tuple[list[Piece], np.ndarray]:
    """The connected areas of at least MIN_AREA_SHARE of the work, and the map of their labels."""
    probability = largest(probabilities)
    if probability.max() <= gates.damage_probability:  # most works; the rest would find nothing
        return [], np.zeros(probability.shape, np.int32)
    kinds = np.array([CLASSES.index(name) for name in AREA_CLASSES])[probabilities.argmax(axis=2)]
    mask = hysteresis(probability, gates)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    large = [
        label
        for label in range(1, len(stats))
        if stats[label, cv2.CC_STAT_AREA] >= MIN_AREA_SHARE * labels.size
    ]
    high_share = high_probability_share(probability)
    evidence = Evidence(view, probability, kinds, high_share, len(large))
    return measure_pieces(large, labels, stats, evidence, judge, first_wide=0), labels
