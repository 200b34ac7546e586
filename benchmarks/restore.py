"""Measures time and memory for the restoration of a scan.

    python benchmarks/restore.py [--megapixels 1 10 100] [--scans 100] [--against REVISION]

Restores painted 16-bit TIFFs of these sizes, each with its own run of `patina restore`; the start
of the process is included. There is a noisy and a sound one of each size; then a folder of small
ones. Prints the seconds, the seconds of the processors, the seconds in which a network computed,
and the maximum memory of the process. With --against, the Patina of an earlier revision restores
each of them, too, just before: the speed of a shared machine varies from minute to minute.
Then each network is timed on one tile: with OpenVINO in bfloat16 and float32, with Keras, and with
ONNX Runtime if it and tf2onnx are installed. The speed is compared with NumPy's matrix
multiplication in float32. --no-networks leaves this out.
"""

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyvips
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina.crawler.sample.strokes import paint  # noqa: E402 -- found by the line above
from patina.models import TONE  # noqa: E402
from patina.tasks.restoration import inference, weights  # noqa: E402

TILE_PX = 1024
SMALL_MP = 0.25  # size of the scans in a folder


class Run(NamedTuple):
    """Measurements of a process: seconds, and its maximum memory."""

    seconds: float
    processor_s: float
    network_s: float
    peak_mb: float


def main() -> None:
    """Measure the sizes and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="*", default=[1, 10, 100])
    parser.add_argument("--scans", type=int, default=100, help="number of small scans")
    parser.add_argument("--against", metavar="REVISION", help="a revision of git to compare with")
    parser.add_argument("--networks", action=argparse.BooleanOptionalAction, default=True)
    asked = parser.parse_args()
    console = Console(width=110)
    console.print(f"float32 matrix multiplication: {multiplication():.0f} GFLOP a processor second")
    columns = ("scan", "seconds", "of processors", "in networks", "MB")
    table = Table(*columns, *(["earlier", "of it"] if asked.against else []))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = earlier(asked.against, folder / "earlier") if asked.against else None
        warm_up(folder, [ROOT, before] if before else [ROOT])
        # Before the networks are loaded here, because a process inherits the peak of its parent
        for title, inbox in cases(folder, asked.megapixels, asked.scans):
            old = restored(inbox, folder / "out", before) if before else None
            table.add_row(title, *figures(restored(inbox, folder / "out", ROOT), old))
    if table.rows:
        console.print(table)
    if asked.networks:
        networks(console)


def warm_up(folder: Path, trees: list[Path]) -> None:
    """Restore a small scan with each Patina, so that its networks are compiled and cached."""
    small = scan(folder, SMALL_MP)
    for tree in trees:
        restored(small, folder / "out", tree)


def cases(folder: Path, sizes: list[float], scans: int) -> Iterator[tuple[str, Path]]:
    """Make the scans; yield a title and a path for each row of the table."""
    for megapixels in sizes:
        for sigma, kind in ((4000, "noisy"), (0, "sound")):
            yield f"{megapixels:g} MP, {kind}", scan(folder, megapixels, sigma)
    if scans:
        inbox = folder / "small"
        inbox.mkdir()
        for number in range(scans):  # sound and noisy in turn
            whole = scan(inbox, SMALL_MP, sigma=4000 * (number % 2))
            whole.rename(inbox / f"{number}.tif")
        yield f"{scans} of {SMALL_MP:g} MP, half of them sound", inbox


def figures(run: Run, earlier: Run | None) -> Iterator[str]:
    """The cells of a row."""
    yield from told(run)
    if earlier:
        yield "\n".join(told(earlier))
        ratios = zip(run, earlier, strict=True)
        yield "\n".join(f"{now / before:.0%}" for now, before in ratios)


def told(run: Run) -> Iterator[str]:
    """The measurements in words."""
    yield f"{run.seconds:.1f}"
    yield f"{run.processor_s:.1f}"
    yield f"{run.network_s:.1f} ({run.network_s / run.seconds:.0%})"
    yield f"{run.peak_mb:,.0f}"


def earlier(revision: str, folder: Path) -> Path:
    """Unpack a revision to `folder`."""
    command = ["git", "-C", str(ROOT), "archive", revision]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def networks(console: Console) -> None:
    """Print the speed of each network."""
    model = weights.shipped()
    loaded = {name: inference.Networks(model, name) for name in ("bf16", "f32")}
    gemm = multiplication()
    table = Table("network", "engine", "MP a processor second", "GFLOP", "of matrix multiplication")
    # These import Keras, which takes seconds and memory
    from benchmarks.training import PATCH_PX, multiplications
    from patina.models import registry

    for role, part in registry.networks_of(registry.load(model)).items():
        side = TONE.view_px if role in inference.FLOAT32_ROLES else TILE_PX
        tile = np.random.default_rng(0).random((1, side, side, part.input.shape[-1]), np.float32)
        runs: dict[str, Callable] = {f"OpenVINO {name}": loaded[name][role] for name in loaded}
        runs["Keras"] = part.predict_on_batch
        try:
            runs["ONNX Runtime"] = onnx_runtime(part)
        except ImportError as error:
            console.print(f"ONNX Runtime was skipped: {error}")
        patch = TONE.view_px if role in inference.FLOAT32_ROLES else PATCH_PX
        reached, work = {}, 2 * multiplications(part, patch) / patch**2
        for name, run in runs.items():
            run(tile)
            reached[name] = side**2 / 1e6 / best(lambda run=run, tile=tile: run(tile))
            gflops = reached[name] * work / 1e3
            figures = (f"{reached[name]:.2f}", f"{gflops:.0f}", f"{gflops / gemm:.2f}")
            table.add_row(role, name, *figures)
    console.print(table)


def onnx_runtime(network: Any) -> Callable:
    """The Keras `network`, run by ONNX Runtime. Raises ImportError if a package is missing."""
    import onnxruntime
    import tf2onnx  # noqa: F401 -- Keras exports by it

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "network.onnx")
        network(np.zeros((1, 64, 64, network.input.shape[-1]), np.float32))
        network.export(file, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (asked,) = session.get_inputs()
    return lambda tile: session.run(None, {asked.name: tile})[0]


def side_of(megapixels: float) -> int:
    """The side of a square, in pixels."""
    return round((megapixels * 1e6) ** 0.5)


def multiplication() -> float:
    """GFLOP per second of the processors of NumPy's float32 matrix multiplication, 2048 × 2048."""
    left, right = np.random.default_rng(0).random((2, 2048, 2048), np.float32)
    return 2 * 2048**3 / best(lambda: left @ right) / 1e9


