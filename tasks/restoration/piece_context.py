"""Features of a piece of damage that compare it with the other pieces of the same work.

Damage seldom comes alone: the scratches of a work resemble each other, and so do its specks of
dust. A detail that only looks like damage has few similar pieces, and those are uncertain, too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from patina.models import CLASSES

CONTEXT_FEATURES = (
    "alike_probability",  # mean logit of the probability of similar pieces; 0 without any
    "alike",  # logarithm of the total weight of similar pieces
    "most_alike",  # similarity of the most similar piece, 0 to 1
    "others_probability",  # mean logit of the probability of all other pieces; 0 without any
    "others",  # logarithm of their total weight
    "from_edge",  # logarithm of its distance from the edge of the work
    "extent",  # width and height of its box, each as a share of the work's, added
)

# Two pieces are similar if these features are; the values are differences that count as 1
SCALES = {
    "light": 0.08,
    "ground": 0.25,
    "grey": 0.1,
    "contrast": 0.15,
    "size": 0.5,
    "relative_roughness": 0.8,
    "filled": 0.25,
    "thin": 0.7,
}
OTHER_CLASS = 0.4  # factor for the similarity of pieces of different classes
MAX_WEIGHT_PX = 2000  # larger pieces have no larger weight
MAX_LOGIT = 4.0
# Weight, in root pixels, of an imagined piece with a probability of one half: few pieces say little
PRIOR_WEIGHT = 20.0
NEAR_EDGE_PX = 4  # added to the distance from the edge before the logarithm
MAX_COMPARED = 1000  # each piece is compared with so many of the largest
ROWS_AT_ONCE = 1024  # number of pieces that are compared at a time, which bounds the memory

Box = tuple[int, int, int, int]  # left, top, width, height


def context_features(
    pieces: Sequence[Mapping[str, float]],
    boxes: Sequence[Box],
    areas_px: Sequence[int],
    size: tuple[int, ...],
) -> list[dict[str, float]]:
    """CONTEXT_FEATURES of each piece of a work.

    pieces: their `pieces.FEATURES`. boxes, areas_px: their boxes, and their numbers of pixels.
    size: (height, width) of the work.
    """
    if not pieces:
        return []
    areas = np.array(areas_px, float)
    weights = np.sqrt(np.minimum(areas, MAX_WEIGHT_PX))
    probability = np.clip([piece["probability"] for piece in pieces], 1e-6, 1 - 1e-6)
    logits = np.clip(np.log(probability / (1 - probability)), -MAX_LOGIT, MAX_LOGIT)
    total, evidence = weights.sum() - weights, (weights * logits).sum() - weights * logits
    alike, alike_evidence, most_alike = _alike(pieces, areas, weights, logits)
    left, top, width, height = np.array(boxes, float).T
    distances = (left, top, size[1] - left - width, size[0] - top - height)
    columns = (
        alike_evidence / (alike + PRIOR_WEIGHT),
        np.log(alike + 1),
        most_alike,
        evidence / (total + PRIOR_WEIGHT),
        np.log(total + PRIOR_WEIGHT),
        np.log(np.minimum.reduce(distances) + NEAR_EDGE_PX),
        width / size[1] + height / size[0],
    )
    return [
        dict(zip(CONTEXT_FEATURES, map(float, row), strict=True))
        for row in zip(*columns, strict=True)
    ]


def _alike(
    pieces: Sequence[Mapping[str, float]],
    areas: np.ndarray,
    weights: np.ndarray,
    logits: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each piece: the weight of the similar ones, their weighted logits, the best similarity.

    areas, weights, logits: float (n,).
    """
    compared = np.argsort(-areas, kind="stable")[:MAX_COMPARED]
    table = np.array([[piece[name] / scale for name, scale in SCALES.items()] for piece in pieces])
    kinds = np.array([[piece[name] for name in CLASSES] for piece in pieces]).argmax(axis=1)
    lighter = np.array([np.sign(piece["light"] - piece["ground"]) for piece in pieces])
    found = np.zeros((3, len(pieces)))
    for start in range(0, len(pieces), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        own, others = table[rows], table[compared]
        squares = (own**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * own @ others.T
        similarity = np.exp(-np.maximum(squares, 0) / 4)
        similarity *= lighter[rows, None] == lighter[compared]
        similarity *= np.where(kinds[rows, None] == kinds[compared], 1, OTHER_CLASS)
        similarity[np.arange(len(pieces))[rows, None] == compared] = 0
        weighted = similarity * weights[compared]
        found[:, rows] = weighted.sum(axis=1), weighted @ logits[compared], similarity.max(axis=1)
    return found[0], found[1], found[2]
