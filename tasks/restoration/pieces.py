"""Features of a piece of damage, by which a judge separates damage from similar details of a work.

A detail of the work continues outside the piece, its colour occurs elsewhere in the work, and it
has the work's brushwork. Damage ends at its rim, has a colour of its own, and covers what was
painted.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from patina.models import CLASSES

SIMILAR_COLOUR = 0.06  # largest difference of equal colours, in [0, 1]
COLOUR_STEP_PX = 4  # step in pixels for the colours of the work
AROUND_PX = 12  # width of the surroundings that are compared with a piece
LOG_OFFSET = 1e-5  # added before a logarithm

FEATURES = (
    "probability",  # mean probability of damage, as the network gives it
    "peak",  # highest probability
    "unlike",  # share of its rim that differs from the surroundings
    "size",  # logarithm of its share of the work
    "thin",  # 1 if it is narrower than the gate `fill_width`, else 0
    "filled",  # share of its box that it covers
    "relative_roughness",  # logarithm of the ratio of its roughness to that of the surroundings
    "contrast",  # distance of its mean colour from that of the surroundings
    "light",  # its lightness
    "ground",  # lightness of the surroundings
    "grey",  # 1 minus its saturation
    "alone",  # logarithm of the share of the work that has its colour
    "beside",  # share of the surroundings that has its colour
    *CLASSES,  # 0 or 1: its class
    "surely",  # logarithm of the share of the work that is almost certainly damaged
    "many",  # logarithm of the number of pieces
)


def features(
    view: np.ndarray,
    inside: np.ndarray,
    box: tuple[int, int, int, int],
    given: Mapping[str, float],
) -> dict[str, float]:
    """FEATURES of a piece.

    view: float32 (h, w, 3), sRGB in [0, 1], the reduced work. inside: bool, the pixels of the piece
    in its box (left, top, width, height). given: FEATURES that are already computed.
    """
    left, top, box_width, box_height = box
    rows = slice(max(top - AROUND_PX, 0), top + box_height + AROUND_PX)
    columns = slice(max(left - AROUND_PX, 0), left + box_width + AROUND_PX)
    part = view[rows, columns]
    mask = np.zeros(part.shape[:2], np.uint8)
    down, across = top - rows.start, left - columns.start
    mask[down : down + box_height, across : across + box_width] = inside
    near = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    around = cv2.dilate(near, np.ones((2 * AROUND_PX - 5,) * 2, np.uint8)) > near
    inner, outer = part[mask > 0], part[around]
    outer = outer if len(outer) else inner
    colour = inner.mean(axis=0)
    core = cv2.erode(mask, np.ones((3, 3), np.uint8))
    core = core if core.any() else mask
    roughness = np.abs(cv2.Laplacian(part.mean(axis=2), cv2.CV_32F))
    roughness_around = roughness[around].mean() if around.any() else roughness.mean()
    similar = np.abs(view[::COLOUR_STEP_PX, ::COLOUR_STEP_PX] - colour).max(axis=2) < SIMILAR_COLOUR
    measured = {
        "filled": float(inside.mean()),
        "relative_roughness": float(
            np.log((roughness[core > 0].mean() + 0.01) / (roughness_around + 0.01))
        ),
        "contrast": float(np.linalg.norm(colour - outer.mean(axis=0))),
        "light": float(colour.mean()),
        "ground": float(outer.mean()),
        "grey": float(1 - np.ptp(colour)),
        "alone": float(np.log10(similar.mean() + LOG_OFFSET)),
        "beside": float((np.abs(outer - colour).max(axis=1) < SIMILAR_COLOUR).mean()),
    }
    return {**given, **measured}


def simple_features(
    kind: int, share: float, *, narrow: bool, high_share: float, count: int, **measured: float
) -> dict[str, float]:
    """The features that need no pixels.

    kind: index of CLASSES. share: of the work. narrow: see Piece. high_share: share of the work
    that is almost certainly damaged. count: number of pieces. measured: FEATURES that are already
    computed.
    """
    classes = {name: float(number == kind) for number, name in enumerate(CLASSES)}
    sizes = {"size": float(np.log10(share)), "surely": float(np.log10(high_share + LOG_OFFSET))}
    return {**classes, **sizes, "thin": float(narrow), "many": float(np.log10(count)), **measured}
