"""How fast a scan is restored, and in how much memory.

    python benchmarks/restore.py [--megapixels 1 10 100]

Restores painted 16-bit TIFFs of these sizes, each by a `patina restore` of its own, start included.
In the same run each network alone is timed on one tile, by OpenVINO in bfloat16 and float32, by
Keras, and by ONNX Runtime where it and tf2onnx are installed, against the single-precision matrix
multiplication of NumPy. Prints seconds, megapixels a second, the most memory that the process held,
and which share of the seconds the networks alone would take for the looks at the work and for the
tiles, what they share included; inpainting, which sees only what is damaged, and tone, which sees
one small view, are left out of that.
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
    """Seconds that the networks alone take for a scan, at those MP/s by role."""
    seen = {"jpeg": tiles, "detail": tiles, "segmentation": looks}
    return sum(size(megapixels) / speeds[role] for role, size in seen.items() if role in speeds)


def networks(console: Console) -> dict[str, float]:
    """Print what each network reaches; their MP/s by role, in the precision that is chosen."""
    model = weights.shipped()
    precision = inference.Networks(model).precision
    loaded = {name: inference.Networks(model, name) for name in ("bf16", "f32")}
    gemm = multiplication()
    table = Table("network", "engine", "MP/s", "GFLOP/s", "of float32 matrix multiplication")
    # What imports Keras, which takes seconds, and memory
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
    return sum(min(long_px, 1.34 * side_of(megapixels)) ** 2 for long_px in LOOKS_PX) / 1e6


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
