"""The page of `patina app` in a real browser: it saves the same bytes as its command."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from app_page import (
    COMMAND,
    LIMIT,
    PATH,
    TEXT_OF,
    ask,
    damaged_scan,
    enter,
    in_a_browser,
    open_scan,
    patiently,
    run_again,
    saved,
    visit,
)
from browser import Page

from patina.app.choices import NEEDED
from patina.app.desk import Desk
from patina.app.work import Work
from patina.tasks.restoration.option_values import TREATMENTS


@in_a_browser
def test_what_the_page_saves_is_what_its_command_gives(tab: Page, served: tuple[str, Path]) -> None:
    address, folder = served
    open_scan(tab, served)
    assert tab.run(COMMAND) == "patina restore scan.png"
    tab.run("document.querySelector('#areas label input').focus()")
    tab.press(" ", "Space")  # it belongs to the work
    patiently(tab, f"{COMMAND}.includes('--protect')")
    command = saved(tab, address)
    assert command == "patina restore scan.png --protect restored/marks/scan.png.leave.png"
    open_scan(tab, served, again=True)  # the decision is remembered
    patiently(tab, f"{COMMAND} == {command!r}")
    run_again(folder, command, "again")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "again/scan.png").read_bytes()
    result, scan = (cv2.imread(str(folder / name)) for name in ("restored/scan.png", "scan.png"))
    kept = cv2.imread(str(folder / "restored/marks/scan.png.leave.png"), 0)
    assert (result[kept > 0] == scan[kept > 0]).all()
    assert (result != scan).any()


@in_a_browser
def test_a_dropped_file_with_a_limit_is_saved_and_has_a_condition_report(
    tab: Page, served: tuple[str, Path]
) -> None:
    address, folder = served
    damaged_scan(folder / "elsewhere.png")
    visit(tab, address)
    patiently(tab, "document.querySelector('#drop input[type=file]')")
    tab.give_file("#drop input[type=file]", folder / "elsewhere.png")
    patiently(tab, f"{COMMAND}.includes('elsewhere.png')")
    enter(tab, LIMIT, "much")
    patiently(tab, "document.body.innerText.includes('give a share of the work')")
    tab.run(f"document.querySelector({LIMIT!r}).select()")
    enter(tab, LIMIT, "0.5%")
    patiently(tab, f"{COMMAND}.includes('--limit-fill')")
    command = saved(tab, address)
    tab.click("#report")
    patiently(tab, "document.querySelector('#saved').innerText.includes('.pdf')", 20)
    assert "out of date" not in tab.run(TEXT_OF.format("#found"))
    old = f"{TEXT_OF.format('#found')}.includes('condition report is out of date')"
    tab.click("#leave-all")
    patiently(tab, old)
    tab.click("#automatic")
    patiently(tab, f"!{old}")
    scan = "restored/dropped/elsewhere.png"
    assert command == f"patina restore {scan} --limit-fill 0.5%"
    assert (folder / scan).read_bytes() == (folder / "elsewhere.png").read_bytes()
    run_again(folder, command, "limited")
    result, other = (folder / name / "elsewhere.png" for name in ("restored", "limited"))
    assert result.read_bytes() == other.read_bytes()
    (report,) = (folder / "restored/condition").glob("*.pdf")
    assert report.read_bytes().startswith(b"%PDF")
    assert report.with_suffix(".html").exists()


@in_a_browser
def test_an_error_is_shown_once_and_closed_when_the_user_goes_on(
    tab: Page, served: tuple[str, Path]
) -> None:
    visit(tab, served[0])
    patiently(tab, "document.querySelector('#on')?.disabled")  # no work is open
    enter(tab, PATH, "nowhere.png")
    told = "document.body.innerText.includes('nowhere.png: cannot be read')"
    patiently(tab, told)
    marks = "[...document.querySelectorAll('[data-testid=status-tracker] .error')]"
    assert not tab.run(f"{marks}.some((each) => each.checkVisibility())")
    tab.run(f"document.querySelector({PATH!r}).select()")
    enter(tab, PATH, "scan.png")
    patiently(tab, f"!({told})")
    patiently(tab, f"{TEXT_OF.format('#found')}.startsWith('scan.png: ')")
    assert not tab.run("document.querySelector('#on').disabled")


@in_a_browser
def test_a_part_is_shown_at_full_size_with_a_divider_that_follows_the_keys(
    tab: Page, served: tuple[str, Path]
) -> None:
    address, folder = served
    scan = cv2.imread(str(folder / "scan.png"))
    cv2.imwrite(str(folder / "large.png"), cv2.resize(scan, (1000, 750)))
    visit(tab, address)
    enter(tab, PATH, "large.png")
    picture = "document.querySelector('#slider img')"
    patiently(tab, f"{picture}?.naturalWidth == 1000")
    tab.run("document.querySelector('#shown label:nth-of-type(2) input').click()")
    patiently(tab, f"{picture}.naturalWidth == 760 && {picture}.clientHeight == 560")
    for width in (1200, 1280, 1600):
        tab.size(width, 1450, scale=0.5)
        tab.until(f"{picture}.clientWidth >= 760 && {picture}.clientHeight == 560")
    box = "document.querySelector('#slider {}').getBoundingClientRect()"
    middle, shown = (
        f"({box.format(part)}.x + {box.format(part)}.width / 2)"
        for part in ("[data-testid=slider]", "img")
    )
    tab.until(f"Math.abs({middle} - {shown}) < 1")  # it follows a new size of the window
    before = tab.run(middle)
    tab.run("document.querySelector('#slider').focus()")
    tab.press("ArrowRight")
    tab.until(f"Math.abs({middle} - {before} - 20) < 2")
    tab.press("ArrowLeft")
    tab.until(f"Math.abs({middle} - {before}) < 2")


@in_a_browser
def test_in_a_narrow_window_the_pictures_come_before_the_choices(
    tab: Page, served: tuple[str, Path]
) -> None:
    open_scan(tab, served)
    tab.size(420, 1450, scale=0.5)
    top = "document.querySelector('{}').getBoundingClientRect().top"
    tops = [tab.run(top.format(name)) for name in ("#path", "#save", "#slider", "#mode-detail")]
    width = tab.run("document.documentElement.scrollWidth")
    tab.size(1600, 1450, scale=0.5)
    assert tops == sorted(tops)
    assert width == 420


def test_values_that_were_sent_before_a_work_was_open_are_those_of_another(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from patina.app.controls import as_opened, choices_of, is_stale

    damaged_scan(tmp_path / "scan.png")
    work = Work(tmp_path / "scan.png")
    desk, other = (Desk(None, work, work.whole) for _ in range(2))  # without networks
    treatments = len(TREATMENTS)
    sent = ["", *(NEEDED,) * treatments, *(100,) * treatments, "", 7, "restored"]
    now = as_opened(sent, desk)
    assert is_stale(desk, sent)
    assert is_stale(other, now)
    assert not is_stale(desk, now)
    assert choices_of(sent).grown_px == 7
    assert choices_of(now).grown_px == 0
    work.close()


def test_no_page_of_another_site_and_no_other_name_is_answered(served: tuple[str, Path]) -> None:
    address, _ = served
    assert ask(address, {}) == 200
    assert ask(address, {"Host": "museum.org"}) == 403
    foreign = {"Origin": "https://museum.org", "Content-Type": "application/json"}
    assert ask(address, foreign, "POST", "/gradio_api/queue/join") == 403


def test_without_gradio_a_line_says_how_to_install_it(tmp_path: Path) -> None:
    program = """
import sys
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "gradio":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Guard())
from patina.cli import main
sys.argv = ["patina", "app", "--no-browser"]
main()
"""
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith(
        "patina app needs gradio, which is not installed; "
        "run: pip install 'patina-restoration[app]'\n"
    )
