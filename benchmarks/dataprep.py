"""Measures how fast works are prepared and degraded, in one process and in two.

    python benchmarks/dataprep.py [--works 240] [--folder FOLDER] [--rounds 3]

Runs the stages `preprocess` and `degrade`, with the Prefect server, in a temporary workspace, on
the works in FOLDER or on painted ones. The speed of a machine may change from minute to minute. So
each round measures the stage in one process, then its parts alone on one thread, then the stage in
two processes; ratios are computed within a round.
Prints the medians of all rounds, and the range of the ratios: images/s; the speed-up by the second
process; the speed of one process relative to that of its parts; the share of each part; and the
time of each degradation for a megapixel. The rates are those in the middle of a stage; the
additional time of its beginning and end (server, processes, publishing) has its own column.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import patina.flows  # noqa: E402, F401 -- libvips gets one thread here too, as in a stage
from patina.tasks.dataset.preprocessing import perceptual_hash  # noqa: E402
from patina.tasks.dataset.recipes import read_recipe, render  # noqa: E402
from patina.tasks.degradations import DEGRADATIONS  # noqa: E402 -- found by the line above
from patina.tasks.imaging.images import load_srgb, png_bytes, read_png, to_float, to_uint8  # noqa: E402
from patina.tasks.io.atomic import read_jsonl  # noqa: E402

CODE = ("crawler", "data", "flows", "models", "scans", "patina", "tasks", "params.yaml")
MIDDLE = 0.1, 0.9  # shares of the items, by their time; the rate is measured between them
FACTS_BYTES = 200  # size of the small file beside each image: facts, or a recipe
SAMPLED = 120  # number of works or twins with which a part is measured


def main() -> None:
    """Measure the stages and print the tables."""
    cv2.setNumThreads(1)
    asked = arguments()
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder:
        place = workspace(Path(folder), asked)
        stage(place, "crawl", processes=2)
        stages = Table(
            "stage",
            "images",
            "1 process/s",
            "2 processes/s",
            "speed-up",
            "of its parts",
            "begin and end, s",
        )
        shares = Table("stage", "part", "ms an image", "share")
        for name in ("preprocess", "degrade"):
            rounds = [one_round(place, name) for _ in range(asked.rounds)]
            one, two, rest = np.transpose([(each.one, each.two, each.rest_s) for each in rounds])
            costs = [sum(each.parts.values()) for each in rounds]
            stages.add_row(
                name,
                str(len(read_jsonl(place / OUTS[name] / "manifest.jsonl"))),
                f"{np.median(one):.1f}",
                f"{np.median(two):.1f}",
                with_range(two / one, "{:.2f}"),
                with_range(one * costs, "{:.0%}"),
                f"{np.median(rest):.1f}",
            )
            for part in rounds[0].parts:
                cost = float(np.median([each.parts[part] for each in rounds]))
                shares.add_row(name, part, f"{cost * 1e3:.2f}", f"{cost / np.median(costs):.0%}")
            if name == "preprocess":
                stage(place, "split", processes=1)
        console.print(stages)
        console.print(shares)
        console.print(degradations(load_srgb(next((place / "data/artworks").rglob("*.jp*g")))))


OUTS = {"preprocess": "data/clean", "degrade": "data/degraded"}


class Round(NamedTuple):
    """The measurements of a stage in one round."""

    one: float  # images/s in one process
    two: float  # images/s in two processes
    rest_s: float  # additional seconds at the beginning and end, in two processes
    parts: dict[str, float]  # seconds an image


def one_round(place: Path, name: str) -> Round:
    """Measure a stage once."""
    one, _ = timed(place, name, processes=1)
    parts = PARTS[name](place)
    two, rest_s = timed(place, name, processes=2)
    return Round(one, two, rest_s, parts)


def with_range(ratios: np.ndarray, form: str) -> str:
    """The median and the range, as text. form: format of a number."""
    low, middle, high = (form.format(number) for number in np.percentile(ratios, (0, 50, 100)))
    return f"{middle} ({low}-{high})"


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--works", type=int, default=240, help="Number of painted works.")
    parser.add_argument("--folder", type=Path, help="Folder of works to use instead.")
    parser.add_argument("--rounds", type=int, default=3, help="Number of rounds.")
    return parser.parse_args()


def workspace(folder: Path, asked: argparse.Namespace) -> Path:
    """Copy the project's code and parameters, without any data, to `folder`; return it."""
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", *OUTS_IGNORED)
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["crawl"]["works"] = asked.works
    if asked.folder:
        params["crawl"] |= {"source": "folder", "folder": str(asked.folder.resolve())}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return folder


