"""Adds the areas that `areas` finds as proposals; they are filled only if the user accepts them.

A wrong fill of an area would be conspicuous: a white cuff or a snowy peak looks like a loss. So
these areas appear in the damage map, the sidecar and the report, and the user decides.
"""

from dataclasses import replace

import cv2
import numpy as np

from patina.models import AREA_CLASSES, CLASSES
from patina.tasks.imaging.images import largest
from patina.tasks.restoration.decision import (
    FILLED,
    PROPOSED,
    STAIN,
    Damage,
    Piece,
    Seen,
    hysteresis,
    measured_piece,
    surely_damaged,
)
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.judge import Judge

AREA_SHARE = 0.001  # of the work; smaller areas are left to `segmentation`
REASON = "an area, filled only if you accept it"


def with_proposals(
    damage: Damage,
    view: np.ndarray,
    likely: np.ndarray,
    gates: Gates,
    judge: Judge | None = None,
    *,
    forced: bool,
) -> Damage:
    """`damage`, from `decide_fill`, with the areas in `likely` that the judge takes for damage.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. likely: (h, w, len(AREA_CLASSES)),
    the likelihood of each class. Pixels that are already filled stay so. forced: fill all areas,
    because the user knows that the work is damaged.
    """
    pieces, labels = found_areas(view, likely, gates, judge)
    believed = [piece for piece in pieces if forced or piece.true >= gates.area_likelihood]
    if not believed:
        return damage
    first = int(damage.labels.max())
    new_labels = np.zeros(int(labels.max()) + 1, np.int32)
    seen_through = np.zeros(len(new_labels), np.float32)
    for piece in believed:
        new_labels[piece.label] = first + piece.label
        seen_through[piece.label] = piece.kind == STAIN
    added = np.where(damage.fill > 0, 0, new_labels[labels])
    there = added > 0
    sizes = np.bincount(added.ravel(), minlength=first + len(new_labels))
    outcome, reason = (FILLED, "") if forced else (PROPOSED, REASON)
    return Damage(
        pieces=[
            *damage.pieces,
            *(
                replace(piece, label=label, px=int(sizes[label]), outcome=outcome, reason=reason)
                for piece in believed
                if sizes[label := first + piece.label]
            ),
        ],
        fill=np.where(there & forced, np.float32(1), damage.fill),
        stain=np.where(there & forced, seen_through[labels], damage.stain),
        found=np.where(there, np.float32(1), damage.found),
        labels=np.where(there, added, damage.labels),
    )


def found_areas(
    view: np.ndarray, likely: np.ndarray, gates: Gates, judge: Judge | None
) -> tuple[list[Piece], np.ndarray]:
    """The connected areas of at least AREA_SHARE of the work, and the map of their labels."""
    most = largest(likely)
    kinds = np.array([CLASSES.index(name) for name in AREA_CLASSES])[likely.argmax(axis=2)]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(hysteresis(most, gates), connectivity=8)
    kept = [
        label
        for label in range(1, len(stats))
        if stats[label, cv2.CC_STAT_AREA] >= AREA_SHARE * labels.size
    ]
    seen = Seen(view, most, kinds, surely_damaged(most), len(kept))
    pieces = [
        measured_piece(label, labels, stats[label], seen, judge, thin=False) for label in kept
    ]
    return pieces, labels
