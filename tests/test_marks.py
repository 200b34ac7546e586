"""Decisions by hand on the page of `patina app`, kept in files between two sittings."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from patina.app.drawing import with_ring
from patina.app.marks import FILL, LEAVE, Marks, Stroke
from patina.app.words import decisions_line
from patina.tasks.restoration.decision import Piece
from patina.tasks.restoration.preview import Window

SIZE = (40, 60)


def marked(*, fill: bool, leave: bool) -> Marks:
    drawn = np.zeros(SIZE, np.uint8)
    drawn[5:9, 10:30] = FILL * fill
    drawn[20:30, 40:50] = LEAVE * leave
    return Marks(SIZE).drawn(Stroke(Window.whole(SIZE), drawn))


def test_a_work_that_is_opened_again_has_the_decisions_that_were_saved(tmp_path: Path) -> None:
    saved = marked(fill=True, leave=True)
    assert {*saved.file("scan.tif", tmp_path)} == {"mask", "protect"}
    again = Marks.filed("scan.tif", tmp_path, SIZE)
    for before, after in zip(
        saved.within(Window.whole(SIZE), SIZE), again.within(Window.whole(SIZE), SIZE), strict=True
    ):
        assert before.any()
        np.testing.assert_array_equal(before, after)
    assert Marks.filed("other.tif", tmp_path, SIZE).strokes == ()
    assert Marks.filed("scan.tif", tmp_path, (60, 40)).strokes == ()


def test_decisions_that_were_taken_back_leave_no_mask_of_an_earlier_sitting(tmp_path: Path) -> None:
    marked(fill=True, leave=True).file("scan.tif", tmp_path)
    assert {*marked(fill=True, leave=False).file("scan.tif", tmp_path)} == {"mask"}
    assert [path.name for path in tmp_path.iterdir()] == ["scan.tif.fill.png"]


def test_the_line_at_the_top_counts_the_decisions_by_hand() -> None:
    assert decisions_line(Marks(SIZE)) == ""
    one = marked(fill=True, leave=False)
    assert decisions_line(one) == "**Your decisions:** 1 stroke or line."
    several = replace(one, areas=(1, 3))
    expected = "**Your decisions:** 1 more area filled, 3 areas left, 1 stroke or line."
    assert decisions_line(several) == expected


def test_the_current_area_has_a_frame_of_its_own() -> None:
    piece = Piece(1, 2, (15, 10, 12, 6), 72, False, 0.9, 1.0)
    grey = np.full((400, 600, 3), 128, np.uint8)
    framed = with_ring(grey, piece, SIZE, Window.whole((400, 600)), (400, 600))
    assert (framed[90, 140:280] == 255).all()  # ten times the box, and 10 px around it
    assert (framed[95:165, 150:270] == 128).all()
