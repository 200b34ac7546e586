"""The program that trains the shipped weights.

    python -m patina.tasks.training weights --works FOLDER --out FOLDER

It trains the networks of a recipe one after the other, and then makes one model of them. If it is
interrupted, run the same command again: the training is resumed. It uses neither Prefect, MLflow
nor DVC; with the backend JAX it needs no TensorFlow for training.
"""

import argparse
import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import yaml

from patina.errors import InputError, errors_as_lines
from patina.models import ROLES, pretrained, registry
from patina.tasks.io.atomic import write_json
from patina.tasks.io.parallel import CORES
from patina.tasks.restoration import weights
from patina.tasks.training.curriculum import held_back_samples
from patina.tasks.training.specialists import SPECIALISTS
from patina.tasks.training.starting import PRETRAINED, starting_network
from patina.tasks.training.training import Schedule, Training, last_state, train
from patina.tasks.training.works import Work, decode_works

RECIPE = Path(pretrained.__file__).with_name("recipe.yaml")
SETTINGS = ("start", "steps", "batch", "learning_rate", "minutes")


class ConsoleCallback:
    """Prints a line at each measurement of the gains."""

    def on_step(self, training: Training, loss: float) -> None:
        """Do nothing."""

    def on_check(self, training: Training, gains: Mapping[str, float], loss: float) -> None:
        """Print the number of steps, the time, the loss and the gains."""
        figures = "  ".join(f"{kind} {gain:+.2f}" for kind, gain in gains.items())
        place = f"{training.name} {training.done}/{training.schedule.steps}"
        minutes = training.seconds / 60
        print(f"{place}  {minutes:.1f} min  loss {loss:.3f}  gain: {figures}", flush=True)  # noqa: T201


class CsvCallback:
    """Writes a row to NAME.history.csv at each measurement of the gains."""

    def on_step(self, training: Training, loss: float) -> None:
        """Do nothing."""

    def on_check(self, training: Training, gains: Mapping[str, float], loss: float) -> None:
        """Append a row."""
        history = training.out / f"{training.name}.history.csv"
        history.parent.mkdir(parents=True, exist_ok=True)
        new = not history.exists()
        with history.open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            if new:
                rows.writerow(["step", "minutes", "loss", *gains])
            figures = [round(training.seconds / 60, 2), round(loss, 4)]
            figures += [round(gain, 3) for gain in gains.values()]
            rows.writerow([training.done, *figures])


@dataclass(frozen=True)
class Recipe:
    """The settings with which weights to ship are trained.

    seed: of all trainings. networks: the SETTINGS of each network, by role; `start` is "scratch" or
    "pretrained" (from the shipped weights). judge: `samples`, the number of training samples of
    each judge of `noise` and `blur`, and the number of works for each judge of pieces and areas;
    without it, no judge is trained.
    """

    seed: int
    networks: Mapping[str, Mapping[str, Any]]
    judge: Mapping[str, int] = field(default_factory=dict)


