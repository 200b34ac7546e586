"""The page of `patina app` in a real browser: it saves the same bytes as its command."""

import http.client
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import CHROMIUM, Page, chromium
from conftest import line_with, process

from patina.app.choices import FULL, NEEDED, OFF, Choices, request_of
from patina.app.desk import Bench, Desk
from patina.app.marks import Marks, ticked
from patina.app.strokes import FILL, LEAVE, Line, Stroke
from patina.app.ticks import LISTED, OTHERS, automatic, listed, unlisted
from patina.app.words import area_line, uncertain_line
from patina.app.work import Work
from patina.params import Restore
from patina.tasks.restoration.decision import FILLED, PROPOSED, Damage, Piece
from patina.tasks.restoration.preview import Window
from patina.tasks.restoration.request import RestoreRequest

GRADIO = importlib.util.find_spec("gradio") is not None
# Whatever networks find: something is found, and filled
LENIENT = """restore:
  damage_share: 0
  damage_likelihood: 0.3
  damage_doubt: 0.2
  fill_likelihood: 0
  fill_likelihood_mean: 0
  fill_unlike: 0
"""
# Nothing is certain enough to be filled
STRICT = "restore: {damage_share: 1}"
USUAL = ("detail", "damage", "tone")


def damaged_scan(path: Path) -> None:
    """A painting of soft shapes with pale scratches."""
    rng = np.random.default_rng(0)
    soft = cv2.resize(rng.uniform(40, 140, (9, 12, 3)), (680, 520), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(soft, 0, 255).astype(np.uint8)
    for row in range(60, 480, 70):
        cv2.line(picture, (40, row), (640, row + 25), (235, 235, 230), 3)
    cv2.imwrite(str(path), picture)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running page: its address, and its folder."""
    with _served(tmp_path_factory.mktemp("app"), LENIENT, 20_000) as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """As `served`, but no damage is certain enough to be filled."""
    with _served(tmp_path_factory.mktemp("strict"), STRICT, 40_000) as running:
        yield running


@contextmanager
def _served(folder: Path, params: str, ports: int) -> Iterator[tuple[str, Path]]:
    """A running page: its address, and its folder. ports: the number of the first one."""
    if not GRADIO:
        pytest.skip("Gradio is not installed: the page is not tested")
    damaged_scan(folder / "scan.png")
    (folder / "params.yaml").write_text(params)
    port = str(ports + os.getpid() % 20_000)
    command = ("patina.cli", "app", "--port", port, "--no-browser")
    with process(*command, cwd=folder, PYTHONPATH=str(Path.cwd()), PYTHONUNBUFFERED="1") as running:
        address = line_with(r"http://127\.0\.0\.1:\d+/", running)
        _wait_for(address)
        yield address, folder


def _wait_for(address: str) -> None:
    for _ in range(1200):
        with suppress(OSError):
            ask(address, {})
            return
        time.sleep(0.1)  # between two checks


def ask(address: str, headers: dict[str, str], method: str = "GET", path: str = "/") -> int:
    """The status of the response to a request."""
    port = int(address.rstrip("/").rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@contextmanager
def opened(
    served: tuple[str, Path], scan: str = "scan.png", *, again: bool = False
) -> Iterator[Page]:
    """The page with an open scan. again: with the decisions that an earlier sitting saved."""
    if not again:
        shutil.rmtree(served[1] / "restored/marks", ignore_errors=True)
    with chromium() as page:
        page.size(1600, 1200)
        page.visit(served[0])
        patiently(page, f"document.querySelector({PATH!r})")
        enter(page, PATH, scan)
        patiently(page, "document.querySelectorAll('#slider img').length >= 2")
        patiently(page, "document.querySelectorAll('#areas label input').length > 0")
        yield page


PATH, LIMIT = "#path textarea, #path input", "#limit textarea, #limit input"
COMMAND = "document.querySelector('#command textarea').value"
TICKS = "[...document.querySelectorAll('#areas label input')].map((box) => box.checked)"
# The place in the window of a pixel (x, y) of a picture that is shown as a whole
IN_PICTURE = """(() => {{
  const image = document.querySelector('{}'), box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  return [box.x + box.width / 2 + ({} - image.naturalWidth / 2) * scale,
          box.y + box.height / 2 + ({} - image.naturalHeight / 2) * scale];
}})()"""
TEXT_OF = "document.querySelector('{}').innerText"


def enter(page: Page, selector: str, words: str) -> None:
    """Write into a field, and press Enter."""
    page.run(f"document.querySelector({selector!r}).focus()")
    page.type(words)
    page.press("Enter")


def saved(page: Page, address: str) -> str:
    """Save; return the command that the page shows. No other host may have received a request."""
    page.click("#save")
    patiently(page, "document.querySelector('#saved').innerText.startsWith('Saved')", 20)
    outside = [url for url in page.requested if not url.startswith((address, "data:", "blob:"))]
    assert outside == []
    return str(page.run(COMMAND))


def clicked(page: Page, place: tuple[float, float], script: str) -> None:
    """Click, and again if a minute later the script is not true: busy browsers lose clicks."""
    for _ in range(7):
        page.drag(place, place)
        with suppress(RuntimeError):
            page.until(script)
            return
    page.until(script)


def choose_tab(page: Page, name: str) -> None:
    """Choose one of the tabs over the picture."""
    tabs = "[...document.querySelectorAll('button[role=tab]')]"
    page.run(f"{tabs}.find((tab) => tab.innerText.includes({name!r})).click()")


def enter_number(page: Page, selector: str, number: str) -> None:
    """Replace the number in a field."""
    page.run(f"document.querySelector({selector!r}).select()")
    enter(page, selector, number)


def saved_again(page: Page, sidecar: Path) -> str:
    """Save again, until the sidecar is another; return the command that the page shows."""
    before = sidecar.read_bytes()
    page.click("#save")
    for _ in range(6000):
        with suppress(FileNotFoundError):
            if sidecar.read_bytes() != before:
                break
        time.sleep(0.1)
    return str(page.run(COMMAND))


def run_again(folder: Path, command: str, outbox: str) -> None:
    """Run a command that the page showed, with another folder for results."""
    words = [sys.executable, "-m", "patina.cli", *command.split()[1:], "-o", outbox]
    paths = {"PYTHONPATH": str(Path.cwd())}
    subprocess.run(words, cwd=folder, check=True, env=os.environ | paths)


def patiently(page: Page, script: str, rounds: int = 8) -> None:
    """As `until`, with more patience, because networks are loaded and a work is analysed."""
    for _ in range(rounds - 1):
        with suppress(RuntimeError):
            page.until(script)
            return
    page.until(script)


in_a_browser = pytest.mark.skipif(
    not CHROMIUM, reason="no Chromium on this machine: the page is not tested"
)


@in_a_browser
@pytest.mark.timeout(900)
def test_what_the_page_saves_is_what_its_command_gives(served: tuple[str, Path]) -> None:
    address, folder = served
    with opened(served) as page:
        assert page.run(COMMAND) == "patina restore scan.png"
        page.run("document.querySelector('#areas label input').focus()")
        page.press(" ", "Space")  # it belongs to the work
        patiently(page, f"{COMMAND}.includes('--protect')")
        command = saved(page, address)
    assert command == "patina restore scan.png --protect restored/marks/scan.png.leave.png"
    with opened(served, again=True) as page:  # the decision is remembered
        patiently(page, f"{COMMAND} == {command!r}")
    run_again(folder, command, "again")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "again/scan.png").read_bytes()
    result, scan = (cv2.imread(str(folder / name)) for name in ("restored/scan.png", "scan.png"))
    kept = cv2.imread(str(folder / "restored/marks/scan.png.leave.png"), 0)
    assert (result[kept > 0] == scan[kept > 0]).all()
    assert (result != scan).any()


@in_a_browser
@pytest.mark.timeout(900)
def test_an_area_that_is_stepped_to_is_left_or_filled_by_a_button(
    served: tuple[str, Path],
) -> None:
    with opened(served) as page:
        assert page.run(f"{TICKS}.every(Boolean)")
        page.click("#on")
        patiently(page, "document.querySelector('#at').innerText.startsWith('Area 1 of')")
        page.run("document.querySelector('#leave').focus()")
        page.press("Enter")
        patiently(page, f"!{TICKS}[0]")
        patiently(page, f"{COMMAND}.includes('--protect')")
        page.click("#back")
        last = page.run(f"{TICKS}.length")
        patiently(page, f"document.querySelector('#at').innerText == 'Area {last} of {last}'")
        page.click("#on")
        patiently(page, "document.querySelector('#at').innerText.startsWith('Area 1 of')")
        page.click("#fill")
        patiently(page, f"{TICKS}[0] && !{COMMAND}.includes('--protect')")


@in_a_browser
@pytest.mark.timeout(900)
def test_two_quick_ticks_both_count(served: tuple[str, Path]) -> None:
    with opened(served) as page:
        boxes = "document.querySelectorAll('#areas label input')"
        page.run(f"{boxes}[0].click(), {boxes}[1].click()")
        patiently(page, f"{TEXT_OF.format('#found')}.includes('2 areas left')")


def test_values_that_were_sent_before_a_work_was_open_are_those_of_another(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from patina.app.controls import as_opened, choices_of, is_stale

    damaged_scan(tmp_path / "scan.png")
    work = Work(tmp_path / "scan.png")
    bench = Bench(Restore())
    desk, other = (Desk(bench, work, work.whole) for _ in range(2))
    sent = ["", *(NEEDED,) * 4, *(100,) * 4, "", 7, "restored"]
    now = as_opened(sent, desk)
    assert is_stale(desk, sent)
    assert is_stale(other, now)
    assert not is_stale(desk, now)
    assert choices_of(sent).grown_px == 7
    assert choices_of(now).grown_px == 0
    work.close()


@in_a_browser
@pytest.mark.timeout(900)
def test_one_button_leaves_all_areas_or_fills_them(served: tuple[str, Path]) -> None:
    with opened(served) as page:
        page.run("document.querySelector('#leave-all').focus()")
        page.press("Enter")
        patiently(page, f"!{TICKS}.some(Boolean) && {COMMAND}.includes('--protect')")
        page.click("#fill-all")
        patiently(page, f"{TICKS}.every(Boolean) && !{COMMAND}.includes('--protect')")
        page.click("#likely")
        word = "label.innerText.includes('· likely (')"
        labels = "[...document.querySelectorAll('#areas label')]"
        same = f"{labels}.every((label) => label.querySelector('input').checked == {word})"
        patiently(page, f"{same}")
        page.click("#automatic")
        patiently(page, f"{COMMAND} == 'patina restore scan.png'")


@in_a_browser
@pytest.mark.timeout(900)
def test_a_place_that_is_not_certain_enough_is_proposed_and_filled_if_it_is_ticked(
    strict: tuple[str, Path],
) -> None:
    address, folder = strict
    with opened(strict) as page:
        assert page.run(COMMAND) == "patina restore scan.png"
        assert not page.run(f"{TICKS}.some(Boolean)")
        assert "may be damage, not filled" in page.run(TEXT_OF.format("#found"))
        line = page.run(TEXT_OF.format("#areas label"))
        assert re.search(r"(likely|uncertain) \(0\.\d\d\) — proposed$", line)
        page.click("#areas label input")
        patiently(page, f"{COMMAND}.includes('--mask')")
        command = saved(page, address)
    assert command == "patina restore scan.png --mask restored/marks/scan.png.fill.png"
    run_again(folder, command, "again")
    run_again(folder, "patina restore scan.png", "alone")
    result, again, alone = (folder / name / "scan.png" for name in ("restored", "again", "alone"))
    assert result.read_bytes() == again.read_bytes()
    scan, mended, left = (cv2.imread(str(each)) for each in (folder / "scan.png", result, alone))
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0)
    assert (mended != left)[mask > 0].any()
    np.testing.assert_array_equal(scan, left)


@in_a_browser
@pytest.mark.timeout(900)
def test_an_accepted_area_grows_and_is_ticked_when_the_work_is_opened_again(
    strict: tuple[str, Path],
) -> None:
    address, folder = strict
    with opened(strict) as page:
        page.click("#areas label input")
        patiently(page, f"{COMMAND}.includes('--mask')")
        saved(page, address)
        mask = folder / "restored/marks/scan.png.fill.png"
        narrow = cv2.imread(str(mask), 0) > 0
        enter_number(page, "#grow input", "6")
        patiently(page, "document.querySelector('#grow input').value == '6'")
        command = saved_again(page, folder / "restored/scan.png.json")
    broad = cv2.imread(str(mask), 0) > 0
    far = cv2.distanceTransform(1 - narrow.astype(np.uint8), cv2.DIST_L2, 0)
    np.testing.assert_array_equal(broad, far <= 6)
    run_again(folder, command, "grown")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "grown/scan.png").read_bytes()
    with opened(strict, again=True) as page:
        patiently(page, f"{TICKS}.filter(Boolean).length == 1 && {TICKS}[0]")
        assert page.run("document.querySelector('#grow input').value") == "6"
        assert page.run(COMMAND) == command
        page.click("#areas label input")  # nothing of it is left as a stroke
        patiently(page, f"{COMMAND} == 'patina restore scan.png'")


@in_a_browser
@pytest.mark.timeout(900)
def test_strokes_of_both_brushes_are_saved_and_the_last_one_is_taken_back(
    served: tuple[str, Path],
) -> None:
    address, folder = served
    with opened(served) as page:
        choose_tab(page, "Damage")
        patiently(page, "document.querySelector('#editor canvas')")
        brush = "document.querySelector('#editor button[aria-label=Brush]')"
        assert "Brush" in page.run(f"getComputedStyle({brush}, '::after').content")  # a word, too
        patiently(page, COLOURED)
        x, y = page.middle("#editor canvas")
        page.draw((x - 120, y), (x + 60, y))
        patiently(page, f"{COMMAND}.includes('--mask')")
        page.click("#editor button[aria-label*='olor']")
        patiently(page, BLUE)
        page.run(f"{BLUE}.click()")
        page.draw((x - 120, y + 60), (x + 60, y + 60))
        patiently(page, f"{COMMAND}.includes('--protect')")
        page.click("#undo")
        patiently(page, f"!{COMMAND}.includes('--protect') && {COMMAND}.includes('--mask')")
        command = saved(page, address)
    assert command == "patina restore scan.png --mask restored/marks/scan.png.fill.png"
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0)
    assert 300 < (mask > 0).sum() < mask.size / 10
    run_again(folder, command, "drawn")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "drawn/scan.png").read_bytes()


@in_a_browser
@pytest.mark.timeout(900)
def test_a_line_is_drawn_by_two_clicks_with_the_width_that_was_chosen(
    served: tuple[str, Path],
) -> None:
    address, folder = served
    with opened(served) as page:
        choose_tab(page, "Lines")
        patiently(
            page, "document.querySelector('#lines img')?.getBoundingClientRect().height > 300"
        )
        enter_number(page, "#line-px input[type=number]", "1")
        patiently(page, "document.querySelector('#lines img').naturalWidth == 680")
        x, y = page.middle("#lines img")
        for again in (True, False):
            clicked(page, (x - 120, y - 30), "!document.querySelector('#undo').disabled")
            clicked(page, (x + 60, y + 40), f"{COMMAND}.includes('--mask')")
            if again:
                page.click("#undo")
                patiently(page, f"!{COMMAND}.includes('--mask')")
        command = saved(page, address)
        page.click("#line-does label:nth-of-type(3) input")
        spot = page.run(IN_PICTURE.format("#lines img", 340, 282))  # on a scratch
        clicked(page, spot, f"{COMMAND}.includes('--protect')")
        clicked(page, spot, f"!{COMMAND}.includes('--protect')")
    mask = cv2.imread(str(folder / "restored/marks/scan.png.fill.png"), 0) > 0
    assert set(mask.sum(axis=0)) <= {0, 1, 2}
    run_again(folder, command, "lined")
    assert (folder / "restored/scan.png").read_bytes() == (folder / "lined/scan.png").read_bytes()


# The editor has got the picture, and the swatch of the brush that leaves
COLOURED = "document.querySelector('#editor button[aria-label=Undo]')?.disabled === false"
BLUE = (
    "[...document.querySelectorAll('#editor button')].find((each) => "
    "each.style.backgroundColor.replaceAll(' ', '') == 'rgb(0,110,255)')"
)


@in_a_browser
@pytest.mark.timeout(900)
def test_a_dropped_file_with_a_limit_is_saved_and_has_a_condition_report(
    served: tuple[str, Path],
) -> None:
    address, folder = served
    damaged_scan(folder / "elsewhere.png")
    with chromium() as page:
        page.size(1600, 1200)
        page.visit(address)
        patiently(page, "document.querySelector('#drop input[type=file]')")
        page.give_file("#drop input[type=file]", folder / "elsewhere.png")
        patiently(page, f"{COMMAND}.includes('elsewhere.png')")
        enter(page, LIMIT, "much")
        patiently(page, "document.body.innerText.includes('give a share of the work')")
        page.run(f"document.querySelector({LIMIT!r}).select()")
        enter(page, LIMIT, "0.5%")
        patiently(page, f"{COMMAND}.includes('--limit-fill')")
        command = saved(page, address)
        page.click("#report")
        patiently(page, "document.querySelector('#saved').innerText.includes('.pdf')", 20)
        assert "out of date" not in page.run(TEXT_OF.format("#found"))
        old = f"{TEXT_OF.format('#found')}.includes('condition report is out of date')"
        page.click("#leave-all")
        patiently(page, old)
        page.click("#automatic")
        patiently(page, f"!{old}")
    scan = "restored/dropped/elsewhere.png"
    assert command == f"patina restore {scan} --limit-fill 0.5%"
    assert (folder / scan).read_bytes() == (folder / "elsewhere.png").read_bytes()
    run_again(folder, command, "limited")
    result, other = (folder / name / "elsewhere.png" for name in ("restored", "limited"))
    assert result.read_bytes() == other.read_bytes()
    (report,) = (folder / "restored/condition").glob("*.pdf")
    assert report.read_bytes().startswith(b"%PDF")
    assert report.with_suffix(".html").exists()


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


def pieces(*outcomes: str) -> Damage:
    """Areas of 10 × 10 pixels side by side in a map of 40 × 90, with labels from 1 on."""
    labels = np.zeros((40, 90), np.int32)
    found = []
    for label, outcome in enumerate(outcomes, 1):
        labels[10:20, 20 * label : 20 * label + 10] = label
        box = (20 * label, 10, 10, 10)
        found.append(Piece(label, 2, box, 100, False, 0.9, 1.0, 1 / label, outcome=outcome))
    fill = np.isin(labels, [p.label for p in found if p.outcome == FILLED]).astype(np.float32)
    return Damage(found, fill, 0 * fill, (labels > 0).astype(np.float32), labels)


def test_a_rejected_area_stays_and_an_accepted_one_is_filled() -> None:
    damage = pieces(FILLED, FILLED, PROPOSED)
    assert ticked(damage) == [1, 2]
    marks = Marks((400, 900)).deciding(damage, [2, 3])
    fill, leave = marks.within(Window(0, 0, 900, 400), (400, 900))
    assert fill[105:195, 605:695].all()
    assert fill.sum() == pytest.approx(100 * 100, rel=0.05)
    assert leave[100:200, 200:300].all()
    assert not leave[:, 400:].any()
    assert not Marks((400, 900)).deciding(damage, [1, 2]).names("a.png", Path())


def test_the_list_has_fills_first_and_the_likeliest_first_and_names_uncertain_fills() -> None:
    damage = pieces(PROPOSED, FILLED, FILLED, PROPOSED)
    shown = listed(damage)
    assert [piece.label for piece in shown] == [2, 3, 1, 4]
    lines = [area_line(number, piece, (40, 90)) for number, piece in enumerate(shown, 1)]
    assert [re.findall(r"^\d\??|\w+ \(.*?\)", line) for line in lines] == [
        ["1?", "uncertain (0.50)"],
        ["2?", "uncertain (0.33)"],
        ["3", "likely (1.00)"],
        ["4", "unlikely (0.25)"],
    ]
    assert uncertain_line(shown, [2, 3]).endswith(" 1, 2.")
    assert uncertain_line(shown, [3]).endswith(" 2.")
    assert uncertain_line(shown, [1]) == ""


def test_areas_for_which_the_list_has_no_room_are_one_line() -> None:
    labels = np.arange(LISTED + 2).reshape(1, -1)
    found = [Piece(n, 1, (n, 0, 1, 1), n, False, 0.9, 1.0, 0.9) for n in range(1, LISTED + 2)]
    nothing = 0 * labels.astype(np.float32)
    damage = Damage(found, nothing, nothing, nothing, labels)
    assert unlisted(damage) == [1]
    assert OTHERS in automatic(damage)
    assert OTHERS not in automatic(pieces(FILLED))


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


def test_choices_are_the_request_of_the_command() -> None:
    scan, out = Path("a.tif"), Path("out")
    usual = Choices((NEEDED, NEEDED, NEEDED, OFF), (1, 1, 1, 1))
    assert request_of(scan, out, usual, {}, USUAL) == RestoreRequest(("a.tif",), "out")
    other = Choices((OFF, NEEDED, FULL, OFF), (1, 0.5, 1, 1))
    request = request_of(scan, out, other, {"mask": Path("m.png")}, USUAL)
    assert request.command() == (
        "patina restore a.tif -o out --treat damage,tone --force tone --strength damage:0.5 "
        "--mask m.png"
    )
    limited = request_of(scan, out, replace(usual, limit=" 0.5 %"), {}, USUAL)
    assert limited.command() == "patina restore a.tif -o out --limit-fill 0.5%"
    nothing = Choices((OFF,) * 4, (1, 1, 1, 1))
    assert request_of(scan, out, nothing, {}, USUAL).treat == "none"
