"""Reads the responses of museums, which may have any content."""

import json
from typing import Any
from urllib.parse import quote

from scrapy.http import Response

from patina.crawler.text import plain

Record = dict[str, Any]

# Errors that a record or listing may cause if it differs from the museum's documentation
UNINTELLIGIBLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError)
LONGEST_NUMBER = 200  # characters


class GoneError(Exception):
    """The museum no longer has a record of the work."""


def answer(response: Response) -> Any:
    """The JSON of a response. Raises ValueError if it has another status or is not JSON."""
    if response.status != 200:
        raise ValueError(f"HTTP {response.status}")
    try:
        return json.loads(response.body)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    except ValueError as error:
        kind = (response.headers.get("Content-Type") or b"no type").decode("latin-1")
        raise ValueError(f"not JSON but {plain(kind, 100)}") from error


def segment(number: object) -> str:
    """The museum's number of a work or an image, quoted as one segment of an address.

    Raises ValueError if it cannot be one, such as "..".
    """
    text = str(number)
    if text in ("", ".", "..") or len(text) > LONGEST_NUMBER:
        raise ValueError(f"{plain(text, 50)!r} cannot be part of an address")
    return quote(text, safe="")


def year(value: object) -> int | None:
    """A year, from a number or a text that is a number; else None."""
    try:
        return int(str(value))
    except ValueError:
        return None


def pixels(value: object) -> int:
    """A length in pixels, from a number or a text that is a number; else 0."""
    return max(0, year(value) or 0)
