"""Long work reports its progress, in a terminal or without one."""

import io
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from restorers import restorer
from rich.console import Console

from patina.tasks.io.progress import Progress, print_every, progress_elsewhere, timed_lines
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.progress import Step
from patina.tasks.restoration.restore_file import restore_file


class Listening(io.StringIO):
    """A log on whose next line a test can wait."""

    def __init__(self) -> None:
        super().__init__()
        self.printed = threading.Event()

    def write(self, text: str) -> int:
        """Part of the interface of a file."""
        length = super().write(text)
        self.printed.set()
        return length

    def next(self) -> str:
        """The whole log, after a new line was written."""
        self.printed.clear()
        assert self.printed.wait(60)
        return self.getvalue()


def test_without_a_terminal_lines_show_the_progress() -> None:
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
        bar.say("set aside: a[/x] [bold] :key:" + 40 * "-")
    assert log.getvalue() == "set aside: a[/x] [bold] :key:" + 40 * "-" + "\n"


def test_in_a_terminal_a_bar_shows_the_progress() -> None:
    log = Listening()
    with Progress(Console(file=log, force_terminal=True, width=80)) as bar:
        bar.advance(bar.add_task("restore", total=4, note="note"))
    assert "1/4" in log.getvalue()
    assert "note" in log.getvalue()


def test_no_line_is_printed_after_the_end_of_the_work() -> None:
    log, before = Listening(), {*threading.enumerate()}
    with print_every(0.001, lambda: "still there", log.write):
        assert "still there" in log.next()
    assert {*threading.enumerate()} <= before


def test_a_line_names_what_is_waited_for_and_the_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    with timed_lines("the Prefect server starts", every_s=0.01):
        while not (printed := capfd.readouterr().err):
            pass
    assert printed.startswith("  the Prefect server starts: 0 s")


def test_no_line_about_waiting_is_printed_beside_a_bar_or_by_a_child_process(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = Listening()
    bar = Progress(Console(file=log), every_s=0.01)
    with progress_elsewhere(), timed_lines("train", every_s=0.001), bar:
        bar.add_task("steps", total=4, note="")
        log.next()
    assert "steps 0 of 4" in log.getvalue()
    assert "train" not in capfd.readouterr().err


def large_scan(path: Path, width: int, height: int) -> None:
    """Soft colours with noise and pale scratches."""
    rng = np.random.default_rng(0)
    soft = rng.uniform(60, 160, (12, 16, 3))
    picture = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += rng.normal(0, 12, picture.shape)
    for row in range(100, height - 100, 200):
        cv2.line(picture, (100, row), (width - 100, row + 60), (235, 235, 230), 5)
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))


def test_the_progress_of_a_large_scan_is_reported_tile_by_tile(tmp_path: Path) -> None:
    large_scan(tmp_path / "large.png", 1600, 1250)
    steps: list[Step] = []
    # Otherwise the disc of the filter would be as large as the work
    narrow = Gates.opened(fill_width=0.01)
    applied = {"gates": narrow, "tile_px": 256, "overlap_px": 64, "on_progress": steps.append}
    restore_file(
        tmp_path / "large.png",
        tmp_path / "out.png",
        restorer(0.1, noise=0.02, **applied),
    )
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, pytest.approx(1))
    tiles = [step for step in steps if step.name == "detail"]
    assert len(tiles) > 50
    assert (tiles[0].done, tiles[-1].done) == (0, tiles[-1].total)
    assert max(np.diff(shares)) < 0.25
    half = Step("detail", 31, 62, 3_000_000)
    assert str(half) == "detail 1.5 of 3.0 MP, tile 31 of 62"
    assert str(Step("reading")) == "reading"


@pytest.mark.skipif(sys.platform == "win32", reason="no terminal can be made there")
def test_in_a_terminal_the_bar_moves_during_one_large_scan(tmp_path: Path) -> None:
    large_scan(tmp_path / "large.png", 1000, 700)
    (tmp_path / "params.yaml").write_text("restore:\n  tile_px: 256\n  overlap_px: 64\n")
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "patina.cli", "restore", "large.png", "--force", "detail"]
    wide = {"PYTHONPATH": str(Path.cwd()), "COLUMNS": "160", "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL, env=os.environ | wide
    ) as running:
        os.close(theirs)
        shown = b""
        while part := _read(ours):
            shown += part
    os.close(ours)
    assert running.returncode == 0
    numbers = {int(number) for number in re.findall(rb"tile (\d+) of", shown)}
    assert len(numbers) > 5
    assert b"large.png: detail" in shown


def _read(terminal: int) -> bytes:
    """The output of a program on its terminal; nothing after its end."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
