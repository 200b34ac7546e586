"""What screens_app and screens_report share: a page is opened in Chromium and photographed."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser import CHROMIUM, Page, chromium  # noqa: E402 -- found by the line above

__all__ = ["Page", "light_page", "photographed", "written"]


@contextmanager
def light_page(size: tuple[int, int]) -> Iterator[Page]:
    """A tab of that size (width, height), with light colours; ends the program without Chromium."""
    if not CHROMIUM:
        sys.exit(f"{Path(sys.argv[0]).stem}: no Chromium was found; install the package chromium")
    with chromium() as page:
        page.size(*size)
        page.dark(False)
        yield page


def photographed(page: Page) -> np.ndarray:
    """What the window shows, uint8 (H, W, 3), BGR."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shot.png"
        page.photograph(file)
        shot = cv2.imread(str(file))
    assert shot is not None
    return shot


def written(name: str, shot: np.ndarray, quality: int) -> None:
    """Write a photograph to docs/, at three quarters of its size, as JPEG of that quality."""
    reduced = cv2.resize(shot, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(ROOT / "docs" / name), reduced, [cv2.IMWRITE_JPEG_QUALITY, quality])
