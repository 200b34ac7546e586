"""How fast a network learns, and what it waits for.

    python benchmarks/training.py [--network conservator] [--steps 100]

For each precision: patches/s of the training step alone, on one batch again and again; patches/s
of the training as it is, with twins made by worker processes meanwhile, and the share of its time
that it waits for them; and the arithmetic of the step as a ratio to what this machine multiplies,
two square matrices of 2,048 in the same precision, in the same run. A step is counted as three
times the multiplications of its forward pass, as is usual. Works are painted.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina import params as params_file  # noqa: E402 -- found by the line above
from patina.crawler.sample.strokes import paint  # noqa: E402
from patina.models import heads, losses, registry  # noqa: E402
from patina.tasks.imaging.images import png_bytes  # noqa: E402
from patina.tasks.io.parallel import CORES  # noqa: E402
from patina.tasks.training import loop  # noqa: E402
from patina.tasks.training.batches import Feed, Feeder  # noqa: E402

SIDE = 2048  # of the matrices
BATCH, PATCH_PX = 8, 128
WORKS = 24


def main() -> None:
    asked = arguments()
    table = Table(
        "precision", "patches/s", "alone", "waits", "GFLOP/s alone", "multiplication", "ratio"
    )
    with tempfile.TemporaryDirectory() as folder:
        degrade = params_file.load(ROOT / "params.yaml").degrade
        feed = Feed(painted(Path(folder)), degrade.mixture, degrade.count, seed=0)
        for precision in ("float32", "mixed_bfloat16"):
            table.add_row(precision, *measured(asked.network, precision, feed, asked.steps))
    console = Console(width=110)
    console.print(f"{asked.network}, batches of {BATCH} patches of {PATCH_PX} px, {CORES} cores")
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="conservator")
    parser.add_argument("--steps", type=int, default=100)
    return parser.parse_args()


def painted(folder: Path) -> list[Path]:
    """Works of the size that `preprocess` makes."""
    files = [folder / f"{number}.png" for number in range(WORKS)]
    for number, file in enumerate(files):
        file.write_bytes(png_bytes(paint(number)[0][:512, :512]))
    return files


def measured(name: str, precision: str, feed: Feed, steps: int) -> list[str]:
    """The cells of one precision."""
    registry.set_precision(precision)
    training = heads.for_training(registry.build(name))
    loss = losses.Interventions(losses.charbonnier)
    loop.compile_for_training(training, loss, learning_rate=1e-4, warmup_steps=1, steps=steps)
    with Feeder(feed, steps=steps, batch=BATCH, processes=CORES) as feeder:
        for first in loop.ahead(feeder.patches(0, [PATCH_PX])):  # the next epoch's are made
            training.train_on_batch(*first)
        waited, started = Waits(), time.perf_counter()
        for degraded, target in waited(loop.ahead(feeder.patches(1, [PATCH_PX]))):
            training.train_on_batch(degraded, target)
        whole = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(steps):
        training.train_on_batch(*first)
    alone = (time.perf_counter() - started) / steps / BATCH
    tile = training.get_layer("interventions")
    gflops = 3 * 2e-9 * multiplications(tile) / alone
    gemm = multiplication("bfloat16" if "bfloat16" in precision else "float32")
    return [
        f"{steps * BATCH / whole:.1f}",
        f"{1 / alone:.1f}",
        f"{waited.seconds / whole:.0%}",
        f"{gflops:.0f}",
        f"{gemm:.0f}",
        f"{gflops / gemm:.2f}",
    ]


class Waits:
    """The batches, and how long they were waited for."""

    seconds = 0.0

    def __call__(self, batches: Iterator[loop.Batch]) -> Iterator[loop.Batch]:
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            self.seconds += time.perf_counter() - started
            if batch is None:
                return
            yield batch


def multiplications(tile: keras.Model) -> float:
    """Of the forward pass of one patch: for each convolution, its kernel at each place.

    Networks within it, if there are any, do all of it, each on an image of the patch's size.
    """
    total = 0.0
    for part in [layer for layer in tile.layers if isinstance(layer, keras.Model)] or [tile]:
        shapes = keras.Model(part.input, [layer.output for layer in part.layers])
        sizes = shapes.compute_output_shape((1, PATCH_PX, PATCH_PX, part.input.shape[-1]))
        for layer, shape in zip(part.layers, sizes, strict=True):
            if hasattr(layer, "kernel"):
                places = shape[1] * shape[2]
                if isinstance(layer, keras.layers.Conv2DTranspose):
                    places //= layer.strides[0] * layer.strides[1]
                total += places * float(np.prod(layer.kernel.shape))
    return total


def multiplication(dtype: str) -> float:
    """GFLOP/s of a matrix multiplication in the backend that trains."""
    ones = keras.ops.ones((SIDE, SIDE), dtype)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        float(keras.ops.cast(keras.ops.matmul(ones, ones)[0, 0], "float32"))
        best = max(best, 2e-9 * SIDE**3 / (time.perf_counter() - started))
    return best


if __name__ == "__main__":
    main()
