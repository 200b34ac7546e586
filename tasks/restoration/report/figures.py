"""Converts sidecars to the figures that `summary` takes."""

from patina.models import CAPTURE_ROLES
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.report.summary import Figures


def figures_of(sidecar: Record) -> Figures:
    """The figures of a sidecar for `summary`; missing ones are left out."""
    change = sidecar.get("change")
    change = change if isinstance(change, dict) else {}
    named = (*CAPTURE_ROLES, "damage", "stains", "tone")
    figures = {name: change[name] for name in named if isinstance(change.get(name), dict)}
    return {"changed_share": change.get("share_of_pixels", 0)} | figures
