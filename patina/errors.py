"""Errors that the user can correct: each message says what is wrong, where, and what to do.

This module imports nothing of Patina, so that every module may import it. The crawler runs in a
separate process and has its own errors, see `patina.crawler.items`.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PatinaError(Exception):
    """An error that the user can correct; it is printed as one line."""


class InputError(PatinaError, ValueError):
    """An input or option is invalid or cannot be used."""


class ServiceError(PatinaError, RuntimeError):
    """A program or server that Patina needs is missing or fails."""


class MissingExtraError(ServiceError):
    """A package is missing that belongs to an optional extra of Patina."""

    def __init__(
        self, package: str, what: str = "this command", *, extra: str = "pipeline"
    ) -> None:
        super().__init__(
            f"{what} needs {package}, which is not installed; "
            f"run: pip install 'patina-restoration[{extra}]'"
        )


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """End the program with one line for an error that the user can correct.

    OSError counts as such: no space, no permission, no such file. A bug keeps its traceback.
    """
    try:
        yield
    except (PatinaError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC and not error.filename:
            sys.exit("patina: the disk is full; free some space, and run the same command again")
        sys.exit(f"patina: {error}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "patina"):
            raise
        sys.exit(f"patina: {MissingExtraError(package)}")
    except Exception as error:
        error.add_note("This is a bug in Patina. Please report it with the complete text above.")
        raise
