"""Decisions by hand on the page of `patina app`, kept in files between two sittings."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from damage_maps import pieces

from patina.app.drawing import draw_numbers, with_ring
from patina.app.marks import Marks
from patina.app.strokes import FILL, LEAVE, STAIN, Line, Stroke
from patina.app.words import decisions_line
from patina.tasks.restoration.damage import FILLED, PROPOSED, Piece
from patina.tasks.restoration.windows import Window

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


def test_stains_are_saved_and_the_last_mark_of_a_pixel_counts(tmp_path: Path) -> None:
    whole = Window.whole(SIZE)
    assert marked(fill=True, leave=True).stained(whole, SIZE) is None
    drawn = np.zeros(SIZE, np.uint8)
    drawn[7:15, 10:30] = STAIN
    marks = marked(fill=True, leave=False).drawn(Stroke(whole, drawn))
    files = marks.file("scan.tif", tmp_path)
    assert {option: path.name for option, path in files.items()} == {
        "mask": "scan.tif.fill.png",
        "stains": "scan.tif.stain.png",
    }
    again = Marks.filed("scan.tif", tmp_path, SIZE)
    np.testing.assert_array_equal(again.stained(whole, SIZE), drawn > 0)
    assert again.within(whole, SIZE)[0].sum() == 2 * 20


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


def test_a_number_that_would_cover_another_is_left_out_but_not_that_of_the_current_area() -> None:
    one, other = (Piece(n, 2, (15 + n, 10, 12, 6), 72, False, 0.9, 1.0) for n in (1, 2))
    whole, size = Window.whole((400, 600)), (400, 600)

    def numbered(*shown: Piece, current: int | None = None) -> np.ndarray:
        grey = np.full((400, 600, 3), 128, np.uint8)
        draw_numbers(grey, shown, current, SIZE, whole, size)
        return grey

    np.testing.assert_array_equal(numbered(one, other), numbered(one))
    assert (numbered(one, other, current=1) != numbered(one, other)).any()
    np.testing.assert_array_equal(
        numbered(one, other, current=1),
        numbered(replace(one, box=(99, 99, 1, 1)), other, current=1),
    )


def test_a_rejected_area_stays_and_an_accepted_one_is_filled() -> None:
    damage = pieces(FILLED, FILLED, PROPOSED)
    marks = Marks((400, 900)).deciding(damage, [2, 3])
    fill, leave = marks.within(Window(0, 0, 900, 400), (400, 900))
    assert fill[105:195, 605:695].all()
    assert fill.sum() == pytest.approx(100 * 100, rel=0.05)
    assert leave[100:200, 200:300].all()
    assert not leave[:, 400:].any()
    assert not Marks((400, 900)).deciding(damage, [1, 2]).names("a.png", Path())


@pytest.mark.parametrize(("px", "side"), [(5, 110), (-5, 90), (0, 100)])
def test_accepted_areas_grow_by_pixels_of_the_work_and_rejected_ones_do_not(
    px: int, side: int, tmp_path: Path
) -> None:
    marks = replace(Marks((400, 900)).deciding(pieces(FILLED, PROPOSED), [2]), grown_px=px)
    fill, leave = marks.within(Window(0, 0, 900, 400), (400, 900))
    assert fill[150].sum() == fill[:, 450].sum() == side
    assert (
        leave.sum()
        == replace(marks, grown_px=0).within(Window(0, 0, 900, 400), (400, 900))[1].sum()
    )
    part, _ = marks.within(Window(390, 90, 60, 40), (40, 60))
    np.testing.assert_array_equal(part, fill[90:130, 390:450])
    marks.file("a.png", tmp_path)
    assert Marks.filed("a.png", tmp_path, (400, 900)).grown_px == px


def test_decisions_on_areas_can_be_changed_when_they_are_loaded_again(tmp_path: Path) -> None:
    damage = pieces(FILLED, PROPOSED, FILLED)
    drawn = np.zeros((400, 900), np.uint8)
    drawn[300:310] = FILL
    whole = Window(0, 0, 900, 400)
    marks = replace(Marks((400, 900)), grown_px=3).deciding(damage, [2, 3])
    marks.drawn(Stroke(whole, drawn)).file("a.png", tmp_path)
    loaded = Marks.filed("a.png", tmp_path, (400, 900))
    assert loaded.covering(damage) == ({2}, {1})
    again = loaded.resumed(damage, [2, 3])
    np.testing.assert_array_equal(again.strokes[0].drawn, drawn)
    for former, now in zip(
        loaded.within(whole, (400, 900)),
        again.deciding(damage, [2, 3]).within(whole, (400, 900)),
        strict=True,
    ):
        np.testing.assert_array_equal(now, former)


@pytest.mark.parametrize("width_px", [1, 2, 5, 20])
def test_a_line_has_its_width_in_pixels_of_the_work_and_fits_together_across_windows(
    width_px: int,
) -> None:
    size, whole = (400, 900), Window(0, 0, 900, 400)
    flat = Line((100.5, 50.5), (300.5, 50.5), width_px, FILL).within(whole, size)
    assert (flat[:, 120:280] == FILL).sum(axis=0).tolist() == [width_px] * 160
    marks = Marks(size).drawn(Line((20.5, 30.5), (860.5, 390.5), width_px, LEAVE))
    _, leave = marks.within(whole, size)
    strips = [marks.within(Window(0, top, 900, 16), (16, 900))[1] for top in range(0, 400, 16)]
    np.testing.assert_array_equal(np.concatenate(strips), leave)
    assert leave[:, 40:840].any(axis=0).all()
    part = marks.within(Window(300, 100, 200, 200), (100, 100))[1]
    assert part.any()
    assert marks.names("a.png", Path()) == {"protect": Path("a.png.leave.png")}
    assert not marks.undone().strokes


def test_strokes_over_a_part_are_masks_at_the_size_of_the_scan(tmp_path: Path) -> None:
    drawn = np.zeros((50, 80), np.uint8)
    drawn[10:20, 10:30], drawn[15:20, 10:30] = FILL, LEAVE
    marks = Marks((400, 900)).drawn(Stroke(Window(300, 100, 80, 50), drawn))
    files = marks.file("scan.tif", tmp_path / "marks")
    assert {path.name for path in files.values()} == {"scan.tif.fill.png", "scan.tif.leave.png"}
    fill, leave = (cv2.imread(str(files[name]), 0) > 0 for name in ("mask", "protect"))
    assert fill.shape == (400, 900)
    assert fill[110:115, 310:330].all()
    assert fill.sum() == leave.sum() == 5 * 20


def test_a_later_stroke_counts_more_than_an_earlier_one_and_than_an_area() -> None:
    whole = Window(0, 0, 900, 400)
    damage = pieces(FILLED)
    everywhere = np.full((4, 9), FILL, np.uint8)
    marks = Marks((400, 900)).deciding(damage, []).drawn(Stroke(whole, everywhere))
    fill, leave = marks.within(whole, (40, 90))
    assert fill.all()
    marks = marks.drawn(Stroke(Window(0, 0, 100, 100), np.full((4, 4), LEAVE, np.uint8)))
    fill, leave = marks.within(whole, (40, 90))
    assert leave.sum() == 100
    assert not (fill & leave).any()


def test_strokes_are_taken_back_one_by_one_and_what_is_rubbed_out_with_its_stroke() -> None:
    window = Window(0, 0, 90, 40)
    first, both = np.zeros((2, 40, 90), np.uint8)
    first[5:10, 5:30] = FILL
    both[5:10, 5:30] = FILL
    both[8:14, 20:40] = LEAVE
    marks = Marks((400, 900)).redrawn(window, first, 0).redrawn(window, both, 0)
    assert len(marks.strokes) == 2
    np.testing.assert_array_equal(marks.undone().strokes[0].drawn, first)
    assert marks.undone().undone().undone().strokes == ()
    assert marks.redrawn(window, both, 0) == marks
    again = marks.redrawn(window, first, 0)
    assert len(again.strokes) == 1
    np.testing.assert_array_equal(again.within(window, (40, 90))[0], first == FILL)
    rubbed = both.copy()
    rubbed[5:10, 5:10] = 0
    fill, leave = marks.redrawn(window, rubbed, 0).within(window, (40, 90))
    np.testing.assert_array_equal(fill, rubbed == FILL)
    np.testing.assert_array_equal(leave, rubbed == LEAVE)
