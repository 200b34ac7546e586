"""Long work says how far it is, in a terminal or not."""

import io
import threading

import pytest
from rich.console import Console

from patina.tasks.io.progress import Progress, said_every, waited_for


class Listening(io.StringIO):
    """A log in which one can wait for the next line."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def write(self, text: str) -> int:
        """As a file does."""
        length = super().write(text)
        self.told.set()
        return length

    def next(self) -> str:
        """All that was said, once something new was."""
        self.told.clear()
        assert self.told.wait(60)
        return self.getvalue()


def test_where_there_is_no_terminal_lines_tell_how_far_the_work_is() -> None:
    log = Listening()
    with Progress(Console(file=log), every_s=0.01) as bar:
        task = bar.add_task("restore", total=4, note="")
        assert "restore 0 of 4" in log.next()
        bar.update(task, advance=3, note="1.5 MP/s")
        while "restore 3 of 4" not in (said := log.next()):
            pass
    assert said.strip().endswith("1.5 MP/s")


def test_names_of_files_are_printed_as_they_are() -> None:
    log = Listening()
    with Progress(Console(file=log, width=20)) as bar:
        bar.say("set aside: a[/x] [bold]" + 40 * "-")
    assert log.getvalue() == "set aside: a[/x] [bold]" + 40 * "-" + "\n"


def test_in_a_terminal_there_is_a_bar() -> None:
    log = Listening()
    with Progress(Console(file=log, force_terminal=True, width=80)) as bar:
        bar.advance(bar.add_task("restore", total=4, note="note"))
    assert "1/4" in log.getvalue()
    assert "note" in log.getvalue()


def test_lines_end_with_the_work() -> None:
    log, before = Listening(), threading.active_count()
    with said_every(0.001, lambda: "still there", log.write):
        assert "still there" in log.next()
    assert threading.active_count() == before


def test_what_is_waited_for_is_named_with_its_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    with waited_for("the Prefect server starts", every_s=0.01):
        while not (told := capfd.readouterr().err):
            pass
    assert told.startswith("  the Prefect server starts: 0 s")
