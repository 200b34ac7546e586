"""The rules that decide which pieces of damage are filled, proposed or kept.

They limit the effect of a wrong network. Only small or narrow pieces are filled automatically.
Larger pieces are proposed: they appear in the damage map and in the sidecar, and the work is
flagged, but they are not filled. A pattern of age cracks (craquelure) belongs to the work and is
kept.
"""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from patina.tasks.restoration.damage import AREA, CRACK, FILLED, KEPT, PROPOSED, Piece
from patina.tasks.restoration.gates import Gates

SURE_AREA = 2.0  # see `accepted_by_judge`
MIN_NETWORK_CELLS = 12  # lines that enclose at least this many cells are age cracks
# At least MIN_STARS bright pieces may be stars if the mean lightness of their ground is at most
# STARS_GROUND, the mean logarithm of the ratio of their roughness to that of the ground is at least
# MIN_STARS_ROUGHNESS, and the judge gives them a mean probability of less than STARS_PROBABILITY
MIN_STARS, STARS_GROUND, MIN_STARS_ROUGHNESS, STARS_PROBABILITY = 50, 0.3, 2.3, 0.53
# At least MIN_ROW pieces are a row if each is where the two before it lead, or twice as far, within
# ROW_TOLERANCE of their distance, which is at most ROW_DISTANCE times the root of their area
MIN_ROW, ROW_TOLERANCE, ROW_DISTANCE = 6, 0.4, 6.0


def with_treatment(
    piece: Piece, labels: np.ndarray, forces: Mapping[bool, bool], *, cracks: bool
) -> Piece:
    """The piece with its treatment: `damage`, or `craquelure` for age cracks.

    Without `cracks`, no piece is assigned to `craquelure`, and a pattern of age cracks is kept.
    forces: whether the user forces the treatment, by `is_crack`: False is `damage`, True is
    `craquelure`.
    """
    if not cracks:
        piece = replace(piece, forced=forces[False])
        reason = "a pattern of age cracks (craquelure) belongs to the work"
        is_network = _is_crack_network(piece, labels)
        return replace(piece, outcome=KEPT, reason=reason) if is_network else piece
    is_crack = piece.kind == CRACK or _is_crack_network(piece, labels)
    return replace(piece, is_crack=is_crack, forced=forces[is_crack])


def with_outcomes(pieces: list[Piece], pixels: int, gates: Gates) -> list[Piece]:
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


def accepted_by_judge(pieces: list[Piece], pixels: int, gates: Gates) -> list[Piece]:
    """The pieces that the judge takes for damage, and those that are kept or forced.

    Age cracks that are to be filled are accepted, too: for the judge they are part of the work.

    pixels: of the work. A small piece needs the probability of the gate `fill_probability`; a piece
    SURE_AREA times as large as the gate `fill_area`, or larger, needs `fill_surely`, and pieces in
    between need a probability in between. None is filled if the mean probability of all pieces to
    be filled, weighted by their area, is below `fill_probability_mean`, or the highest one below
    `fill_probability_max`; if the highest one reaches `fill_proposal`, those that alone reach
    `fill_probability_mean` are proposed instead. Without a judge, all are accepted.
    """
    if not any(piece.features for piece in pieces):
        return pieces
    filled = [piece for piece in _filled_by_rule(pieces) if not piece.is_crack]
    px = sum(piece.px for piece in filled)
    mean = sum(piece.px * piece.judge_probability for piece in filled) / max(px, 1)
    most = max((piece.judge_probability for piece in filled), default=0.0)
    if filled and (mean < gates.fill_probability_mean or most < gates.fill_probability_max):
        labels = {piece.label for piece in filled}
        uncertain = [
            replace(piece, outcome=PROPOSED, reason="the damage of the work is not certain enough")
            for piece in filled
            if most >= gates.fill_proposal
            and piece.judge_probability >= gates.fill_probability_mean
        ]
        pieces = [piece for piece in pieces if piece.label not in labels] + uncertain
    rise = max(0.0, gates.fill_surely - gates.fill_probability)
    large_px = max(SURE_AREA * gates.fill_area * pixels, 1)
    return [
        piece
        for piece in pieces
        if piece.forced
        or piece.is_crack
        or piece.outcome == KEPT
        or piece.judge_probability >= gates.fill_probability + rise * min(1.0, piece.px / large_px)
    ]


