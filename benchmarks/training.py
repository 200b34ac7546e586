"""Measures the speed of training, and how long it waits for batches.

    python benchmarks/training.py [--network noise] [--steps 100]

Prints for each precision: samples/s of the training with batches from worker processes; samples/s
of the training step alone, always with the same batch; the share of the time in which the training
waits for batches; and the GFLOP/s of the step alone, with their ratio to those of a multiplication
of two matrices of 2048 × 2048 in the same precision. A step counts as three times the
multiplications of its forward pass, as is usual. The works are painted.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.crawler.sample.strokes import paint  # noqa: E402
from patina.models import NETWORKS, registry  # noqa: E402
from patina.tasks.imaging.images import png_bytes  # noqa: E402
from patina.tasks.io.parallel import CORES  # noqa: E402
from patina.tasks.training.specialists import SINGLE, SPECIALISTS, Specialist, single  # noqa: E402
from patina.tasks.training.training import Schedule, Training, batches  # noqa: E402
from patina.tasks.training.twins import Twins  # noqa: E402
from patina.tasks.training.works import Work, decode_files  # noqa: E402

SIDE = 2048  # number of rows of the matrices
PATCH_PX = 128
WORKS = 24


def main() -> None:
    asked = arguments()
    table = Table(
        "precision", "samples/s", "alone", "waits", "GFLOP/s alone", "multiplication", "ratio"
    )
    specialist = specialist_of(asked.network)
    with tempfile.TemporaryDirectory() as folder:
        works = painted(Path(folder))
        for precision in ("float32", "mixed_bfloat16"):
            table.add_row(precision, *measured(specialist, precision, works, asked.steps))
    console = Console(width=110)
    console.print(f"{asked.network}, batches of {specialist.batch}, {CORES} cores")
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="noise", choices=sorted(NETWORKS))
    parser.add_argument("--steps", type=int, default=100)
    return parser.parse_args()


def specialist_of(name: str) -> Specialist:
    """The training of the network `name`."""
    degrade = params_file.load(ROOT / "params.yaml").degrade
    if name in SINGLE:
        return single(name, Twins(degrade.mixture, degrade.count))
    return SPECIALISTS[name]


def painted(folder: Path) -> list[Work]:
    """Painted works in the size of the stage `preprocess`."""
    files = [folder / f"{number}.png" for number in range(WORKS)]
    for number, file in enumerate(files):
        file.write_bytes(png_bytes(paint(number)[0][:512, :512]))
    return decode_files(files, folder / "decoded")


def measured(specialist: Specialist, precision: str, works: list[Work], steps: int) -> list[str]:
    """The cells of the table for one precision."""
    registry.set_precision(precision)
    training = Training(specialist, Path("nowhere"), Schedule(2 * steps, 1e-4))
    with closing(batches(training, works, CORES)) as made:
        for _ in range(steps):
            first = next(made)
            training.step(first)
        waited, started = Waits(), time.perf_counter()
        for arrays in waited(made):
            training.step(arrays)
        whole = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(steps):
        training.network.train_on_batch(*specialist.targets(first))
    alone = (time.perf_counter() - started) / steps / specialist.batch
    shape = specialist.targets(first)[0].shape
    gflops = 3 * 2e-9 * multiplications(training.network, math.isqrt(shape[1] * shape[2])) / alone
    gemm = multiplication("bfloat16" if "bfloat16" in precision else "float32")
    return [
        f"{steps * specialist.batch / whole:.1f}",
        f"{1 / alone:.1f}",
        f"{waited.seconds / whole:.0%}",
        f"{gflops:.0f}",
        f"{gemm:.0f}",
        f"{gflops / gemm:.2f}",
    ]


class Waits:
    """Passes batches on, and adds up the seconds of waiting for them."""

    seconds = 0.0

    def __call__(self, made: Iterator[tuple[np.ndarray, ...]]) -> Iterator[tuple[np.ndarray, ...]]:
        while True:
            started = time.perf_counter()
            batch = next(made, None)
            self.seconds += time.perf_counter() - started
            if batch is None:
                return
            yield batch


def multiplications(network: keras.Model, side_px: int) -> float:
    """Multiplications of the forward pass of one square image: each kernel at each place."""
    shapes = keras.Model(network.input, [layer.output for layer in network.layers])
    sizes = shapes.compute_output_shape((1, side_px, side_px, network.input.shape[-1]))
    total = 0.0
    for layer, shape in zip(network.layers, sizes, strict=True):
        if hasattr(layer, "kernel"):
            places = float(np.prod(shape[1:-1]))
            if isinstance(layer, keras.layers.Conv2DTranspose):
                places /= layer.strides[0] * layer.strides[1]
            total += places * float(np.prod(layer.kernel.shape))
    return total


def multiplication(dtype: str) -> float:
    """GFLOP/s of a matrix multiplication in the backend of the training."""
    ones = keras.ops.ones((SIDE, SIDE), dtype)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        float(keras.ops.cast(keras.ops.matmul(ones, ones)[0, 0], "float32"))
        best = max(best, 2e-9 * SIDE**3 / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()
