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
    """The choices. given: the modes, the strengths in %, the limit in %, and the outbox."""
    modes, strengths = given[: len(TREATMENTS)], given[len(TREATMENTS) : 2 * len(TREATMENTS)]
    limit = given[2 * len(TREATMENTS)]
    return Choices(tuple(modes), tuple(per_cent / 100 for per_cent in strengths), limit or "")


def areas_of(desk: Desk, request: RestoreRequest, ticked: list[int]) -> Any:
    """The update of the list of areas. ticked: labels of the ticked areas."""
    damage = desk.places(request)
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
    request = desk.request(choices[-1], choices_of(choices), desk.marks)
    marks = desk.deciding(with_strokes(desk, drawn), request, areas)
    return marks, desk.request(choices[-1], choices_of(choices), marks)
