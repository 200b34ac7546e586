"""Areas of damage on the page of `patina app`: ticks, buttons and clicks decide on them."""

import re
from pathlib import Path

import cv2
import numpy as np
from app_page import (
    COMMAND,
    TEXT_OF,
    TICKS,
    choose_click,
    enter,
    enter_number,
    in_a_browser,
    on_scratch,
    open_scan,
    patiently,
    place_of,
    run_again,
    saved,
    saved_again,
    show_lines,
)
from browser import Page

pytestmark = in_a_browser


def test_an_area_that_is_stepped_to_is_left_or_filled_by_a_button(
    tab: Page, served: tuple[str, Path]
) -> None:
    open_scan(tab, served)
    assert tab.run(f"{TICKS}.every(Boolean)")
    assert not tab.run("document.querySelector('#areas [title]')")
    tab.click("#on")
    patiently(tab, "document.querySelector('#at').innerText.startsWith('Area 1 of')")
    tab.run("document.querySelector('#leave').focus()")
    tab.press("Enter")
    patiently(tab, f"!{TICKS}[0]")
    patiently(tab, f"{COMMAND}.includes('--protect')")
    tab.click("#back")
    last = tab.run(f"{TICKS}.length")
    patiently(tab, f"document.querySelector('#at').innerText == 'Area {last} of {last}'")
    tab.click("#on")
    patiently(tab, "document.querySelector('#at').innerText.startsWith('Area 1 of')")
    tab.click("#fill")
    patiently(tab, f"{TICKS}[0] && !{COMMAND}.includes('--protect')")


def test_an_area_is_shown_by_its_number_in_a_frame(tab: Page, served: tuple[str, Path]) -> None:
    open_scan(tab, served)
    picture = "document.querySelector('#slider img').src"
    before = tab.run(picture)
    enter(tab, "#go-to input, #go-to textarea", "2")
    patiently(tab, "document.querySelector('#at').innerText.startsWith('Area 2 of')")
    patiently(tab, f"{picture} != {before!r}")  # a part of this scan is the whole: only the frame
    enter_number(tab, "#go-to input, #go-to textarea", "2000")
    patiently(tab, "document.body.innerText.includes('area 2000: the list has numbers up to')")


def test_two_quick_ticks_both_count(tab: Page, served: tuple[str, Path]) -> None:
    open_scan(tab, served)
    boxes = "document.querySelectorAll('#areas label input')"
    tab.run(f"{boxes}[0].click(), {boxes}[1].click()")
    patiently(tab, f"{TEXT_OF.format('#found')}.includes('2 areas left')")


def test_two_quick_clicks_on_the_picture_and_a_tick_all_count(
    tab: Page, served: tuple[str, Path]
) -> None:
    open_scan(tab, served)
    show_lines(tab)
    choose_click(tab, 3)
    places = [place_of(tab, "#lines img", on_scratch(number)) for number in (0, 3)]
    for place in places:
        tab.drag(place, place)
    tab.run("[...document.querySelectorAll('#areas label input')].at(-1).click()")
    patiently(tab, f"{TEXT_OF.format('#found')}.includes('3 areas left')")
    patiently(tab, f"{TICKS}.filter((ticked) => !ticked).length == 3")


def test_one_button_leaves_all_areas_or_fills_them(tab: Page, served: tuple[str, Path]) -> None:
    open_scan(tab, served)
    tab.run("document.querySelector('#leave-all').focus()")
    tab.press("Enter")
    patiently(tab, f"!{TICKS}.some(Boolean) && {COMMAND}.includes('--protect')")
    tab.click("#fill-all")
    patiently(tab, f"{TICKS}.every(Boolean) && !{COMMAND}.includes('--protect')")
    tab.click("#likely")
    word = "label.innerText.includes('· likely (')"
    labels = "[...document.querySelectorAll('#areas label')]"
    same = f"{labels}.every((label) => label.querySelector('input').checked == {word})"
    patiently(tab, f"{same}")
    tab.click("#automatic")
    patiently(tab, f"{COMMAND} == 'patina restore scan.png'")


def test_a_place_that_is_not_certain_enough_is_proposed_and_filled_if_it_is_ticked(
    tab: Page, strict: tuple[str, Path]
) -> None:
    address, folder = strict
    open_scan(tab, strict)
    assert tab.run(COMMAND) == "patina restore scan.png"
    assert not tab.run(f"{TICKS}.some(Boolean)")
    assert "may be damage and are not filled" in tab.run(TEXT_OF.format("#found"))
    line = tab.run(TEXT_OF.format("#areas label"))
    assert re.search(r"(likely|uncertain) \(0\.\d\d\) — proposed$", line)
    tab.click("#areas label input")
    patiently(tab, f"{COMMAND}.includes('--mask')")
    command = saved(tab, address)
    assert command == "patina restore scan.png --mask restored/marks/scan.png.fill.png"
    run_again(folder, command, "again")
    run_again(folder, "patina restore scan.png", "alone")
    result, again, alone = (folder / name / "scan.png" for name in ("restored", "again", "alone"))
    assert result.read_bytes() == again.read_bytes()
    scan, mended, left = (cv2.imread(str(each)) for each in (folder / "scan.png", result, alone))
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0)
    assert (mended != left)[mask > 0].any()
    np.testing.assert_array_equal(scan, left)


def test_an_accepted_area_grows_and_is_ticked_when_the_work_is_opened_again(
    tab: Page, strict: tuple[str, Path]
) -> None:
    address, folder = strict
    open_scan(tab, strict)
    tab.click("#areas label input")
    patiently(tab, f"{COMMAND}.includes('--mask')")
    saved(tab, address)
    mask = folder / "restored/marks/scan.png.fill.png"
    narrow = cv2.imread(str(mask), 0) > 0
    enter_number(tab, "#grow input", "6")
    patiently(tab, "document.querySelector('#grow input').value == '6'")
    command = saved_again(tab, folder / "restored/scan.png.json")
    broad = cv2.imread(str(mask), 0) > 0
    far = cv2.distanceTransform(1 - narrow.astype(np.uint8), cv2.DIST_L2, 0)
    np.testing.assert_array_equal(broad, far <= 6)
    run_again(folder, command, "grown")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "grown/scan.png").read_bytes()
    open_scan(tab, strict, again=True)
    patiently(tab, f"{TICKS}.filter(Boolean).length == 1 && {TICKS}[0]")
    assert tab.run("document.querySelector('#grow input').value") == "6"
    assert tab.run(COMMAND) == command
    tab.click("#areas label input")  # nothing of it is left as a stroke
    patiently(tab, f"{COMMAND} == 'patina restore scan.png'")
