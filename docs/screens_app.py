"""Photographs the page of `patina app`, for docs/app.md.

    patina app --no-browser --port 7861
    python docs/screens_app.py http://127.0.0.1:7861/ portrait.tif

The scan is named as in the folder in which the page was started.

Needs Chromium.
"""

import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import CHROMIUM, Page, chromium  # noqa: E402 -- found by the line above

SIZE = (1600, 1120)
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]


def main() -> None:
    if not CHROMIUM:
        sys.exit("screens_app: no Chromium was found; install the package chromium")
    address, scan = sys.argv[1:3]
    with chromium() as page, tempfile.TemporaryDirectory() as folder:
        page.size(*SIZE)
        page.dark(False)
        page.visit(address)
        page.until("document.querySelector('#path input')")
        page.run("document.querySelector('#path input').focus()")
        page.type(scan)
        page.press("Enter")
        until(page, "document.querySelectorAll('#slider img').length >= 2")
        time.sleep(3)  # until pictures are drawn
        page.photograph(Path(folder) / "shot.png")
        shot = cv2.imread(str(Path(folder) / "shot.png"))
    assert shot is not None
    reduced = cv2.resize(shot, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(ROOT / "docs/app.jpg"), reduced, QUALITY)


def until(page: Page, script: str) -> None:
    """Wait for a work to be looked at, for minutes at most."""
    for _ in range(10):
        with suppress(RuntimeError):
            page.until(script)
            return
    raise SystemExit("screens_app: the scan was not opened; what does the page say?")


if __name__ == "__main__":
    main()
