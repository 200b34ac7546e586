"""Messages of a run: in the terminal, and in Prefect's UI as log, progress and tables."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from patina.tasks.io.atomic import Record
from patina.tasks.io.progress import Progress
from patina.tasks.io.storage import without_secrets

SHOWN = 200  # maximum number of rows in a table
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def log(text: str) -> None:
    """Write a line to the log of the run in Prefect's UI; does nothing outside a run."""
    with suppress(MissingContextError):
        get_run_logger().info("%s", plain(text))


def say(text: str) -> None:
    """Print the line of a stage in the terminal, and write it to the log of its run."""
    print(text, flush=True)  # noqa: T201 -- beside its progress bar
    log(text)


def table(rows: Sequence[Record], *, key: str, description: str) -> None:
    """Show the first SHOWN of `rows` as a table of the run; all rows have the same columns."""
    more = f" The first {SHOWN} of {len(rows)} rows." if len(rows) > SHOWN else ""
    shown = [{name: plain(value) for name, value in row.items()} for row in rows[:SHOWN]]
    create_table_artifact(shown, key=key, description=plain(description) + more)


def plain(value: Any) -> str:
    """Text that is safe in a terminal, a log and a table: control characters are escaped."""
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], str(value))


def address(place: Any) -> str:
    """The name of a path or address, without the user and password of an address."""
    return plain(without_secrets(str(place)))


class Counter:
    """Counts the jobs of a stage as they are done."""

    def __init__(self, name: str, total: int, bar: Progress) -> None:
        self.name, self.total, self.bar = name, total, bar
        self.done = 0
        self.shown = bar.add_task(name, total=total, note="")
        about = f"{name}: done of {total}"
        key = f"{name}-progress"
        self.artifact: Any = create_progress_artifact(0.0, key=key, description=about)

    def add(self, records: Sequence[Record], note: str = "") -> None:
        """Count a batch: a record for each of its jobs, with a reason if it was set aside."""
        failed = sum("reason" in record for record in records)
        self.done += len(records)
        self.bar.update(self.shown, completed=self.done, note=note)
        update_progress_artifact(self.artifact, 100 * self.done / self.total)
        counts = [
            f"{self.name}: {self.done} of {self.total} done, {failed} of {len(records)} set aside"
        ]
        log(", ".join(filter(None, [*counts, note])))


@contextmanager
def counting(name: str, total: int) -> Iterator[Counter]:
    """A Counter of `total` jobs, with a bar in the terminal while the block lasts."""
    with Progress() as bar:
        yield Counter(name, total, bar)
