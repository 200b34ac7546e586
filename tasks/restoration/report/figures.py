"""Sidecars as the figures of which `summary` makes a sentence."""

from patina.tasks.io.atomic import Record
from patina.tasks.restoration.report.summary import Figures


def figures_of(sidecar: Record) -> Figures:
    """The figures that a sidecar holds of a work, see `summary`; those it has not are left out.

    The parts that a sidecar of ours already tells in those words (damage, detail, tone, …) are
    taken as they are.
    """
    change = sidecar.get("change", {})
    figures: Figures = {"changed_share": change.get("share_of_pixels", 0)}
    figures |= _of_single_network(change)
    named = ("damage", "detail", "jpeg", "blur", "tone")
    return figures | {name: change[name] for name in named if isinstance(change.get(name), dict)}


def _of_single_network(change: Record) -> Figures:
    figures: Figures = {}
    if "fill_share" in change:
        found, weight = change.get("damaged_share", 0), change["fill_share"]
        figures["damage"] = {"weight": weight, "found_share": found}
        figures["damage"] |= {"filled_share": found} if weight else {}
    if "detail_share" in change:
        figures["detail"] = {"weight": change["detail_share"]}
    if any(any(row) for row in change.get("colour", [])):
        figures["tone"] = {"weight": 1.0}
    return figures
