"""The damage in a work: its pieces, its maps, and its entry in the sidecar."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from patina.models import CLASSES
from patina.tasks.io.atomic import Record

LINE, SPOT, AREA, STAIN, CRACK = range(len(CLASSES))
KINDS = ("line", "spot", "area", "stain", "crack network")  # names of CLASSES in the sidecar
FILLED, PROPOSED, KEPT = "filled", "proposed", "kept"
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


def no_damage(size: tuple[int, ...]) -> Damage:
    """The damage of an undamaged work; its maps have this size (h, w)."""
    empty = np.zeros(size, np.float32)
    return Damage([], empty, empty, empty, empty.astype(np.int32))


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
        "judge_probability": round(piece.judge_probability, 3),
    }


def _share_of(pieces: list[Piece], pixels: int) -> float:
    return round(sum(piece.px for piece in pieces) / pixels, 6)


def share_covered(labels: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """The share of each piece, by its label, that `cover` (h, w), 0 to 1, covers.

    labels: int (h, w), see Damage.
    """
    sizes = np.bincount(labels.ravel())
    return np.asarray(np.bincount(labels.ravel(), cover.ravel()) / np.maximum(sizes, 1))
