"""What can go wrong without a bug: each message says what, where, and what to do about it.

It imports nothing of ours, so that every room may import it. The crawler, which runs in a process
of its own, has its own, see `patina.crawler.items`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PatinaError(Exception):
    """Something that is for the user to mend."""


class InputError(PatinaError, ValueError):
    """What was given cannot be meant, or cannot be used."""


class ServiceError(PatinaError, RuntimeError):
    """A program or server that is needed is not there, or fails."""


class MissingExtraError(ServiceError):
    """A package is needed that the plain installation goes without."""

    def __init__(
        self, package: str, what: str = "this command", *, extra: str = "pipeline"
    ) -> None:
        super().__init__(
            f"{what} needs {package}, which is not installed; "
            f"pip install 'patina-restoration[{extra}]'"
        )


@contextmanager
def errors_as_lines() -> Iterator[None]:
    """End the program with a line for what the user can mend, and with a traceback for a bug.

    An OSError is the system's own: no room, no permission, no such file.
    """
    try:
        yield
    except (PatinaError, OSError) as error:
        sys.exit(f"patina: {error}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "patina"):
            raise
        sys.exit(f"patina: {MissingExtraError(package)}")
    except Exception as error:
        error.add_note("This is a fault in Patina. Please report it, with all of the above.")
        raise
