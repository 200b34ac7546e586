"""Photographs the report of an outbox, for docs/restoring.md.

    patina restore scans/ -o restored/
    python docs/screens_report.py restored/ [WORK]

WORK: a part of the name of the work that is shown; the first that was restored, if not given.
"""

import json
import sys
from pathlib import Path

import numpy as np
from photographs import Page, light_page, photographed, written


def main() -> None:
    report = Path(sys.argv[1]) / "report.html"
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    with light_page((1360, 900)) as page:
        page.open(report)
        listed = drawn(page)
        page.open(report, f"#work={work_named(page, part)}")
        page.dark()
        written("report.jpg", np.vstack([listed, drawn(page)]), quality=82)


def work_named(page: Page, part: str) -> str:
    """The id of the first work with pictures before and after whose name has that part."""
    wanted = f"work.name.includes({json.dumps(part)}) && picture(work, 'after.jpg')"
    return str(page.run(f"WORKS.find((work) => {wanted}).id"))


def drawn(page: Page) -> np.ndarray:
    """What the window shows once its pictures are there, uint8 (H, W, 3), BGR."""
    page.until("[...document.images].every((image) => image.hidden || image.complete)")
    return photographed(page)


if __name__ == "__main__":
    main()
