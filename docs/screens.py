"""Photographs the MLflow UI, on the runs of DVC's experiments, for docs/comparing.md.

    python docs/screens.py [EXPERIMENT ...]

Run it where `dvc exp run` made them. Needs Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina.flows.comparing import address, mlflow_ui  # noqa: E402 -- found by the line above

PORT = 5017
SIZE = (1900, 1150)
ASSISTANT_PX = 490  # of the width, a panel that MLflow opens on the right
LOADED_MS = 60_000  # of the page's own clock


def main() -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        sys.exit("screens: no Chromium was found; install the package chromium")
    compared = address(sys.argv[1:], PORT)
    place = compared.split("#")[0]
    pages = {"compare": compared, "models": f"{place}#/models/restorer"}
    with mlflow_ui(PORT), tempfile.TemporaryDirectory() as folder:
        for name, url in pages.items():
            shot = Path(folder) / f"{name}.png"
            photograph(browser, url, shot)
            page = cv2.imread(str(shot))[:, :-ASSISTANT_PX]
            smaller = cv2.resize(page, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(ROOT / f"docs/{name}.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 80])


def photograph(browser: str, url: str, shot: Path) -> None:
    """`url` as it looks when it is loaded."""
    options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"]
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    waiting = f"--virtual-time-budget={LOADED_MS}"
    subprocess.run(
        [browser, *options, size, waiting, f"--screenshot={shot}", url],
        check=True,
        capture_output=True,
        timeout=300,
    )


if __name__ == "__main__":
    main()
