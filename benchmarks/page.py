"""Measures memory and time of the page for a large scan, without a browser.

    python benchmarks/page.py FOLDER [--side 10000]

Paints a noisy, scratched 8-bit TIFF in FOLDER, if it is not there, and calls the functions that the
page calls: the scan is opened, which analyses and previews it; areas are shown at full size; one is
left and a line is marked; all is saved. Prints for each step the seconds, the seconds of the
processors, and the largest memory (`VmHWM`) so far.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SCRATCHES, NOISE_255, STEPS = 183, 12, 3
PAINTING = "--paint"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=10_000, help="of the scan, in pixels")
    parser.add_argument(PAINTING, action="store_true", help="paint the scan and nothing else")
    asked = parser.parse_args()
    scan = asked.folder / f"{asked.side}.tif"
    if asked.paint:
        paint_scan(scan, asked.side)
        return
    if not scan.exists():
        asked.folder.mkdir(parents=True, exist_ok=True)
        # In a process of its own, whose memory does not count
        subprocess.run([sys.executable, *sys.argv, PAINTING], check=True)
    use_page(scan, asked.folder / "restored")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def paint_scan(file: Path, side: int) -> None:
    """Write a scan of painted works side by side, with noise and scratches."""
    import cv2
    import numpy as np
    import pyvips

    from patina.crawler.sample.strokes import paint

    rng = np.random.default_rng(0)
    wide = np.zeros((side, side, 3), np.uint8)
    half = -(-side // 2)
    for number in range(4):
        top, left = half * (number // 2), half * (number % 2)
        part = wide[top : top + half, left : left + half]
        work = cv2.resize(paint(number)[0], part.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        part[:] = work
    for _ in range(SCRATCHES):
        start = rng.uniform(0, side, 2)
        end = start + rng.normal(0, side / 20, 2)
        line = [tuple(int(each) for each in point) for point in (start, end)]
        cv2.line(wide, *line, (238, 232, 220), max(3, side // 1000), cv2.LINE_AA)
    for top in range(0, side, 256):
        rows = wide[top : top + 256]
        noise = rng.normal(0, NOISE_255, rows.shape)
        rows[:] = np.clip(rows + noise, 0, 255)
    pyvips.Image.new_from_array(wide, interpretation="srgb").write_to_file(str(file))


def use_page(scan: Path, outbox: Path) -> None:
    """Open the scan, decide on areas, mark a line, and save, as the page does."""
    from patina.tasks.io.malloc import few_heaps

    few_heaps()  # as the server of the page
    from patina import params
    from patina.app.choices import NEEDED, OFF
    from patina.app.controls import as_opened
    from patina.app.loaded_model import LoadedModel
    from patina.app.page import Page
    from patina.app.ticks import automatic
    from patina.app.words import FILLS

    page = timed("load", lambda: Page(LoadedModel(params.load().restore), str(outbox)))
    given = ["", *(NEEDED,) * 3, OFF, *(100,) * 4, "", 0, str(outbox)]
    opened = timed("open", lambda: page._open(str(scan), None, *given))
    desk = opened[0]
    now = as_opened(given, desk)
    areas = sorted(automatic(desk.damage))
    say(f"{len(areas)} areas to fill, {len(desk.damage.pieces)} in all")
    for number in range(STEPS):
        timed(f"area {number + 1}", lambda: page._stepped(1, desk, areas, *now))
    areas = timed("leave it", lambda: page._decided_one(False, desk, areas, *now))[1]["value"]
    for place in ((40, 40), (400, 300)):
        click: Any = SimpleNamespace(index=place)
        line = [*now, FILLS, 6, False]
        timed("click", lambda: page._lined(click, desk, areas, *line))  # noqa: B023
    silent: Any = lambda *_, **__: None  # noqa: E731 -- Gradio's progress needs a browser
    saved = timed("save", lambda: page._save(desk, areas, *now, progress=silent))
    say(saved[0])
    desk.work.close()


def timed(name: str, run: Callable[[], Any]) -> Any:
    """Run a step and print what it took; returns its result."""
    started, processors = time.monotonic(), time.process_time()
    result = run()
    say(
        f"{name:<10} {time.monotonic() - started:7.1f} s {time.process_time() - processors:7.1f} s "
        f"of the processors {peak_mb():6.0f} MB"
    )
    return result


def peak_mb() -> int:
    """The largest memory that this process has used so far."""
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
