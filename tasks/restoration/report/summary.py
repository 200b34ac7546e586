"""The summary: one sentence about what was done to a work.

It is made from a dict of figures, in which every key is optional:

    changed_share   share of the work's pixels that differ from the scan, 0 to 1
    damage          weight         strength of the fills, 0 to 1
                    weights        strengths of damage and craquelure, if they differ
                    areas          number of filled areas
                    by_kind        number of filled areas by kind, as in `damage.KINDS`
                    filled_share   share of the work that was filled, 0 to 1
                    marked_share   share of the work that the user marked with --mask, 0 to 1
                    found_share    share of the work that may be damaged, 0 to 1
                    kept           number of areas that belong to the work, such as age cracks
                    proposed       the proposed areas, or their number
    noise           weight         strength of the correction of noise, 0 to 1
    compressed_noise, jpeg, blur
                    weight         strength of their correction, 0 to 1
    stains          weight         strength of the correction of the stains, 0 to 1
                    found          their number, if the user did not mark them
                    proposed       entries of stains that are not certain enough
    tone            weight         strength of the correction of the colours, 0 to 1
                    seen           the change of the colours: yellowing, fading, …
                    delta_e2000    mean ΔE2000 of the correction
"""

from collections.abc import Iterator
from typing import Any

Figures = dict[str, Any]

RESTORED, UNTOUCHED = "restored", "untouched"
UNCHANGED = "unchanged"
NOTHING_FOUND = f"{UNCHANGED}: no damage is certain enough to be treated"
KINDS = {
    "line": ("scratch", "scratches"),
    "spot": ("spot", "spots"),
    "area": ("loss or blot", "losses or blots"),
    "stain": ("stain", "stains"),
    "crack network": ("pattern of age cracks", "patterns of age cracks"),
}
DETAIL = (  # keys of the figures, and what is reduced
    ("noise", "noise"),
    ("compressed_noise", "noise"),
    ("jpeg", "JPEG artefacts"),
    ("blur", "blur"),
)
FULL = 0.995  # a weight that is at least this counts as full strength
WORTH_TELLING = 0.005  # smaller possible damage (share of the work) is not mentioned


def outcome_of(figures: Figures) -> str:
    """RESTORED, or UNTOUCHED if no pixel was changed."""
    changed = figures.get("changed_share")
    touched = any(True for _ in _done(figures)) if changed is None else changed > 0
    return RESTORED if touched else UNTOUCHED


def summary_of(figures: Figures) -> str:
    """What was done to a work, and what was found but not treated, such as "noise reduced".

    figures: see above. Semicolons separate the parts; there is no capital and no full stop.
    """
    seen = [*_seen(figures)]
    if outcome_of(figures) == UNTOUCHED:
        return "; ".join([UNCHANGED, *seen]) if seen else NOTHING_FOUND
    done = [*_done(figures)]
    if not done and figures.get("changed_share"):
        done = [f"{percent(figures['changed_share'])} of the pixels altered"]
    return "; ".join(done + seen + [*_repainted(figures)])


def _done(figures: Figures) -> Iterator[str]:
    damage, tone = figures.get("damage", {}), figures.get("tone", {})
    marked = damage.get("marked_share")
    fills = damage.get("weight", 1) > 0
    if fills and (_areas(damage) or (damage.get("filled_share") and not marked)):
        yield f"{_filled(damage)} filled{_strength(damage)}"
    if fills and marked:
        yield f"marked pixels filled{_strength(damage)}"
    for key, what in DETAIL:
        if weight := figures.get(key, {}).get("weight"):
            yield f"{what} reduced{_in_part(weight)}"
    if weight := figures.get("stains", {}).get("weight"):
        found = figures["stains"].get("found")
        stains = count_in_words(found, *KINDS["stain"]) if found else "marked stains"
        yield f"{stains} corrected{_in_part(weight)}"
    if weight := tone.get("weight"):
        mean = f" (mean ΔE2000 {tone['delta_e2000']:.1f})" if "delta_e2000" in tone else ""
        yield f"{tone.get('seen') or 'colours'} corrected{_in_part(weight)}{mean}"


def _seen(figures: Figures) -> Iterator[str]:
    damage, tone = figures.get("damage", {}), figures.get("tone", {})
    proposed = damage.get("proposed") or 0
    number = proposed if isinstance(proposed, int) else len(proposed)
    if number:
        areas = "area" if number == 1 else "areas"
        yield f"{number} {areas} proposed, not filled: see the damage map, or try --force damage"
    elif not damage.get("weight") and damage.get("found_share", 0) >= WORTH_TELLING:
        where = percent(damage["found_share"])
        yield f"possible damage on {where} of the surface, not filled: try --force damage"
    if possible := len(figures.get("stains", {}).get("proposed", ())):
        stains = count_in_words(possible, "possible stain", "possible stains")
        yield f"{stains}, not corrected: try --force stains"
    if damage.get("kept"):
        yield "age cracks kept as part of the work"
    if tone.get("seen") and not tone.get("weight"):
        yield f"possible {tone['seen']}, not corrected: try --force tone"


def _repainted(figures: Figures) -> Iterator[str]:
    damage = figures.get("damage", {})
    if damage.get("weight", 1) > 0 and damage.get("filled_share"):
        yield f"{percent(damage['filled_share'])} of the surface filled"


def _areas(damage: Figures) -> int:
    """The number of filled areas; 0 if unknown."""
    return damage.get("areas") or sum(damage.get("by_kind", {}).values())


def _filled(damage: Figures) -> str:
    """The filled areas in words, such as "2 scratches and 1 spot"."""
    by_kind = damage.get("by_kind", {})
    counts = [
        count_in_words(number, *KINDS.get(kind, (kind, kind)))
        for kind, number in by_kind.items()
        if number
    ]
    if counts:
        *first, last = counts
        return f"{', '.join(first)} and {last}" if first else last
    return count_in_words(damage["areas"], "area", "areas") if damage.get("areas") else "damage"


def count_in_words(number: int, one: str, more: str) -> str:
    """A number of things, such as "1 stain" or "2 stains"."""
    return f"{number:,} {one if number == 1 else more}"


def _in_part(weight: float) -> str:
    return "" if weight >= FULL else " in part"


def _strength(damage: Figures) -> str:
    weight = damage.get("weight", 1)
    if weights := damage.get("weights"):
        return (
            f" (damage at {weights['damage']:.0%} of full strength, age cracks at "
            f"{weights['craquelure']:.0%})"
        )
    return "" if weight >= FULL else f" at {weight:.0%} of full strength"


def percent(share: float) -> str:
    """A share (0 to 1) as a percentage with two digits: 12%, 1.2%, 0.12%, less than 0.01%."""
    if 0 < share < 0.0001:
        return "less than 0.01%"
    digits = 0 if share >= 0.1 else 1 if share >= 0.01 else 2
    return f"{share:.{digits}%}"
