"""What became of each area of damage, for condition reports: found, marked by a person, decided."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.damage_areas import Area, AreaMap
from patina.tasks.restoration.report.summary import percent
from patina.tasks.restoration.treatment_sentences import counted, treatments_of

# Thresholds in a damage map; proposed and kept pixels have 128
DAMAGED, FILLED = 127, 140
ROWS = 1024  # rows of a damage map that are processed at a time
MOSTLY = 0.5  # a mask that covers more of an area than this decides on it
# Outcomes in the table, for a result and for a proposal
AUTOMATIC = {True: "filled", False: "to be filled"}
MARKED = {True: "marked, filled", False: "marked to fill"}
LEFT, PROPOSED, KEPT = "left", "proposed", "kept"
MANY = {  # the outcomes in a sentence, after a number
    AUTOMATIC[True]: "filled automatically",
    AUTOMATIC[False]: "to be filled automatically",
    MARKED[True]: "filled because marked by a person",
    MARKED[False]: "to be filled because marked by a person",
    LEFT: "left because protected by a person",
    PROPOSED: "proposed, not filled",
    KEPT: "kept as age cracks",
}


def outcomes_of(
    sidecar: Record,
    found: AreaMap,
    damage: np.ndarray,
    masks: Mapping[str, np.ndarray],
    *,
    made: bool,
) -> dict[int, str]:
    """The outcome of each area by its number; empty if the sidecar has no decisions on damage.

    sidecar: of the result. found: the areas. damage: their map, uint8 (H, W); pixels brighter than
    FILLED are filled. masks: those of a person, "mask" and "protect", bool (H, W), as far as they
    are known. made: whether the result exists, or is only proposed.
    """
    if "damage" not in sidecar["change"]:
        return {}
    share = _shares(found, damage, masks)
    unfilled = _unfilled(sidecar["change"])
    outcomes = {}
    for number in (area.number for area in found.areas):
        mostly = {name for name, shares in share.items() if shares[number] > MOSTLY}
        if "filled" in mostly:
            outcomes[number] = (MARKED if "mask" in mostly else AUTOMATIC)[made]
        else:
            outcomes[number] = LEFT if "protect" in mostly else unfilled
    return outcomes


def _shares(
    found: AreaMap, damage: np.ndarray, masks: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The share of each area, by its number, that is filled, and that each mask covers."""
    px = {name: np.zeros(len(found.areas) + 1) for name in ("damaged", "filled", *masks)}
    for top in range(0, len(damage), ROWS):
        rows = damage[top : top + ROWS]
        damaged = rows > DAMAGED
        numbers = found.numbers(top, top + len(rows), rows.shape[1])
        parts = {name: mask[top : top + len(rows)] for name, mask in masks.items()}
        for name, part in {"damaged": damaged, "filled": rows > FILLED, **parts}.items():
            px[name] += np.bincount(numbers[damaged & part], minlength=len(px[name]))
    whole = np.maximum(px.pop("damaged"), 1)
    return {name: each / whole for name, each in px.items()}


def _unfilled(change: Record) -> str:
    """The outcome of areas that are neither filled nor protected."""
    damage, stains = change["damage"], change.get("stains", {})
    proposed = damage.get("proposed") or stains.get("proposed")
    return KEPT if damage.get("kept") and not proposed else PROPOSED


def treatments_and_left(
    sidecar: Record, areas: Sequence[Area], outcomes: Mapping[int, str], *, made: bool
) -> list[tuple[str, str]]:
    """`treatments_of`, with the areas that are not filled in a separate line.

    outcomes: from `outcomes_of`.
    """
    left = [area for area in areas if outcomes.get(area.number) in (LEFT, PROPOSED, KEPT)]
    filled = [area for area in areas if area not in left]
    sentences = treatments_of(sidecar, filled or areas, made=made)
    if left and filled:
        sentences.append(("Left", f"{counted(left)}: not filled."))
    return sentences


def decisions_on(
    areas: Sequence[Area], outcomes: Mapping[int, str], change: Record, *, further: str
) -> list[tuple[str, str]]:
    """What was found, what a person marked, and what was decided: names and sentences.

    outcomes: from `outcomes_of`. change: the figures of the sidecar. further: a sentence on places
    that may be damage.
    """
    if "damage" not in change:
        return [("Found", f"{counted(areas)}.")]
    of = {area.number: area for area in areas}
    marked = [of[n] for n, outcome in outcomes.items() if outcome in MARKED.values()]
    left = [of[n] for n, outcome in outcomes.items() if outcome == LEFT]
    found = [area for area in areas if area not in marked]
    each = Counter(outcomes[area.number] for area in areas)
    together = "; pieces that are close together count as one" if found else ""
    decisions = [f"{each[outcome]} {words}" for outcome, words in MANY.items() if each[outcome]]
    return [
        ("Found by Patina", f"{counted(found)}{together}. {further}".rstrip()),
        ("Marked by a person", _marked(marked, left, change)),
        ("Decided", f"{', '.join(decisions) or 'nothing'}."),
        ("Change", _change(change)),
    ]


def _change(change: Record) -> str:
    """The two shares of the work that are easily confused, as a sentence."""
    filled = percent(change["damage"].get("filled_share", 0))
    altered = percent(change.get("share_of_pixels", 0))
    return (
        f"filled surface {filled} (damage replaced by new pixels); altered pixels {altered} (all "
        "that differ from the scan after all treatments)."
    )


def _marked(marked: Sequence[Area], left: Sequence[Area], change: Record) -> str:
    """What a person marked, as a sentence."""
    share = change["damage"].get("marked_share", 0)
    if share and not marked:
        return (
            f"{share:.2%} of the surface to fill; the places are unknown, as the mask is missing."
        )
    parts = [
        f"{counted(areas)} to {does}"
        for areas, does in ((marked, "fill"), (left, "leave"))
        if areas
    ]
    return f"{'; '.join(parts) or 'nothing'}."