def read_recipe(path: Path) -> Recipe:
    """Read the recipe in the YAML file `path`. Raises InputError if it is invalid."""
    try:
        recipe = Recipe(**yaml.safe_load(path.read_text(encoding="utf-8")))
        for role, settings in recipe.networks.items():
            if role not in SPECIALISTS or {*settings} != {*SETTINGS}:
                raise ValueError(
                    f"{role}: give one of {', '.join(SPECIALISTS)}, with the keys "
                    f"{', '.join(SETTINGS)}"
                )
    except (TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: this is not a valid recipe: {error}") from error
    return recipe


def scheduled(recipe: Recipe, role: str, minutes: float) -> Schedule:
    """The schedule of the network `role`. minutes: time limit of all networks together.

    A network that starts with the shipped weights is not stopped if a kind of damage does not
    improve, because it keeps these weights then.
    """
    settings = recipe.networks[role]
    total = sum(each["minutes"] for each in recipe.networks.values())
    return Schedule(
        steps=int(settings["steps"]),
        learning_rate=settings["learning_rate"],
        minutes=minutes * settings["minutes"] / total,
        seed=recipe.seed,
        unmoved_minutes=math.inf if settings["start"] == PRETRAINED else Schedule.unmoved_minutes,
    )


def train_all(
    recipe: Recipe, works: Sequence[Work], out: Path, *, minutes: float, workers: int
) -> None:
    """Train the networks of a recipe in the folder `out`.

    Finished trainings are skipped, interrupted ones are resumed. minutes: time limit of all
    networks together. workers: number of processes that make batches. Raises as `train` does.
    """
    registry.set_precision("auto")
    for role in recipe.networks:
        schedule = scheduled(recipe, role, minutes)
        keras.utils.set_random_seed(recipe.seed)
        settings = recipe.networks[role]
        specialist = replace(SPECIALISTS[role], batch=int(settings["batch"]))
        network = starting_network(settings["start"], specialist)
        training = Training(specialist, out, schedule, network)
        if training.progress >= 1:
            continue
        # Of the training works: only the random numbers differ
        held_back = held_back_samples(specialist.curriculum, works)
        callbacks = ConsoleCallback(), CsvCallback()
        train(training, works, held_back, callbacks=callbacks, workers=workers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. arguments: of the command line; None: sys.argv."""
    asked = _arguments(arguments)
    recipe = read_recipe(asked.recipe)
    if asked.only:
        chosen = {role: recipe.networks[role] for role in asked.only}
        recipe = replace(recipe, networks=chosen)
    works = decode_works(asked.works, asked.out / "works")
    keep_settings(asked.out / "settings.json", recipe)
    train_all(recipe, works, asked.out, minutes=asked.minutes, workers=asked.workers)
    if asked.into:
        from patina.tasks.training import judge, ship

        before = weights.shipped_facts(asked.into).get("networks", {})
        file = ship.ship(asked.out, asked.into)
        after = weights.shipped_facts(asked.into)["networks"]
        changed = {role for role in after if after[role] != before.get(role)}
        stale = [name for name in judge.JUDGES if judge.FINDERS.get(name, name) in changed]
        if recipe.judge and stale:
            count = str(recipe.judge["samples"])
            places = ["--works", *map(str, asked.works), "--decoded", str(asked.out / "works")]
            options = ["--samples", count, "--seed", str(recipe.seed), "--only", *stale]
            judge.main([str(file), *places, *options])
        print(file)  # noqa: T201


def keep_settings(place: Path, recipe: Recipe) -> None:
    """Write the settings of a recipe's networks to the file `place`, to resume their training.

    Raises InputError if a training with other settings was started in this folder.
    """
    before: dict[str, Any] = json.loads(place.read_text()) if place.exists() else {}
    asked = {role: dict(settings) for role, settings in recipe.networks.items()}
    for role, settings in asked.items():
        if before.get(role, settings) != settings and last_state(place.parent, role):
            raise InputError(
                f"{place.parent}: this folder has a training of {role} with other settings; give "
                "another --out, or remove the contents of the folder"
            )
    write_json(place, before | asked)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m patina.tasks.training")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    weighing = commands.add_parser(
        "weights",
        help="train the shipped weights",
        description="Train the networks of a recipe, and make one model of them. If it is "
        "interrupted, run the same command again.",
        epilog="Example: python -m patina.tasks.training weights --works paintings --out trained",
    )
    weighing.add_argument("--works", nargs="+", type=Path, required=True, help="folders of works")
    weighing.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    weighing.add_argument("--into", type=Path, default=weights.FOLDER, help="folder of the model")
    weighing.add_argument("--recipe", type=Path, default=RECIPE, help="settings of the networks")
    weighing.add_argument("--only", nargs="+", choices=ROLES, help="train only these")
    weighing.add_argument("--minutes", type=float, default=math.inf, help="time limit of all")
    weighing.add_argument(
        "--workers", type=int, default=max(1, CORES // 2), help="processes that make batches"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with errors_as_lines():
        main()
