"""Measures the whole pipeline with many works of the sample museum.

    python benchmarks/pipeline.py FOLDER [--works 10000] [--side 160] [--until degrade]

Clones the project to FOLDER, with its own DVC cache, and runs the stages, up to `--until`, for so
many works, painted with a long side of `--side` pixels; the training is short. Then come 100 more
works, then one changed parameter (`degrade.steps.jpeg.severity`), then nothing new. Prints for each
stage, as soon as it is finished: minutes, minutes of the processors, the largest memory of one of
its processes, and what its output needs on the disk; at the end what is in each folder. If FOLDER
exists, its stages continue.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

STAGES = ("crawl", "preprocess", "split", "degrade", "train", "restore", "evaluate")
MORE, TRAIN_STEPS, CHANGED = 100, 20, {"weight": 1.0, "severity": [0.2, 0.8]}
KEPT = (".cache/harvest", ".cache/items", ".cache/prefect", "data", ".dvc/cache", "mlruns")


def main() -> None:
    asked = arguments()
    folder, stages = asked.folder.absolute(), STAGES[: STAGES.index(asked.until) + 1]
    if not folder.exists():
        make_workspace(folder, asked.works, asked.side, asked.test)
    os.chdir(folder)
    from patina.flows.prefect_server import prefect_server  # it notes the folder at the import

    with prefect_server():
        say(f"{asked.works} works of {asked.side} pixels")
        run_stages(folder, stages)
        change(folder, "crawl", works=asked.works + MORE)
        say(f"{MORE} more works")
        run_stages(folder, stages)
        say("one changed parameter")
        change_jpeg(folder)
        run_stages(folder, stages)
        say("nothing new")
        measured(folder, "all", "repro", stages[-1])
    for place in KEPT:
        say(f"{place:<16} {size_mb(folder / place):8.0f} MB")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--works", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=160, help="long side of a work, in pixels")
    parser.add_argument("--test", type=float, default=0.01, help="share of the works for testing")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="the last stage to run")
    return parser.parse_args()


def make_workspace(folder: Path, works: int, side: int, test: float) -> None:
    """Clone the project, and let its sample museum paint small works."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    strokes = folder / "crawler/sample/strokes.py"
    code = strokes.read_text(encoding="utf-8")
    long = int(re.search(r"LONG_SIDE_PX = (\d+)", code)[1])  # type: ignore[index]
    shorts = re.search(r"SHORT_SIDES_PX = \((.*)\)", code)[1]  # type: ignore[index]
    smaller = ", ".join(str(int(short) * side // long) for short in shorts.split(","))
    code = code.replace(f"LONG_SIDE_PX = {long}", f"LONG_SIDE_PX = {side}")
    strokes.write_text(code.replace(f"({shorts})", f"({smaller})"), encoding="utf-8")
    change(folder, "crawl", works=works)
    change(folder, "preprocess", working_px=side)
    change(folder, "split", test=test)
    change(folder, "degrade", twins=1)
    change(folder, "train", steps=TRAIN_STEPS, warmup_steps=5)


def change(folder: Path, section: str, **values: Any) -> None:
    """Change values of params.yaml."""
    file = folder / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8"))
    params[section] |= values
    file.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def change_jpeg(folder: Path) -> None:
    """Change one parameter of one degradation."""
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    change(folder, "degrade", steps=params["degrade"]["steps"] | {"jpeg": CHANGED})


def run_stages(folder: Path, stages: tuple[str, ...]) -> None:
    """Run each stage with DVC, and print what it took; a stage that is up to date is skipped."""
    for stage in stages:
        measured(folder, stage, "repro", "--single-item", stage)


def measured(folder: Path, name: str, *command: str) -> None:
    """Run a command of DVC in `folder`; print its time, its memory and the size of its output."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started = time.monotonic()
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", *command],
            cwd=folder,
            env=os.environ | {"PATH": path, "PYTHONPATH": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{name}: dvc ended with {os.waitstatus_to_exitcode(status)}: {log.name}")
    spent = (time.monotonic() - started) / 60
    processors = (usage.ru_utime + usage.ru_stime) / 60
    say(
        f"{name:<12} {spent:6.1f} min {processors:6.1f} min of the processors "
        f"{usage.ru_maxrss / 1024:6.0f} MB {output_mb(folder, name):8.0f} MB of output"
    )


def output_mb(folder: Path, stage: str) -> float:
    """The size of the outputs of a stage in megabytes."""
    stages = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    outputs = stages.get(stage, {}).get("outs", [])
    return sum(size_mb(folder / output) for output in outputs)


def size_mb(place: Path) -> float:
    """The size of a file, or of all files in a folder, in megabytes on the disk."""
    found = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks for path in found) * 512 / 1e6


if __name__ == "__main__":
    main()
