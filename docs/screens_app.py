"""Photographs the page of `patina app`, for docs/app.md.

    patina app --no-browser --port 7861
    python docs/screens_app.py http://127.0.0.1:7861/ portrait.tif

The scan is named as in the folder in which the page was started.
"""

import sys
import time
from contextlib import suppress

from photographs import Page, light_page, photographed, written


def main() -> None:
    address, scan = sys.argv[1:3]
    with light_page((1600, 1120)) as page:
        page.visit(address)
        page.until("document.querySelector('#path input')")
        page.run("document.querySelector('#path input').focus()")
        page.type(scan)
        page.press("Enter")
        until(page, "document.querySelectorAll('#slider img').length >= 2")
        time.sleep(3)  # until pictures are drawn
        written("app.jpg", photographed(page), quality=85)


def until(page: Page, script: str) -> None:
    """Wait until the page shows a scan, for some minutes at most."""
    for _ in range(10):
        with suppress(RuntimeError):
            page.until(script)
            return
    raise SystemExit("screens_app: the scan was not opened; what does the page say?")


if __name__ == "__main__":
    main()
