"""Converts the values of the page's controls, as Gradio gives them, to requests and marks."""

from typing import Any

import gradio as gr
import numpy as np

from patina.app.choices import Choices
from patina.app.desk import OTHERS, Desk
from patina.app.drawing import strokes_of
from patina.app.marks import Marks
from patina.app.words import area_line, others_line
from patina.app.work import listed, unlisted
from patina.tasks.restoration.request import RestoreRequest
from patina.tasks.restoration.restorer import TREATMENTS


def closed(desk: Desk | None) -> None:
    """Close the work of a session that has ended."""
    if desk is not None:
        desk.work.close()


def choices_of(given: Any) -> Choices:
    """The choices. given: the modes, the strengths in %, the limit in %, the growth, the outbox."""
    modes, strengths = given[: len(TREATMENTS)], given[len(TREATMENTS) : 2 * len(TREATMENTS)]
    limit, grown_px = given[2 * len(TREATMENTS) : -1]
    shares = tuple(per_cent / 100 for per_cent in strengths)
    return Choices(tuple(modes), shares, limit or "", int(grown_px or 0))


def with_growth(given: Any, grown_px: int) -> list[Any]:
    """The values of the controls, as for `choices_of`, with another growth of accepted areas."""
    return [*given[:-2], grown_px, given[-1]]


def areas_of(desk: Desk, ticked: list[int]) -> Any:
    """The update of the list of areas. ticked: labels of the ticked areas."""
    damage = desk.damage
    lines = [
        (area_line(number, piece, damage.fill.shape), piece.label)
        for number, piece in enumerate(listed(damage), 1)
        if damage
    ]
    if others := len(unlisted(damage)):
        lines.append((others_line(others), OTHERS))
    shown = [label for _, label in lines if label in ticked]
    return gr.update(choices=lines, value=shown)


def with_strokes(desk: Desk, drawn: Any) -> Marks:
    """The marks, with the strokes that were drawn since the window's picture was made."""
    layers = drawn["layers"] if drawn else []
    if not layers:
        return desk.marks
    height, width = np.shape(layers[0])[:2]
    return desk.marks.redrawn(desk.window, strokes_of(layers, (height, width)), desk.older_strokes)


def decided(desk: Desk, drawn: Any, areas: list[int], choices: Any) -> tuple[Marks, RestoreRequest]:
    """All marks, and the request with their masks."""
    chosen = choices_of(choices)
    marks = desk.deciding(with_strokes(desk, drawn), areas, chosen.grown_px)
    return marks, desk.request(choices[-1], chosen, marks)
