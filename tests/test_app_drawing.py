"""Strokes and lines on the pictures of the page of `patina app`."""

import json
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from app_page import (
    COMMAND,
    PATH,
    TEXT_OF,
    choose_click,
    choose_tab,
    enter,
    enter_number,
    in_a_browser,
    on_scratch,
    open_scan,
    patiently,
    place_of,
    run_again,
    saved,
    show_lines,
    visit,
)
from browser import Page

from patina.tasks.degradations.tapes import tape
from patina.tasks.evaluation.hard_works import paint
from patina.tasks.imaging.images import to_float, to_uint8

pytestmark = in_a_browser
# The editor has got the picture, and the swatch of the brush that leaves
COLOURED = "document.querySelector('#editor button[aria-label=Undo]')?.disabled === false"
SWATCH = (
    "[...document.querySelectorAll('#editor button')].find((each) => "
    "each.style.backgroundColor.replaceAll(' ', '') == '{}')"
)
BLUE, ORANGE = SWATCH.format("rgb(0,110,255)"), SWATCH.format("rgb(255,170,0)")
STARTED = "!document.querySelector('#undo').disabled"  # there is a start of a line
CLICKS = 8
MASKED = f"{COMMAND}.includes('--mask')"
# At least 200 pixels of the picture have this colour
COLOURED_PIXELS = """(([red, green, blue]) => {
  const image = document.querySelector('#lines img');
  if (!image?.naturalWidth) return false;
  const canvas = Object.assign(document.createElement('canvas'), {
    width: image.naturalWidth, height: image.naturalHeight});
  const drawn = canvas.getContext('2d');
  drawn.drawImage(image, 0, 0);
  const shown = drawn.getImageData(0, 0, canvas.width, canvas.height).data;
  let pixels = 0;
  for (let at = 0; at < shown.length; at += 4)
    pixels += shown[at] == red && shown[at + 1] == green && shown[at + 2] == blue;
  return pixels > 200;
})"""
PROPOSED, CORRECTED = (f"{COLOURED_PIXELS}({rgb})" for rgb in ([0, 190, 180], [255, 170, 0]))


def choose_colour(page: Page, swatch: str) -> None:
    """Open the palette, and choose a swatch of it.

    A click is lost if the editor is drawn anew just then; a person clicks again, too.
    """
    for _ in range(CLICKS):
        page.click("#editor button[aria-label*='olor']")
        with suppress(RuntimeError):
            page.until(swatch)
            break
    page.run(f"{swatch}.click()")


def test_strokes_of_both_brushes_are_saved_and_the_last_one_is_taken_back(
    tab: Page, served: tuple[str, Path]
) -> None:
    address, folder = served
    open_scan(tab, served)
    choose_tab(tab, "Damage")
    patiently(tab, "document.querySelector('#editor canvas')")
    brush = "document.querySelector('#editor button[aria-label=Brush]')"
    assert "Brush" in tab.run(f"getComputedStyle({brush}, '::after').content")  # a word, too
    patiently(tab, COLOURED)
    x, y = tab.middle("#editor canvas")
    tab.draw((x - 120, y), (x + 60, y))
    patiently(tab, f"{COMMAND}.includes('--mask')")
    choose_colour(tab, BLUE)
    tab.draw((x - 120, y + 60), (x + 60, y + 60))
    patiently(tab, f"{COMMAND}.includes('--protect')")
    tab.click("#undo")
    patiently(tab, f"!{COMMAND}.includes('--protect') && {COMMAND}.includes('--mask')")
    command = saved(tab, address)
    assert command == "patina restore scan.png --mask restored/marks/scan.png.fill.png"
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0)
    assert 300 < (mask > 0).sum() < mask.size / 10
    run_again(folder, command, "drawn")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "drawn/scan.png").read_bytes()


