"""Settings of the page's events, and the messages about errors in them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

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
