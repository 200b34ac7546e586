"""Reads what a museum answers, which is of others' making and may have any shape."""

import json
from typing import Any
from urllib.parse import quote

from scrapy.http import Response

from patina.crawler.text import plain

Record = dict[str, Any]

# What a record or a listing may raise that has another shape than the museum documents
UNINTELLIGIBLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
LONGEST_NUMBER = 200  # characters


class GoneError(Exception):
    """A museum has no record of the work any more."""


def answer(response: Response) -> Any:
    """The JSON that a museum answered; raises ValueError when it is something else."""
    if response.status != 200:
        raise ValueError(f"HTTP {response.status}")
    try:
        return json.loads(response.body)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    except ValueError as error:
        kind = (response.headers.get("Content-Type") or b"no type").decode("latin-1")
        raise ValueError(f"no JSON but {plain(kind, 100)}") from error


def segment(number: object) -> str:
    """What a museum calls a work or an image, as one segment of an address's path.

    Raises ValueError for what would be none, such as "..".
    """
    text = str(number)
    if text in ("", ".", "..") or len(text) > LONGEST_NUMBER:
        raise ValueError(f"{plain(text, 50)!r} cannot be part of an address")
    return quote(text, safe="")


def year(value: object) -> int | None:
    """A year from what a museum says: a number, or text that is one; else None."""
    try:
        return int(str(value))
    except ValueError:
        return None


def pixels(value: object) -> int:
    """A length in pixels, which museums give as number or text; 0 if it is neither."""
    return max(0, year(value) or 0)
