"""Sentences about the applied or proposed treatments of a scan, from its sidecar."""

from collections import Counter
from collections.abc import Sequence

from patina.models import CAPTURE_ROLES
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.damage_areas import KINDS, Area
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS
from patina.tasks.restoration.report.summary import count_in_words, percent

# Keys of the sidecar's figures, by treatment
PARTS = {"detail": CAPTURE_ROLES} | {name: (name,) for name in ("damage", "stains", "tone")}
PLURALS = {
    "line": "lines",
    "spot": "spots",
    "area": "areas",
    "crack network": "crack networks",
}


def treatments_of(sidecar: Record, areas: Sequence[Area], *, made: bool) -> list[tuple[str, str]]:
    """Name and sentence of each treatment, in the order of their application.

    made: whether the result exists; otherwise the sentences are proposals.
    """
    change, applied = sidecar["change"], sidecar["applied"]
    treat = applied.get("treat", DEFAULT_TREATMENTS)
    strength = applied.get("strength", {})
    share = {
        name: max(float(change.get(part, {}).get("weight", 0)) for part in parts)
        for name, parts in PARTS.items()
    }
    sentences = {
        "detail": ("Noise and blur", "corrected" if made else "to be corrected"),
        "damage": ("Damage", f"{counted(areas)}: {'filled' if made else 'to be filled'}"),
        "stains": (
            "Stains",
            _stains(change.get("stains", {}), "corrected" if made else "to be corrected"),
        ),
        "tone": ("Colour", "corrected" if made else "to be corrected"),
    }
    rows = []
    for name, (title, done) in sentences.items():
        amount = share[name] * (float(strength.get(name, 1)) if name == "detail" else 1)
        if amount <= 0 or (name == "damage" and not areas):
            rows.append((title, _untreated(name, areas) if name in treat else "Not selected."))
        else:
            rows.append((title, f"{done[0].upper()}{done[1:]}{_strength_note(amount)}."))
    return rows


def counted(areas: Sequence[Area]) -> str:
    """The number of areas of each kind, and their share: "3 lines, 1 spot (0.4% of the
    surface)".
    """
    kinds = Counter(area.kind for area in areas)
    words = [
        f"{kinds[kind]} {kind if kinds[kind] == 1 else PLURALS[kind]}"
        for kind in KINDS
        if kinds[kind]
    ]
    share = sum(area.share for area in areas)
    return f"{', '.join(words)} ({percent(share)} of the surface)" if words else "none"


def _stains(stains: Record, done: str) -> str:
    """What was done to the stains: "3 stains (1.2% of the surface): corrected"."""
    if not (found := stains.get("found")):
        return done
    count = count_in_words(found, "stain", "stains")
    return f"{count} ({percent(stains['found_share'])} of the surface): {done}"


def _untreated(name: str, areas: Sequence[Area]) -> str:
    if name == "damage":
        return f"{counted(areas).capitalize()}: found, not filled." if areas else "None found."
    return "No correction."


def _strength_note(amount: float) -> str:
    return "" if amount > 0.99 else f", at {amount:.0%} of the full strength"
