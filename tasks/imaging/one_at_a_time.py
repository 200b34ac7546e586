"""Runs functions that may get an error from libvips one at a time.

All threads share one buffer of libvips for error messages. Otherwise, a scan could be set aside
with the reason of another scan.
"""

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Given = TypeVar("Given")

_turn = RLock()


def one_at_a_time(work: Callable[Asked, Given]) -> Callable[Asked, Given]:
    """Decorator: only one of the decorated functions runs at a time, in all threads."""

    @wraps(work)
    def alone(*asked: Asked.args, **named: Asked.kwargs) -> Given:
        with _turn:
            return work(*asked, **named)

    return alone