OUTS_IGNORED = ("artworks", "clean", "degraded", "model", "restored", "split")


def stage(place: Path, name: str, *, processes: int) -> None:
    """Run a stage as DVC does."""
    environment = os.environ | {"PATINA_WORKERS": str(processes)}
    subprocess.run(
        [sys.executable, "-m", "patina.flows", name],
        cwd=place,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def timed(place: Path, name: str, processes: int) -> tuple[float, float]:
    """Run a stage from an empty store; return images/s in its MIDDLE, and the additional seconds.

    The stage takes so many seconds more than at that rate.
    """
    items = place / ".cache/items"
    for folder in (items, place / OUTS[name]):
        shutil.rmtree(folder, ignore_errors=True)
    started = time.monotonic()
    stage(place, name, processes=processes)
    spent = time.monotonic() - started
    filed = np.sort([item.stat().st_mtime for item in items.glob("??/*")])
    first, last = (round(share * (len(filed) - 1)) for share in MIDDLE)
    rate = float((last - first) / (filed[last] - filed[first]))
    return rate, spent - len(filed) / rate


def preprocess_parts(place: Path) -> dict[str, float]:
    """Seconds an image, by part of the stage."""
    works = spread(read_jsonl(place / "data/artworks/manifest.jsonl"))
    files = [place / "data/artworks" / work["file"] for work in works]
    size = yaml.safe_load((place / "params.yaml").read_text())["preprocess"]["working_px"]
    clean = [load_srgb(file, long_side_px=size) for file in files]
    encoded = [png_bytes(image) for image in clean]
    return {
        "decode, resize": alone(lambda file: load_srgb(file, long_side_px=size), files),
        "hashes": alone(perceptual_hash, clean)
        + alone(lambda png: hashlib.sha256(png).hexdigest(), encoded),
        "encode": alone(png_bytes, clean),
        "write": alone(lambda data: write(place, data, bytes(FACTS_BYTES)), encoded),
    }


def write(place: Path, *files: bytes) -> None:
    """Write the files of an item, without anything that can be left out."""
    for number, content in enumerate(files):
        with (place / f"written-{number}").open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def degrade_parts(place: Path) -> dict[str, float]:
    """Seconds a twin, by part of the stage; a work is decoded once for all its twins."""
    twins = read_jsonl(place / "data/degraded/manifest.jsonl")
    works = len({twin["work"] for twin in twins})
    chosen = spread(twins)
    files = [place / "data/clean" / twin["clean"] for twin in chosen]
    recipes = [read_recipe(place / "data/degraded" / twin["recipe"]) for twin in chosen]
    jobs = [(to_float(read_png(file)), recipe) for file, recipe in zip(files, recipes, strict=True)]
    made = [render(*job) for job in jobs]
    masks = [mask for _, mask in made]
    pngs = [[png_bytes(to_uint8(layer)) for layer in layers if layer.any()] for layers in made]
    return {
        "decode": alone(lambda file: to_float(read_png(file)), files) * works / len(twins),
        "degrade": alone(lambda job: render(*job), jobs),
        "encode": alone(lambda image: png_bytes(to_uint8(image)), [twin for twin, _ in made]),
        "encode masks": alone(lambda mask: mask.any() and png_bytes(to_uint8(mask)), masks),
        "write": alone(lambda files: write(place, *files, bytes(FACTS_BYTES)), pngs),
    }


PARTS: dict[str, Callable[[Path], dict[str, float]]] = {
    "preprocess": preprocess_parts,
    "degrade": degrade_parts,
}


def spread(lines: list) -> list:
    """About SAMPLED of `lines`, evenly spread."""
    return lines[:: max(1, len(lines) // SAMPLED)]


def alone(function: Callable, inputs: list) -> float:
    """Mean seconds for one input, on one thread, after a first call."""
    function(inputs[0])
    started = time.perf_counter()
    for one in inputs:
        function(one)
    return (time.perf_counter() - started) / len(inputs)


def degradations(work: np.ndarray) -> Table:
    """A table of the time of each degradation at severity 0.6 on a megapixel."""
    table = Table("degradation", "ms a megapixel, one thread")
    image = to_float(cv2.resize(work, (1250, 800)))
    for name, degrade in DEGRADATIONS.items():
        seeds = list(range(3))

        def once(seed: int, degrade: Callable = degrade) -> None:
            degrade(image, np.random.default_rng(seed), severity=0.6)

        table.add_row(name, f"{alone(once, seeds) * 1e3:.1f}")
    return table


if __name__ == "__main__":
    main()
