"""Measures time and memory for the restoration of a scan.

    python benchmarks/restore.py [--megapixels 1 10 100]

Restores painted 16-bit TIFFs of these sizes, each with its own run of `patina restore`; the start
of the process is included. Prints the seconds, megapixels a second, and the maximum memory of the
process.
Then each network is timed on one tile: with OpenVINO in bfloat16 and float32, with Keras, and with
ONNX Runtime if it and tf2onnx are installed. The speed is compared with NumPy's matrix
multiplication in float32. The last column is the share of the seconds that the networks alone need
for the tiles, with their overlap, and for the search for damage. It leaves out inpainting, which
gets only damaged places, and tone, which gets one small view.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.crawler.sample.strokes import paint  # noqa: E402
from patina.models import TONE  # noqa: E402
from patina.tasks.restoration import inference, weights  # noqa: E402
from patina.tasks.restoration.detection import LOOKS_PX  # noqa: E402
from patina.tasks.restoration.tiling import tiled_rows  # noqa: E402

TILE_PX = 1024
RUN = "import sys; from patina.cli import main; sys.argv.insert(1, 'restore'); main()"


def main() -> None:
    """Measure the sizes and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 10, 100])
    asked = parser.parse_args()
    console = Console(width=110)
    table = Table("MP", "seconds", "MP/s", "peak memory, MB", "share of the networks")
    with tempfile.TemporaryDirectory() as folder:
        # Before the networks are loaded here, because a process inherits the peak of its parent
        runs = [
            (megapixels, *restored(scan(Path(folder), megapixels), Path(folder) / "out"))
            for megapixels in asked.megapixels
        ]
    speeds = networks(console)
    for megapixels, seconds, peak_mb in runs:
        table.add_row(
            f"{megapixels:g}",
            f"{seconds:.1f}",
            f"{megapixels / seconds:.2f}",
            f"{peak_mb:.0f}",
            f"{spent(speeds, megapixels) / seconds:.0%}",
        )
    console.print(table)


def spent(speeds: dict[str, float], megapixels: float) -> float:
    """Seconds that the networks alone need for a scan. speeds: MP/s by role."""
    seen = {"jpeg": tiles, "detail": tiles, "segmentation": searched}
    return sum(size(megapixels) / speeds[role] for role, size in seen.items() if role in speeds)


def networks(console: Console) -> dict[str, float]:
    """Print the speed of each network; return MP/s by role, in the precision that Patina uses."""
    model = weights.shipped()
    precision = inference.Networks(model).precision
    loaded = {name: inference.Networks(model, name) for name in ("bf16", "f32")}
    gemm = multiplication()
    table = Table("network", "engine", "MP/s", "GFLOP/s", "of float32 matrix multiplication")
    # These import Keras, which takes seconds and memory
    from benchmarks.training import PATCH_PX, multiplications
    from patina.models import registry

    chosen = {}
    for role, part in registry.networks_of(registry.load(model)).items():
        side = TONE.view_px if role == "tone" else TILE_PX
        tile = np.random.default_rng(0).random((1, side, side, part.input.shape[-1]), np.float32)
        runs: dict[str, Callable] = {f"OpenVINO {name}": loaded[name][role] for name in loaded}
        runs["Keras"] = part.predict_on_batch
        try:
            runs["ONNX Runtime"] = onnx_runtime(part)
        except ImportError as error:
            console.print(f"ONNX Runtime was skipped: {error}")
        patch = TONE.view_px if role == "tone" else PATCH_PX
        reached, work = {}, 2 * multiplications(part, patch) / patch**2
        for name, run in runs.items():
            run(tile)
            reached[name] = side**2 / 1e6 / best(lambda run=run, tile=tile: run(tile))
            gflops = reached[name] * work / 1e3
            figures = (f"{reached[name]:.2f}", f"{gflops:.0f}", f"{gflops / gemm:.2f}")
            table.add_row(role, name, *figures)
        chosen[role] = reached[f"OpenVINO {precision}"]
    console.print(table)
    return chosen


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


def searched(megapixels: float) -> float:
    """Megapixels of the views in which damage is searched for, of a square scan."""
    return sum(min(long_px, 1.34 * side_of(megapixels)) ** 2 for long_px in LOOKS_PX) / 1e6


def tiles(megapixels: float) -> float:
    """Megapixels of all tiles of a square scan, with their overlap."""
    side = side_of(megapixels)
    settings = params_file.load(ROOT / "params.yaml").restore
    seen = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.size)
        return tile

    def rows(top: int, bottom: int) -> np.ndarray:
        return np.zeros((bottom - top, side, 1), np.float32)

    sizes = {"tile_px": settings.tile_px, "overlap_px": settings.overlap_px}
    for _ in tiled_rows(network, rows, side, side, **sizes):
        pass
    return sum(seen) / 1e6


def side_of(megapixels: float) -> int:
    """The side of a square, in pixels."""
    return round((megapixels * 1e6) ** 0.5)


def multiplication() -> float:
    """GFLOP/s of NumPy's float32 matrix multiplication, 2048 × 2048."""
    left, right = np.random.default_rng(0).random((2, 2048, 2048), np.float32)
    return 2 * 2048**3 / best(lambda: left @ right) / 1e9


def best(run: Callable[[], object]) -> float:
    """The seconds of the fastest of five runs."""
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return min(spent)


def scan(folder: Path, megapixels: float) -> Path:
    """Write a painted, noisy, square 16-bit TIFF to `folder`; return its path."""
    side = side_of(megapixels)
    work = paint(0)[0].astype(np.uint16) * 257
    square = pyvips.Image.new_from_array(work).copy(interpretation="rgb16")
    wide = square.replicate(-(-side // square.width), -(-side // square.height))
    noise = pyvips.Image.gaussnoise(side, side, sigma=4000)
    noisy = (wide.crop(0, 0, side, side) + noise).cast("ushort").copy(interpretation="rgb16")
    path = folder / f"{megapixels:g}.tif"
    noisy.write_to_file(str(path))
    return path


def restored(file: Path, out: Path) -> tuple[float, float]:
    """Seconds and maximum MB of a process that restores `file`."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(file), "-o", str(out)],
        cwd=file.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{file}: patina restore ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
