"""Converts the values of the page's controls, as Gradio gives them, to requests and marks."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from patina.app.choices import Choices
from patina.app.desk import Desk
from patina.app.drawing import strokes_of, with_ring
from patina.app.marks import Marks
from patina.app.ticks import OTHERS, listed, unlisted
from patina.app.words import OLD_REPORT, area_line, found_line, others_line
from patina.tasks.imaging.images import to_uint8
from patina.tasks.restoration.damage import Piece
from patina.tasks.restoration.option_values import TREATMENTS
from patina.tasks.restoration.request import RestoreRequest
from patina.tasks.restoration.treatment import Treatment

SLIDER_PX = 700  # maximum height of the pictures before and after


def closed(desk: Desk | None) -> None:
    """Close the work of a session that has ended."""
    if desk is not None:
        desk.work.close()


def choices_of(given: Any) -> Choices:
    """The choices.

    given: the name of the list of areas, the modes, the strengths in %, the limit in %, the growth,
    and the outbox.
    """
    given = given[1:]
    modes, strengths = given[: len(TREATMENTS)], given[len(TREATMENTS) : 2 * len(TREATMENTS)]
    limit, grown_px = given[2 * len(TREATMENTS) : -1]
    shares = tuple(per_cent / 100 for per_cent in strengths)
    return Choices(tuple(modes), shares, limit or "", int(grown_px or 0))


def as_opened(given: Any, desk: Desk) -> list[Any]:
    """The values of the controls, as for `choices_of`, when the work of this desk is open."""
    return [name_of_list(desk), *given[1:-2], desk.marks.grown_px, given[-1]]


def name_of_list(desk: Desk) -> str:
    """The name of the list of areas that the browser gets: the desk, and the list's number."""
    return f"{desk.opened} {desk.ticks.number}"


def is_stale(desk: Desk, given: Any) -> bool:
    """Whether the browser sent these values, as for `choices_of`, before this desk was open.

    They would then be ticks, strokes or a growth of another work.
    """
    return bool(given[0].partition(" ")[0] != desk.opened)


def receive_ticks(desk: Desk, areas: list[int], given: Any) -> list[int]:
    """The labels of all ticked areas. areas: those of the browser's list, which may be older."""
    desk.ticks.receive(int(given[0].partition(" ")[2]), areas)
    return sorted(desk.ticks.now)


def new_ticks(desk: Desk, ticked: list[int]) -> list[Any]:
    """Tick the areas with these labels; return the updates of the list's name and of the list."""
    desk.ticks.replace(ticked)
    return [name_of_list(desk), gr.update(value=ticked)]


def new_areas(desk: Desk, ticked: list[int]) -> list[Any]:
    """As `new_ticks`, after an analysis, so that the list may have other areas."""
    damage = desk.damage
    lines = [
        (area_line(number, piece, damage.fill.shape), piece.label)
        for number, piece in enumerate(listed(damage), 1)
        if damage
    ]
    if others := len(unlisted(damage)):
        lines.append((others_line(others), OTHERS))
    name, _ = new_ticks(desk, shown := [label for _, label in lines if label in ticked])
    return [name, gr.update(choices=lines, value=shown)]


def undo_buttons(desk: Desk) -> list[Any]:
    """Update the buttons that remove strokes; they are active if there are strokes."""
    drawn = bool(desk.marks.strokes) or desk.line_from is not None
    return [gr.update(interactive=drawn)] * 2


def with_strokes(desk: Desk, drawn: Any) -> Marks:
    """The marks, with the strokes that were drawn since the window's picture was made."""
    layers = drawn["layers"] if drawn else []
    if not layers:
        return desk.marks
    height, width = np.shape(layers[0])[:2]
    return desk.marks.redrawn(desk.window, strokes_of(layers, (height, width)), desk.older_strokes)


def decided(desk: Desk, areas: list[int], choices: Any) -> tuple[Marks, RestoreRequest]:
    """All marks, and the request with their masks."""
    chosen = choices_of(choices)
    marks = desk.deciding(desk.marks, areas, chosen.grown_px)
    return marks, desk.request(choices[-1], chosen, marks)


def compared(
    desk: Desk, treatment: Treatment, areas: list[int], marks: Marks, request: RestoreRequest
) -> list[Any]:
    """The pictures before and after, the summary, and the command. areas: the ticked labels."""
    before = desk.work.pixels(desk.window)
    size = (before.shape[0], before.shape[1])
    marked = marks.within(desk.window, size)
    after = desk.work.restored(treatment, desk.window, marked, marks.stained)
    pieces = listed(desk.damage)
    pair = [_framed(desk, to_uint8(each), pieces) for each in (before, after)]
    found = found_line(treatment.record(), pieces, areas, marks)
    found = f"`{desk.work.path.name}`: {found}"
    if desk.has_old_report(request, marks):
        found = f"{found}  \n{OLD_REPORT}"
    # A part is not enlarged, so that it is shown at full size
    most = SLIDER_PX if desk.window == desk.work.whole else min(SLIDER_PX, size[0])
    shown = gr.update(value=tuple(map(desk.work.picture, pair)), max_height=most)
    return [shown, found, request.command()]


def _framed(desk: Desk, drawn: np.ndarray, pieces: Sequence[Piece]) -> np.ndarray:
    """The picture of the window, with a frame around the current area if there is one."""
    if desk.damage is None or desk.at is None or desk.at >= len(pieces):
        return drawn
    mapped = desk.damage.fill.shape
    return with_ring(drawn, pieces[desk.at], mapped, desk.window, desk.work.size)
