"""Losses and optimizers against each other: a U-Net from scratch on a short budget, by DVC's queue.

    python benchmarks/sweep.py [--epochs 8] [--steps 100]

Queues an experiment for each loss and optimizer, runs them one after another, and prints the
figures of the test works, best first. Lion is given a third of Adam's learning rate, as its authors
advise at least. Run it where `patina run` has prepared the data; `patina compare` shows the same
runs in MLflow.
"""

import argparse
import json
import subprocess
import sys
from itertools import product

from rich.console import Console
from rich.table import Table

DVC = (sys.executable, "-m", "dvc")
LOSSES = ("charbonnier", "l1", "rms")
OPTIMIZERS = {"adam": 0.001, "lion": 0.0003}  # and their learning rates
METRICS = ("psnr_db", "ssim", "delta_e2000", "dominant_channel_accuracy")


def main() -> None:
    asked = arguments()
    names = [queued(*each, asked) for each in product(LOSSES, OPTIMIZERS.items())]
    subprocess.run([*DVC, "exp", "run", "--run-all"], check=True)
    print_table(names)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100, help="batches in an epoch")
    return parser.parse_args()


def queued(loss: str, optimizer: tuple[str, float], asked: argparse.Namespace) -> str:
    """Queue an experiment; its name."""
    name = f"{loss}-{optimizer[0]}"
    settings = {
        "network": "unet",
        "start": "scratch",
        "colour_epochs": 0,
        "loss": loss,
        "optimizer": optimizer[0],
        "learning_rate": optimizer[1],
        "epochs": asked.epochs,
        "steps": asked.steps,
    }
    changes = [part for key, value in settings.items() for part in ("-S", f"train.{key}={value}")]
    subprocess.run([*DVC, "exp", "run", "--queue", "-n", name, *changes], check=True)
    return name


def print_table(names: list[str]) -> None:
    command = [*DVC, "exp", "show", "--json"]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    experiments = {
        each["name"]: each["revs"][0]["data"]["metrics"]["reports/metrics.json"]["data"]["all"]
        for commit in shown
        for each in commit["experiments"] or []
        if each["name"] in names
    }
    rows = [(name, each["degraded"], each["restored"]) for name, each in experiments.items()]
    rows.sort(key=lambda row: -row[2]["psnr_db"])
    table = Table("experiment", *METRICS)
    table.add_row("do nothing", *(f"{rows[0][1][metric]:.3f}" for metric in METRICS))
    for name, _, restored in rows:
        table.add_row(name, *(f"{restored[metric]:.3f}" for metric in METRICS))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
