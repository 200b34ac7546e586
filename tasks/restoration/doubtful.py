"""Finds the places that may be damage, but are not certain enough for the gates.

They are never filled automatically. The page lists them, and a condition report counts them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from patina.tasks.imaging.scans import opened
from patina.tasks.io.atomic import draft_folder
from patina.tasks.restoration.damage import FILLED, KEPT, PROPOSED, Damage, Piece, share_covered
from patina.tasks.restoration.proposals import with_further_pieces
from patina.tasks.restoration.reduced import reduced_view
from patina.tasks.restoration.restorer import Restorer, analyse
from patina.tasks.restoration.tiling import Rows

REASON = "not certain enough to be filled automatically"
LIKELY = "likely"
CERTAINTY = {0.6: LIKELY, 0.3: "uncertain", 0.0: "unlikely"}  # from this probability on
LEAST = 0.05  # pieces with a smaller probability are left out
MAX_PIECES = 40  # maximum number of doubtful pieces
SAME = 0.5  # a piece that the damage covers to this share is not a further one


def every_piece(
    restorer: Restorer, rows: Rows, view: np.ndarray, size: tuple[int, int]
) -> Damage | None:
    """All pieces of damage that are found without the gates. Arguments: as for `analyse`."""
    treat = tuple(name for name in restorer.treat if name not in ("stains", "tone"))
    lenient = replace(restorer, treat=treat, forced=(*restorer.forced, "damage", "craquelure"))
    return analyse(lenient, rows, view, size).damage


def every_piece_in(path: Path, restorer: Restorer) -> Damage | None:
    """As `every_piece`, for a file; it is rotated as a viewer rotates it.

    Raises ImageError if it cannot be read.
    """
    with draft_folder() as folder, opened(path, folder) as scan:
        turned = replace(scan, image=scan.image.autorot())
        size = (turned.height, turned.width)
        return every_piece(restorer, turned.srgb, reduced_view(turned.srgb, *size), size)


def further_pieces(every: Damage, found: np.ndarray) -> list[Piece]:
    """The pieces of `every` that are not in `found`: at most MAX_PIECES, the most probable first.

    found: bool (H, W), damage that is known already, in any size.
    """
    shape = every.labels.shape
    shown = cv2.resize(found.astype(np.uint8) * 255, shape[::-1], interpolation=cv2.INTER_AREA)
    covered = share_covered(every.labels, shown / np.float32(255))
    missing = [p for p in every.pieces if p.judge_probability >= LEAST and covered[p.label] < SAME]
    return [
        _proposed(piece)
        for piece in sorted(missing, key=lambda each: -each.judge_probability)[:MAX_PIECES]
    ]


def with_doubtful(damage: Damage, every: Damage) -> Damage:
    """`damage` with the most probable pieces of `every` that it lacks, as proposals.

    damage: the decision on a work. every: from `every_piece`. The pixels to fill, and the pieces of
    `damage`, stay as they are.
    """
    found = damage.found > 0
    chosen = further_pieces(every, found)
    return with_further_pieces(damage, chosen, every.labels, found) if chosen else damage


def _proposed(piece: Piece) -> Piece:
    """A piece that the gates leave out, as a proposal; age cracks are still kept."""
    return piece if piece.outcome == KEPT else replace(piece, outcome=PROPOSED, reason=REASON)


def is_doubtful(piece: Piece) -> bool:
    """Whether `with_doubtful` added the piece."""
    return piece.reason == REASON


def is_uncertain_fill(piece: Piece) -> bool:
    """Whether the piece is filled automatically, although it is not likely damage."""
    return piece.outcome == FILLED and certainty(piece) != LIKELY


def certainty(piece: Piece) -> str:
    """The probability that a piece is damage, in a word of CERTAINTY."""
    return next(word for least, word in CERTAINTY.items() if piece.judge_probability >= least)


def doubtful_sentence(pieces: Sequence[Piece]) -> str:
    """The number of doubtful pieces by certainty, as a sentence; "" without any."""
    found = Counter(certainty(piece) for piece in pieces if is_doubtful(piece))
    if not (count := found.total()):
        return ""
    places, are = ("place", "is") if count == 1 else ("places", "are")
    each = ", ".join(f"{found[word]} {word}" for word in CERTAINTY.values() if found[word])
    return f"{count} further {places} may be damage and {are} not filled: {each}."
