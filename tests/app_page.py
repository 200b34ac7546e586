"""Starts the page of `patina app` for tests, and operates it in a real browser."""

import http.client
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import CHROMIUM, Page, chromium
from conftest import line_with, process

GRADIO = importlib.util.find_spec("gradio") is not None
WIDTH, HEIGHT = 400, 300  # of the scan
SCRATCHED = range(40, HEIGHT - 40, 60)  # rows at which its scratches begin
# Whatever networks find: something is found, and filled
LENIENT = """restore:
  damage_share: 0
  damage_probability: 0.3
  damage_doubt: 0.2
  fill_probability: 0
  fill_surely: 0
  fill_probability_mean: 0
  fill_probability_max: 0
  fill_unlike: 0
"""
# Nothing is certain enough to be filled or corrected
STRICT, SPECKS = "restore: {damage_share: 1, stain_probability: 1}", 25


def damaged_scan(path: Path, specks: int = 0) -> None:
    """A painting of soft shapes with pale scratches, and with specks, which are found easily."""
    rng = np.random.default_rng(0)
    soft = rng.uniform(40, 140, (9, 12, 3))
    soft = cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(soft, 0, 255).astype(np.uint8)
    for row in SCRATCHED:
        cv2.line(picture, (30, row), (WIDTH - 30, row + 16), (235, 235, 230), 3)
    for place in rng.integers(20, (WIDTH - 20, HEIGHT - 20), (specks, 2)):
        cv2.circle(picture, (int(place[0]), int(place[1])), 2, (240, 240, 235), -1)
    cv2.imwrite(str(path), picture)


def on_scratch(number: int) -> tuple[int, int]:
    """The pixel (x, y) in the middle of a scratch; on numbers 0 and 3, an area is found there."""
    return WIDTH // 2, SCRATCHED[number] + 8


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running page: its address, and its folder."""
    with _served(tmp_path_factory.mktemp("app"), LENIENT, 20_000) as running:
        yield running


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """As `served`, but no damage is certain enough to be filled."""
    with _served(tmp_path_factory.mktemp("strict"), STRICT, 40_000, SPECKS) as running:
        yield running


@pytest.fixture(scope="session")
def tab() -> Iterator[Page]:
    """A tab of one browser for all tests of the page."""
    with chromium() as page:
        page.size(1600, 1450, scale=0.5)  # pixels that are not drawn take no time
        yield page


@contextmanager
def _served(folder: Path, params: str, ports: int, specks: int = 0) -> Iterator[tuple[str, Path]]:
    """A running page: its address, and its folder. ports: the number of the first one."""
    if not GRADIO:
        pytest.skip("Gradio is not installed: the page is not tested")
    damaged_scan(folder / "scan.png", specks)
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


def visit(page: Page, address: str) -> None:
    """Open the page anew, without a scan."""
    page.console.clear()
    page.requested.clear()
    page.visit(address)
    patiently(page, f"document.querySelector({PATH!r})")


def open_scan(page: Page, served: tuple[str, Path], *, again: bool = False) -> None:
    """Open the page anew, and the scan. again: with the decisions that were saved before."""
    if not again:
        shutil.rmtree(served[1] / "restored/marks", ignore_errors=True)
    visit(page, served[0])
    enter(page, PATH, "scan.png")
    patiently(page, "document.querySelectorAll('#slider img').length >= 2")
    patiently(page, "document.querySelectorAll('#areas label input').length > 0")


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


def place_of(page: Page, selector: str, pixel: tuple[int, int]) -> tuple[float, float]:
    """The place in the window of a pixel (x, y) of a picture that is shown as a whole."""
    page.until(f"document.querySelector({selector!r}).naturalWidth")
    x, y = page.run(IN_PICTURE.format(selector, *pixel))
    return x, y


def choose_tab(page: Page, name: str) -> None:
    """Choose one of the tabs over the picture."""
    tabs = "[...document.querySelectorAll('button[role=tab]')]"
    page.run(f"{tabs}.find((tab) => tab.innerText.includes({name!r})).click()")


def show_lines(page: Page) -> None:
    """Choose the tab for lines and clicks, and wait for its picture."""
    choose_tab(page, "Lines")
    image = "document.querySelector('#lines img')"
    patiently(page, f"{image}?.naturalWidth == {WIDTH}")
    patiently(page, f"{image}.getBoundingClientRect().height > {HEIGHT}")


def choose_click(page: Page, number: int) -> None:
    """Choose what a click on the picture for lines does."""
    page.click(f"#line-does label:nth-of-type({number}) input")


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
