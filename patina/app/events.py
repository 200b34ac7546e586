"""Settings of the page's events, and the messages about errors in them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from patina.app.controls import is_stale, receive_ticks, with_strokes
from patina.app.strokes import FILL, LEAVE
from patina.app.ticks import all_of, automatic, likely, nothing
from patina.app.words import FILLS, SPARES
from patina.errors import PatinaError

# What the buttons for all areas tick
TICKING = {"fill-all": all_of, "leave-all": nothing, "likely": likely, "automatic": automatic}
LINE_MARKS = {FILLS: FILL, SPARES: LEAVE}  # what a line does
# Settings of every event; the networks handle one at a time
QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_id": "networks",
    "concurrency_limit": 1,
}
EACH: dict[str, Any] = {"trigger_mode": "multiple"}  # no quick click is lost
LAST = QUIET | {"trigger_mode": "always_last"}  # after quick changes, the last one counts


def errors_shown(work: Callable[..., Any]) -> Callable[..., Any]:
    """Show errors that the user can correct on the page."""

    @wraps(work)
    def handler(*given: Any, **more: Any) -> Any:
        try:
            return work(*given, **more)
        except (PatinaError, OSError) as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from error

    return handler


def of_open_work(work: Callable[..., Any]) -> Callable[..., Any]:
    """Skip an event whose values the browser sent before the present work was open.

    work: handles the event. Its arguments: the event's data, if it has any; the desk, with the
    strokes that were drawn; the ticked areas, with all decisions before this event; then all
    choices. Errors are shown.
    """

    @wraps(work)
    def handler(*given: Any, **more: Any) -> Any:
        data = [each for each in given[:1] if isinstance(each, gr.EventData)]
        desk, drawn, areas, *choices = given[len(data) :]
        if desk is None or is_stale(desk, choices):
            return gr.skip()
        desk.marks = with_strokes(desk, drawn)
        areas = receive_ticks(desk, areas, choices)
        return work(*data, desk, areas, *choices, **more)

    return errors_shown(handler)
