"""How fast a scan is restored, and in how much memory.

    python benchmarks/restore.py [--megapixels 1 10 100]

Restores painted 16-bit TIFFs of these sizes, each by a `patina restore` of its own, start included.
In the same run the network alone is timed on one tile, what looks for damage and what treats it, by
OpenVINO in bfloat16 and float32, by Keras, and by ONNX Runtime where it and tf2onnx are installed,
against the single-precision matrix multiplication of NumPy. Prints seconds, megapixels a second,
the most memory that the process held, and which share of the seconds the network alone would take
for the looks at the work and for the tiles, what they share included.
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
from patina.tasks.restoration import inference, weights  # noqa: E402
from patina.tasks.restoration.restorer import LOOK_PX, LOOKS, MOST_ENLARGED  # noqa: E402
from patina.tasks.restoration.tiling import tiled_rows  # noqa: E402

TILE_PX = 1024
RUN = "import sys; from patina.cli import main; sys.argv.insert(1, 'restore'); main()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 10, 100])
    asked = parser.parse_args()
    console = Console(width=110)
    table = Table("MP", "seconds", "MP/s", "peak memory, MB", "of it the network")
    with tempfile.TemporaryDirectory() as folder:
        # Before the network is loaded here: a process counts what its parent held as its own
        runs = [
            (megapixels, *restored(scan(Path(folder), megapixels), Path(folder) / "out"))
            for megapixels in asked.megapixels
        ]
    looking, treating = network(console)
    for megapixels, seconds, peak_mb in runs:
        table.add_row(
            f"{megapixels:g}",
            f"{seconds:.1f}",
            f"{megapixels / seconds:.2f}",
            f"{peak_mb:.0f}",
            f"{(looks(megapixels) / looking + tiles(megapixels) / treating) / seconds:.0%}",
        )
    console.print(table)


def network(console: Console) -> list[float]:
    """Print what both parts of the network reach; their MP/s in the precision that is chosen."""
    model = weights.shipped()
    precision = inference.load(model)[3]
    loaded = {name: inference.load(model, name) for name in ("bf16", "f32")}
    gemm = multiplication()
    table = Table("part", "engine", "MP/s", "GFLOP/s", "of float32 matrix multiplication")
    # What imports Keras, which takes seconds, and memory
    from benchmarks.training import PATCH_PX, multiplications
    from patina.models import heads, registry

    chosen = []
    parts = heads.apart(registry.load(model).get_layer("interventions"))
    for number, part in enumerate(parts):
        channels = part.input.shape[-1]
        tile = np.random.default_rng(0).random((1, TILE_PX, TILE_PX, channels), np.float32)
        runs: dict[str, Callable] = {f"OpenVINO {name}": loaded[name][number] for name in loaded}
        runs["Keras"] = part.predict_on_batch
        try:
            runs["ONNX Runtime"] = onnx_runtime(part)
        except ImportError as error:
            console.print(f"ONNX Runtime is left out: {error}")
        reached, work = {}, 2 * multiplications(part) / PATCH_PX**2
        for name, run in runs.items():
            run(tile)
            reached[name] = TILE_PX**2 / 1e6 / best(lambda run=run, tile=tile: run(tile))
            gflops = reached[name] * work / 1e3
            figures = (f"{reached[name]:.2f}", f"{gflops:.0f}", f"{gflops / gemm:.2f}")
            table.add_row(part.name, name, *figures)
        chosen.append(reached[f"OpenVINO {precision}"])
    console.print(table)
    return chosen


def onnx_runtime(network: Any) -> Callable:
    """The Keras `network`, run by ONNX Runtime. Raises ImportError where what it takes is not."""
    import onnxruntime
    import tf2onnx  # noqa: F401 -- Keras exports by it

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "network.onnx")
        network(np.zeros((1, 64, 64, network.input.shape[-1]), np.float32))
        network.export(file, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (asked,) = session.get_inputs()
    return lambda tile: session.run(None, {asked.name: tile})[0]


def looks(megapixels: float) -> float:
    """Megapixels of what damage is looked for in, of a square scan."""
    largest = min(LOOK_PX, MOST_ENLARGED * side_of(megapixels))
    return sum((look * largest) ** 2 for look in LOOKS) / 1e6


def tiles(megapixels: float) -> float:
    """Megapixels of all tiles of a square scan."""
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
    return round((megapixels * 1e6) ** 0.5)


def multiplication() -> float:
    """GFLOP/s of NumPy's float32 matrix multiplication, 2048 × 2048."""
    left, right = np.random.default_rng(0).random((2, 2048, 2048), np.float32)
    return 2 * 2048**3 / best(lambda: left @ right) / 1e9


def best(run: Callable[[], object]) -> float:
    """Seconds, the best of five."""
    spent = []
    for _ in range(5):
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return min(spent)


def scan(folder: Path, megapixels: float) -> Path:
    """A painted, noisy square of 16 bit."""
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
    """Seconds and MB at most, of a process that restores `file`."""
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
