"""The list of areas on the page: which it has, in which order, and which are ticked."""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from patina.tasks.restoration.damage import FILLED, Damage, Piece
from patina.tasks.restoration.doubtful import LIKELY, certainty, is_doubtful

LISTED = 100  # maximum number of areas in the list, without the doubtful ones
OTHERS = 0  # stands for all areas for which the list has no room; no area has this label


def listed(damage: Damage | None) -> list[Piece]:
    """The areas for the list: first those to fill, then the proposed ones; the likeliest first.

    Of areas that are certain enough for the gates, it has only the LISTED largest.
    """
    pieces = damage.pieces if damage else []
    certain = [piece for piece in pieces if not is_doubtful(piece)]
    largest = sorted(certain, key=lambda piece: -piece.px)[:LISTED]
    shown = [*largest, *(piece for piece in pieces if is_doubtful(piece))]
    return sorted(
        shown, key=lambda piece: (piece.outcome != FILLED, -piece.judge_probability, -piece.px)
    )


def unlisted(damage: Damage | None) -> list[int]:
    """The labels of the areas to fill for which the list has no room."""
    shown = {piece.label for piece in listed(damage)}
    pieces = damage.pieces if damage else []
    return [p.label for p in pieces if p.outcome == FILLED and p.label not in shown]


def labels_of(damage: Damage) -> np.ndarray:
    """The label of the listed area at each pixel of the damage map, float32 (h, w); 0 is none."""
    shown = np.isin(damage.labels, [piece.label for piece in listed(damage)])
    return np.where(shown, damage.labels, 0).astype(np.float32)


def automatic(damage: Damage | None) -> set[int]:
    """The labels in the list that are ticked in advance."""
    shown = {piece.label for piece in listed(damage) if piece.outcome == FILLED}
    return shown | ({OTHERS} if unlisted(damage) else set())


def all_of(damage: Damage | None) -> set[int]:
    """All labels in the list."""
    return {piece.label for piece in listed(damage)} | {OTHERS}


def likely(damage: Damage | None) -> set[int]:
    """The labels in the list of areas that are likely damage."""
    return {piece.label for piece in listed(damage) if certainty(piece) == LIKELY}


def nothing(damage: Damage | None) -> set[int]:
    """No label."""
    return set()


@dataclass
class Ticks:
    """The labels of the ticked areas, which the page and the browser both change.

    While an event waits, the browser still shows, and sends, an older list. Each list that is sent
    to the browser has a number. Of a list from the browser only what the user changed in it counts.
    """

    now: set[int] = field(default_factory=set)
    lists: list[set[int]] = field(default_factory=lambda: [set()])  # as last seen, by number

    @property
    def number(self) -> int:
        """The number of the last list."""
        return len(self.lists) - 1

    def replace(self, ticked: Collection[int]) -> None:
        """Tick these areas, in a new list for the browser."""
        self.now = {*ticked}
        self.lists.append({*ticked})

    def receive(self, number: int, ticked: Collection[int]) -> None:
        """Apply what the user has changed in list `number`, which now has these ticks."""
        self.now ^= self.lists[number] ^ {*ticked}
        self.lists[number] = {*ticked}
