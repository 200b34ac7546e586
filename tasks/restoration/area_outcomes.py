"""Which areas of damage were filled, where a restoration decides for each of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.areas import Area, AreaMap
from patina.tasks.restoration.treatments import counted, treatments_of

# Levels of a damage map above which a pixel is so: one that is proposed, or kept, has 128
DAMAGED, FILLED = 127, 140
ROWS = 1024  # of a damage map that are looked at together
LEFT = "left"


def outcomes_of(
    sidecar: Record, found: AreaMap, damage: np.ndarray, *, made: bool
) -> dict[int, str]:
    """What becomes of each area, by its number; empty where the sidecar decides for all alike.

    damage: the map in which they were found, uint8 (H, W): brighter than FILLED where it is filled.
    """
    if "damage" not in sidecar["change"]:
        return {}
    whole, filled = (np.zeros(len(found.areas) + 1) for _ in range(2))
    for top in range(0, len(damage), ROWS):
        rows = damage[top : top + ROWS]
        numbers = found.numbers(top, top + len(rows), rows.shape[1])
        for total, limit in ((whole, DAMAGED), (filled, FILLED)):
            total += np.bincount(numbers[rows > limit], minlength=len(total))
    words = "filled" if made else "to be filled"
    return {
        area.number: words if filled[area.number] > whole[area.number] / 2 else LEFT
        for area in found.areas
    }


def told(
    sidecar: Record, areas: Sequence[Area], outcomes: Mapping[int, str], *, made: bool
) -> list[tuple[str, str]]:
    """`treatments_of`, with what is left in a line of its own.

    outcomes: as `outcomes_of` gives them.
    """
    left = [area for area in areas if outcomes.get(area.number) == LEFT]
    filled = [area for area in areas if outcomes.get(area.number) != LEFT]
    sentences = treatments_of(sidecar, filled or areas, made=made)
    if left and filled:
        sentences.append(("Left", f"{counted(left)}: seen, not filled."))
    return sentences
