"""Measures a batch of many scans on a Dask cluster of two workers, one of which is killed.

    python benchmarks/scaling.py FOLDER [--scans 10000] [--side 160]

Paints the scans in FOLDER, a third of them noisy, and restores them with the flow `restore`. When
half of them are restored, one of the two workers is killed. Then come 100 more scans, then the same
batch once more, then one changed setting (`strength`) for 100 of the scans. Prints the outcomes,
the seconds, what a scan takes, the largest memory of each process, and the size of the outbox.
Everything that it starts ends with it, even if it is killed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina.crawler.sample.strokes import paint  # noqa: E402 -- found by the line above
from patina.flows.prefect_server import prefect_server  # noqa: E402
from patina.flows.supervisor import supervised  # noqa: E402

MEASURING = "PATINA_MEASURING"  # environment variable of the process that measures
PAINTED, NOISE_255, MORE = 24, 20, 100
WORKER = ("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard")
FLOW = """
import sys
from patina.flows.restore import restore
restore(inbox=sys.argv[1], outbox=sys.argv[2], strength=float(sys.argv[3]))
"""


def main() -> None:
    """Measure in a process that ends when this one ends, and all processes that it starts with it.

    Dask's processes and the flow are in its group, see `supervisor`.
    """
    asked = arguments()
    if MEASURING in os.environ:
        measure(asked)
        return
    command = [sys.executable, __file__, *sys.argv[1:]]
    environment = os.environ | {MEASURING: "1"}
    with supervised(command, env=environment) as measuring, suppress(KeyboardInterrupt):
        sys.exit(measuring.wait())
    sys.exit(130)  # as a shell has it after Ctrl-C


def measure(asked: argparse.Namespace) -> None:
    """Run the batches, and print a row for each. asked: see `arguments`."""
    asked.folder = asked.folder.absolute()
    inbox, some = asked.folder / "scans", asked.folder / "some"
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.folder)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    table = Table("run", "scans", "seconds", "ms a scan", "outcomes", "memory, MB", "outbox, MB")
    paint_scans(inbox, range(asked.scans), asked.side)
    with ExitStack() as stack:
        stack.enter_context(prefect_server())
        scheduler = stack.enter_context(dask("scheduler", "--host", "127.0.0.1", "--port", "0"))
        address = scheduler.wait_for("tcp://127.0.0.1:")
        workers = [stack.enter_context(dask(*WORKER, address)) for _ in range(2)]
        for worker in workers:
            worker.wait_for("Registered to")
        outbox = asked.folder / "restored"
        named = {f"worker {number}": worker.pid for number, worker in enumerate(workers, start=1)}

        def run(name: str, folder: Path, results: Path, strength: float, kill: bool) -> None:
            row = measured(folder, results, strength, address, named, workers[1] if kill else None)
            table.add_row(name, *row)

        run("first, one worker killed", inbox, outbox, 1.0, kill=True)
        paint_scans(inbox, range(asked.scans, asked.scans + MORE), asked.side)
        run(f"{MORE} more", inbox, outbox, 1.0, kill=False)
        run("nothing new", inbox, outbox, 1.0, kill=False)
        paint_scans(some, range(MORE), asked.side)
        run("first 100 alone", some, asked.folder / "some restored", 1.0, kill=False)
        run("the same, strength 0.5", some, asked.folder / "some restored", 0.5, kill=False)
    Console(width=140).print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=160, help="of a scan, in pixels")
    return parser.parse_args()


def paint_scans(folder: Path, numbers: range, side: int) -> None:
    """Write scans: parts of painted works, every third with noise, in folders of 1000."""
    work_of = cache(lambda number: paint(number)[0])
    for number in numbers:
        rng = np.random.default_rng(number)
        work = work_of(number % PAINTED)
        top, left = (int(rng.integers(0, length - side)) for length in work.shape[:2])
        scan = work[top : top + side, left : left + side, ::-1].astype(np.float32)
        if number % 3 == 0:
            scan = scan + rng.normal(0, NOISE_255, scan.shape)
        file = folder / f"{number // 1000:03}" / f"{number:06}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.clip(scan, 0, 255).astype(np.uint8))


class Output:
    """A process whose output is read while it runs."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.pid, self.process = process.pid, process

    def wait_for(self, words: str) -> str:
        """The first word of the output that begins with `words`, or the line that contains them."""
        assert self.process.stdout
        for line in self.process.stdout:
            if words in line:
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return next((word for word in line.split() if word.startswith(words)), line)
        raise SystemExit(f"{self.process.args} ended without {words!r}")


@contextmanager
def dask(*command: str) -> Iterator[Output]:
    """A Dask process during the block."""
    whole = [sys.executable, "-m", "dask", *command, "--no-dashboard"]
    with subprocess.Popen(
        list(dict.fromkeys(whole)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Output(process)
        finally:
            process.kill()


def measured(
    inbox: Path,
    outbox: Path,
    strength: float,
    address: str,
    processes: dict[str, int],
    killed: Output | None,
) -> list[str]:
    """The cells of a row; `killed` is killed when half of the new scans are restored."""
    scans = sum(1 for _ in inbox.rglob("*.png"))
    before = results(outbox)
    half = (before + scans) // 2
    environment = os.environ | {"PATINA_DASK": address}
    started = time.monotonic()
    command = [sys.executable, "-c", FLOW, str(inbox), str(outbox), str(strength)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as flow:
        peaks: dict[str, int] = {}
        while flow.poll() is None:
            for name, pid in (processes | {"flow": flow.pid}).items():
                peaks[name] = max(peaks.get(name, 0), peak_mb(pid))
            if killed and results(outbox) >= half:
                killed.process.kill()
                killed = None
            threading.Event().wait(5)
    seconds = time.monotonic() - started
    summary = (outbox / "summary.csv").read_text(encoding="utf-8").splitlines()
    failures = outbox / "failures.jsonl"
    set_aside = len(failures.read_text().splitlines()) if failures.exists() else 0
    size = sum(file.stat().st_size for file in files(outbox)) / 1e6
    return [
        str(scans),
        f"{seconds:.0f}",
        f"{1000 * seconds / scans:.0f}",
        f"{len(summary) - 1} in the summary, {results(outbox) - before} new, {set_aside} set aside",
        ", ".join(f"{name} {mb}" for name, mb in peaks.items()),
        f"{size:.0f}",
    ]


def results(outbox: Path) -> int:
    """The number of sidecars in the outbox."""
    return sum(1 for file in files(outbox) if file.suffix == ".json")


def files(folder: Path) -> Iterator[Path]:
    """All files in a folder; folders that are removed meanwhile are skipped."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def peak_mb(pid: int) -> int:
    """The largest memory that a process has used so far; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    main()
