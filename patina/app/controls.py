"""What the page asks of a desk: from the values of its controls, as Gradio gives them."""

from typing import Any

import gradio as gr
import numpy as np

from patina.app.choices import Choices
from patina.app.desk import Desk
from patina.app.drawing import strokes_of
from patina.app.marks import Marks
from patina.app.words import area_line
from patina.app.work import listed
from patina.tasks.restoration.request import RestoreRequest
from patina.tasks.restoration.restorer import TREATMENTS


def closed(desk: Desk | None) -> None:
    if desk is not None:
        desk.work.close()


def choices_of(given: Any) -> Choices:
    """given: the modes, the strengths in %, the limit in %, and the outbox."""
    modes, strengths = given[: len(TREATMENTS)], given[len(TREATMENTS) : 2 * len(TREATMENTS)]
    limit = given[2 * len(TREATMENTS)]
    return Choices(tuple(modes), tuple(much / 100 for much in strengths), limit or "")


def areas_of(desk: Desk, request: RestoreRequest, ticked: list[int]) -> Any:
    """The list of areas, those that are ticked being so."""
    treatment = desk.found(request)
    lines = [
        (area_line(number, piece, treatment.damage.fill.shape), piece.label)
        for number, piece in enumerate(listed(treatment), 1)
        if treatment.damage
    ]
    shown = [label for _, label in lines if label in ticked]
    return gr.update(choices=lines, value=shown)


def with_strokes(desk: Desk, drawn: Any) -> Marks:
    """The marks with what both brushes drew over the window since its picture was drawn."""
    layers = drawn["layers"] if drawn else []
    if not layers:
        return desk.marks
    height, width = np.shape(layers[0])[:2]
    return desk.marks.redrawn(desk.window, strokes_of(layers, (height, width)), desk.begun)


def decided(desk: Desk, drawn: Any, areas: list[int], choices: Any) -> tuple[Marks, RestoreRequest]:
    """All marks, and the request that holds them."""
    request = desk.request(choices[-1], choices_of(choices), desk.marks)
    marks = desk.deciding(with_strokes(desk, drawn), request, areas)
    return marks, desk.request(choices[-1], choices_of(choices), marks)