def without_stars(pieces: list[Piece]) -> list[Piece]:
    """The pieces; many bright ones on a dark and very smooth ground are proposed, not filled.

    But if the judge gives them a mean probability of at least STARS_PROBABILITY, they are filled.
    Dust looks the same, but lies on the brushwork of a painting; docs/experiments.md has the
    figures. Without a judge, pieces have no features, and remain as they are.
    """
    measured = [piece for piece in _filled_by_rule(pieces) if piece.features]
    bright = [each for each in measured if each.features["light"] > each.features["ground"]]
    if len(bright) < MIN_STARS:
        return pieces
    ground, roughness = (
        np.mean([each.features[name] for each in bright])
        for name in ("ground", "relative_roughness")
    )
    probability = np.mean([each.judge_probability for each in bright])
    if ground > STARS_GROUND or roughness < MIN_STARS_ROUGHNESS or probability >= STARS_PROBABILITY:
        return pieces
    labels, reason = {each.label for each in bright}, "it may be a star: the ground is smooth"
    return _with_proposed(pieces, labels, reason)


def without_margins(pieces: list[Piece], size: tuple[int, ...], edge_px: int) -> list[Piece]:
    """The pieces that reach further than `edge_px` into the work, and those that are forced.

    The others are mostly margins of the scan: in 1,300 random works, four fifths of them are no
    damage. The judge has seen them, because in a sound work they lower the mean probability.
    """

    def depth_px(piece: Piece) -> int:
        left, top, width, height = piece.box
        return min(left + width, size[1] - left, top + height, size[0] - top)

    return [piece for piece in pieces if piece.forced or depth_px(piece) > edge_px]


def without_drawing(pieces: list[Piece]) -> list[Piece]:
    """The pieces of a work of nearly one colour; none is filled, as lines may be its drawing.

    Without a judge, pieces have no features, and remain as they are.
    """
    reason = "the work is of nearly one colour: it may be part of a drawing"
    labels = {piece.label for piece in _filled_by_rule(pieces) if piece.features}
    return _with_proposed(pieces, labels, reason)


def without_rows(pieces: list[Piece]) -> list[Piece]:
    """The pieces; round ones in a regular row are proposed, not filled: they may be pearls."""
    round_ones = [each for each in _filled_by_rule(pieces) if max(each.box[2:]) ** 2 <= 4 * each.px]
    centres = np.array([_centre(piece) for piece in round_ones]).reshape(-1, 2)
    in_row: set[int] = set()
    for first, start in enumerate(centres):
        distances = np.hypot(*(centres - start).T)
        reach = ROW_DISTANCE * round_ones[first].px ** 0.5
        for second in np.flatnonzero((distances > 0) & (distances <= reach)):
            row = _row(centres, first, int(second))
            if len(row) >= MIN_ROW:
                in_row.update(row)
    labels, reason = {round_ones[at].label for at in in_row}, "it belongs to a row, as of pearls"
    return _with_proposed(pieces, labels, reason)


def _row(centres: np.ndarray, first: int, second: int) -> list[int]:
    """The indices of the pieces in the row that begins with two pieces. centres: float (n, 2)."""
    row, step = [first, second], centres[second] - centres[first]
    while len(row) < len(centres):
        ahead = centres - centres[row[-1]]
        away = np.array([np.hypot(*(ahead - times * step).T) for times in (1, 2)])
        away[:, row] = np.inf
        skipped, nearest = np.unravel_index(int(away.argmin()), away.shape)
        if away[skipped, nearest] > ROW_TOLERANCE * np.hypot(*step):
            break
        step = (centres[nearest] - centres[row[-1]]) / (skipped + 1)
        row.append(int(nearest))
    return row


def _centre(piece: Piece) -> tuple[float, float]:
    left, top, width, height = piece.box
    return left + width / 2, top + height / 2


def _with_proposed(pieces: list[Piece], labels: set[int], reason: str) -> list[Piece]:
    """The pieces; those with these labels are proposed."""
    return [
        replace(piece, outcome=PROPOSED, reason=reason) if piece.label in labels else piece
        for piece in pieces
    ]


def _filled_by_rule(pieces: list[Piece]) -> list[Piece]:
    """The pieces that are to be filled, without those that the user forces."""
    return [piece for piece in pieces if piece.outcome == FILLED and not piece.forced]


def _is_crack_network(piece: Piece, labels: np.ndarray) -> bool:
    """Whether the piece encloses at least MIN_NETWORK_CELLS cells."""
    left, top, box_width, box_height = piece.box
    if piece.px < 100 or piece.kind == AREA:
        return False
    background = labels[top : top + box_height, left : left + box_width] != piece.label
    background = np.pad(background, 1, constant_values=1)
    regions, _ = cv2.connectedComponents(background.astype(np.uint8), connectivity=4)
    return regions - 2 >= MIN_NETWORK_CELLS  # without the piece itself and its outside
