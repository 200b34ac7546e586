"""Areas that `areas` finds: they are proposed, and filled only if the user says so.

A wrong fill of an area shows, however rare it is: a white cuff or a snowy peak looks like a loss.
So these areas are in the damage map, the sidecar and the report, and the user decides.
"""

from dataclasses import replace

import cv2
import numpy as np

from patina.models import AREA_CLASSES, CLASSES
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
    """`damage`, as `decide_fill` gives it, with the areas of `likely` that a judge believes.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. likely: (h, w, len(AREA_CLASSES)),
    the likelihood of each class. What is filled already stays as it is. forced: the user says that
    the work is damaged; all areas are filled.
    """
    pieces, labels = found_areas(view, likely, gates, judge)
    least = 0.0 if forced else gates.area_likelihood
    pieces = [piece for piece in pieces if piece.true >= least]
    outcome, reason = (FILLED, "") if forced else (PROPOSED, REASON)
    fill, stain, found = (each.copy() for each in (damage.fill, damage.stain, damage.found))
    merged, first = damage.labels.copy(), int(damage.labels.max())
    added = []
    for piece in pieces:
        place = (labels == piece.label) & (damage.fill == 0)
        merged[place] = first + piece.label
        found[place] = 1
        if forced:
            fill[place] = 1
            stain[place] = piece.kind == STAIN
        px = int(place.sum())
        added.append(
            replace(piece, label=first + piece.label, px=px, outcome=outcome, reason=reason)
        )
    return Damage(
        damage.pieces + [piece for piece in added if piece.px], fill, stain, found, merged
    )


def found_areas(
    view: np.ndarray, likely: np.ndarray, gates: Gates, judge: Judge | None
) -> tuple[list[Piece], np.ndarray]:
    """The connected areas of at least AREA_SHARE of the work, and the map of their labels."""
    most = likely.max(axis=2)
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
