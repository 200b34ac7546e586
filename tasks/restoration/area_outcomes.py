"""The outcome of each area of damage, for condition reports."""

from collections.abc import Mapping, Sequence

import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.areas import Area, AreaMap
from patina.tasks.restoration.treatments import counted, treatments_of

# Thresholds in a damage map; proposed and kept pixels have 128
DAMAGED, FILLED = 127, 140
ROWS = 1024  # rows of a damage map that are processed at a time
LEFT = "left"


def outcomes_of(
    sidecar: Record, found: AreaMap, damage: np.ndarray, *, made: bool
) -> dict[int, str]:
    """The outcome of each area by its number; empty if the sidecar has no decisions on damage.

    sidecar: of the result. found: the areas. damage: their map, uint8 (H, W); pixels brighter than
    FILLED are filled. made: whether the result exists, or is only proposed.
    """
    if "damage" not in sidecar["change"]:
        return {}
    damaged, filled = (np.zeros(len(found.areas) + 1) for _ in range(2))
    for top in range(0, len(damage), ROWS):
        rows = damage[top : top + ROWS]
        numbers = found.numbers(top, top + len(rows), rows.shape[1])
        for total, limit in ((damaged, DAMAGED), (filled, FILLED)):
            total += np.bincount(numbers[rows > limit], minlength=len(total))
    words = "filled" if made else "to be filled"
    return {
        area.number: words if filled[area.number] > damaged[area.number] / 2 else LEFT
        for area in found.areas
    }


def treatment_sentences(
    sidecar: Record, areas: Sequence[Area], outcomes: Mapping[int, str], *, made: bool
) -> list[tuple[str, str]]:
    """`treatments_of`, with the areas that are not filled in a separate line.

    outcomes: from `outcomes_of`.
    """
    left = [area for area in areas if outcomes.get(area.number) == LEFT]
    filled = [area for area in areas if outcomes.get(area.number) != LEFT]
    sentences = treatments_of(sidecar, filled or areas, made=made)
    if left and filled:
        sentences.append(("Left", f"{counted(left)}: found, not filled."))
    return sentences
