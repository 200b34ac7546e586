"""Photographs the report of an outbox, for docs/restoring.md.

    patina restore scans/ -o restored/
    python docs/screens_report.py restored/ [WORK]

WORK: a part of the name of the work that is shown; the first that was restored, if not given.
Needs Chromium.
"""

import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import CHROMIUM, Page, chromium  # noqa: E402 -- found by the line above

SIZE = (1360, 900)
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 82]


def main() -> None:
    if not CHROMIUM:
        sys.exit("screens_report: no Chromium was found; install the package chromium")
    report = Path(sys.argv[1]) / "report.html"
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    with chromium() as page, tempfile.TemporaryDirectory() as folder:
        page.size(*SIZE)
        page.dark(False)
        page.open(report)
        listed = photographed(page, Path(folder))
        page.open(report, f"#work={work_named(page, part)}")
        page.dark()
        work = photographed(page, Path(folder))
    both = cv2.resize(
        np.vstack([listed, work]), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA
    )
    cv2.imwrite(str(ROOT / "docs/report.jpg"), both, QUALITY)


def work_named(page: Page, part: str) -> str:
    """The id of the first work with pictures before and after whose name has that part."""
    wanted = f"work.name.includes({json.dumps(part)}) && picture(work, 'after.jpg')"
    return str(page.run(f"WORKS.find((work) => {wanted}).id"))


def photographed(page: Page, folder: Path) -> np.ndarray:
    """What the window shows once its pictures are there, uint8 (H, W, 3), BGR."""
    page.until("[...document.images].every((image) => image.hidden || image.complete)")
    page.photograph(folder / "shot.png")
    shot = cv2.imread(str(folder / "shot.png"))
    assert shot is not None
    return shot


if __name__ == "__main__":
    main()
