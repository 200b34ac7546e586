"""Features of a piece of damage, by which a judge separates damage from similar details of a work.

A detail of the work continues outside the piece, its colour occurs elsewhere in the work, and it
has the work's brushwork. Damage ends at its rim, has a colour of its own, and covers what was
painted.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from patina.models import CLASSES

ALIKE = 0.06  # of a colour, in [0, 1]
LOOKS = 4  # every so many pixels of a work, its colours are looked at
AROUND_PX = 12  # of a piece, what it is compared with
LEAST = 1e-5

FEATURES = (
    "likelihood",  # mean of what the networks say
    "peak",  # the highest
    "unlike",  # share of its rim at which it differs from what lies outside
    "size",  # logarithm of its share of the work
    "thin",  # 0 or 1
    "filled",  # share of its box that it fills
    "flat",  # logarithm of its roughness over that of what lies around
    "contrast",  # distance of its mean colour from that of what lies around
    "light",  # its lightness
    "grey",  # 1 less its saturation
    "alone",  # logarithm of the share of the work that has its colour
    "beside",  # share of what lies around that has its colour
    *CLASSES,  # 0 or 1: what it is taken for
    "surely",  # logarithm of the share of the work that is surely damaged
    "many",  # logarithm of the number of pieces
)


def features(
    view: np.ndarray,
    inside: np.ndarray,
    box: tuple[int, int, int, int],
    known: Mapping[str, float],
) -> dict[str, float]:
    """FEATURES of a piece.

    view: float32 (h, w, 3), sRGB in [0, 1], the work, reduced. inside: bool, what the piece covers
    of its box (left, top, width, height). known: those of FEATURES that are told, not measured
    here.
    """
    left, top, wide, tall = box
    rows = slice(max(top - AROUND_PX, 0), top + tall + AROUND_PX)
    columns = slice(max(left - AROUND_PX, 0), left + wide + AROUND_PX)
    part = view[rows, columns]
    mask = np.zeros(part.shape[:2], np.uint8)
    down, across = top - rows.start, left - columns.start
    mask[down : down + tall, across : across + wide] = inside
    near = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    around = cv2.dilate(near, np.ones((2 * AROUND_PX - 5,) * 2, np.uint8)) > near
    own, other = part[mask > 0], part[around]
    other = other if len(other) else own
    colour = own.mean(axis=0)
    core = cv2.erode(mask, np.ones((3, 3), np.uint8))
    core = core if core.any() else mask
    rough = np.abs(cv2.Laplacian(part.mean(axis=2), cv2.CV_32F))
    rough_around = rough[around].mean() if around.any() else rough.mean()
    alike = np.abs(view[::LOOKS, ::LOOKS] - colour).max(axis=2) < ALIKE
    measured = {
        "filled": float(inside.mean()),
        "flat": float(np.log((rough[core > 0].mean() + 0.01) / (rough_around + 0.01))),
        "contrast": float(np.linalg.norm(colour - other.mean(axis=0))),
        "light": float(colour.mean()),
        "grey": float(1 - np.ptp(colour)),
        "alone": float(np.log10(alike.mean() + LEAST)),
        "beside": float((np.abs(other - colour).max(axis=1) < ALIKE).mean()),
    }
    return {**known, **measured}


def known_features(
    kind: int, share: float, *, thin: bool, surely: float, many: int, **measured: float
) -> dict[str, float]:
    """The features that need no look at the work. measured: other FEATURES, already computed."""
    classes = {name: float(number == kind) for number, name in enumerate(CLASSES)}
    sizes = {"size": float(np.log10(share)), "surely": float(np.log10(surely + LEAST))}
    return {**classes, **sizes, "thin": float(thin), "many": float(np.log10(many)), **measured}