def best(run: Callable[[], object]) -> float:
    """The seconds of the processors in the fastest of five runs; other programs do not count."""
    spent = []
    for _ in range(5):
        started = time.process_time()
        run()
        spent.append(time.process_time() - started)
    return min(spent)


def scan(folder: Path, megapixels: float, sigma: float = 4000) -> Path:
    """Write a painted, square 16-bit TIFF to `folder`; return its path. sigma: of its noise."""
    side = side_of(megapixels)
    work = paint(0)[0].astype(np.uint16) * 257
    square = pyvips.Image.new_from_array(work).copy(interpretation="rgb16")
    wide = square.replicate(-(-side // square.width), -(-side // square.height))
    noise = pyvips.Image.gaussnoise(side, side, sigma=sigma)
    noisy = (wide.crop(0, 0, side, side) + noise).cast("ushort").copy(interpretation="rgb16")
    path = folder / f"{megapixels:g}-{sigma:g}.tif"
    noisy.write_to_file(str(path))
    return path


def restored(inbox: Path, out: Path, tree: Path) -> Run:
    """Measure a process in which the Patina in `tree` restores `inbox`.

    It has its own cache of compiled networks, because those of another revision may differ.
    """
    told = out.parent / "told"
    cache = out.parent / ("cache" if tree == ROOT else "cache-earlier")
    command = [sys.executable, str(Path(__file__).with_name("timed_restore.py")), str(told)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(inbox), "-o", str(out)],
        cwd=inbox.parent,
        env=os.environ | {"PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{inbox}: patina restore ended with {os.waitstatus_to_exitcode(status)}")
    shutil.rmtree(out)
    processor_s = usage.ru_utime + usage.ru_stime
    return Run(seconds, processor_s, float(told.read_text()), usage.ru_maxrss / 1024)


if __name__ == "__main__":
    main()