def test_a_stain_that_is_brushed_is_corrected(tab: Page, served: tuple[str, Path]) -> None:
    address, folder = served
    open_scan(tab, served)
    choose_tab(tab, "Damage")
    patiently(tab, "document.querySelector('#editor canvas')")
    patiently(tab, COLOURED)
    x, y = tab.middle("#editor canvas")
    choose_colour(tab, ORANGE)
    tab.draw((x - 120, y + 60), (x + 60, y + 60))
    patiently(tab, f"{COMMAND}.includes('--stains')")
    command = saved(tab, address)
    assert command == "patina restore scan.png --stains restored/marks/scan.png.stain.png"
    sidecar = json.loads((folder / "restored/scan.png.json").read_text())
    assert sidecar["change"]["stains"]["weight"] == 1
    assert "marked stains corrected" in sidecar["summary"]
    run_again(folder, command, "stained")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "stained/scan.png").read_bytes()


def test_a_possible_stain_is_shown_and_corrected_if_stains_are_always_treated(
    tab: Page, strict: tuple[str, Path]
) -> None:
    address, folder = strict
    clean = to_float(paint("white_collar_and_lace", 640))
    stained, _ = tape(clean, np.random.default_rng(1), severity=1.0)
    cv2.imwrite(str(folder / "stained.png"), to_uint8(stained)[..., ::-1])
    visit(tab, address)
    enter(tab, PATH, "stained.png")
    advice = "3 possible stains, not corrected: choose always for Stains"
    patiently(tab, f"{TEXT_OF.format('#found')}.includes({advice!r})")
    choose_tab(tab, "Lines")
    patiently(tab, PROPOSED)
    assert not tab.run(CORRECTED)
    tab.click("#mode-stains label:last-child input")
    patiently(tab, f"{TEXT_OF.format('#found')}.includes('3 stains corrected')")
    assert tab.run(COMMAND) == "patina restore stained.png --force stains"
    patiently(tab, CORRECTED)
    assert not tab.run(PROPOSED)


def test_a_line_is_drawn_by_two_clicks_with_the_width_that_was_chosen(
    tab: Page, served: tuple[str, Path]
) -> None:
    address, folder = served
    open_scan(tab, served)
    show_lines(tab)
    enter_number(tab, "#line-px input[type=number]", "1")
    ends = ((40, 60), (360, 250))
    for again in (True, False):
        for end, script in zip(ends, (STARTED, MASKED), strict=True):
            place = place_of(tab, "#lines img", end)
            tab.drag(place, place)
            patiently(tab, script)
        if again:
            tab.click("#undo")
            patiently(tab, f"!{MASKED}")
    command = saved(tab, address)
    choose_click(tab, 3)
    for script in (f"{COMMAND}.includes('--protect')", f"!{COMMAND}.includes('--protect')"):
        spot = place_of(tab, "#lines img", on_scratch(0))
        tab.drag(spot, spot)
        patiently(tab, script)
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0) > 0
    assert set(mask.sum(axis=0)) <= {0, 1, 2}
    rows, columns = np.nonzero(mask)
    drawn = (columns.min(), rows.min()), (columns.max(), rows.max())
    np.testing.assert_allclose(drawn, ends, atol=1)
    run_again(folder, command, "lined")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "lined/scan.png").read_bytes()


def test_a_click_on_a_picture_that_is_still_loading_counts(
    tab: Page, served: tuple[str, Path]
) -> None:
    open_scan(tab, served)
    show_lines(tab)
    begin, end = (place_of(tab, "#lines img", pixel) for pixel in ((60, 90), (360, 250)))
    try:
        connection(tab, latency_ms=1500)
        tab.drag(begin, begin)
        patiently(tab, "!document.querySelector('#lines img').naturalWidth")
        tab.drag(end, end)
        patiently(tab, MASKED)
    finally:
        connection(tab, latency_ms=0)


def connection(page: Page, latency_ms: float) -> None:
    """Make the browser's connection to the page slow."""
    limits = {"downloadThroughput": -1, "uploadThroughput": -1}
    page.ask("Network.emulateNetworkConditions", offline=False, latency=latency_ms, **limits)
