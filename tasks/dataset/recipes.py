"""Recipes: which degradations a degraded copy ("twin") has, how severe, and from which seed.

A recipe and the clean work give the same twin again, pixel for pixel. Each step has its own random
generator, seeded by the seed, the work, the twin and the number of the step. So the order of the
twins, the number of workers, and omitted steps do not change the random numbers of a step.
"""

from collections.abc import Container, Mapping
from pathlib import Path
from typing import Annotated, Literal
from zlib import crc32

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from patina.errors import InputError
from patina.tasks.degradations import DEGRADATIONS, Image


def known_degradation(name: str) -> str:
    """Return `name`. Raises InputError, which lists the known names, if it is not a degradation."""
    if name not in DEGRADATIONS:
        raise InputError(f"unknown degradation '{name}'; known: {', '.join(sorted(DEGRADATIONS))}")
    return name


class Step(BaseModel):
    """One degradation of a twin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # From 1: NumPy pads a short seed with zeros, so step 0 would share draw_recipe's generator
    step: Annotated[int, Field(ge=1)]
    name: Annotated[str, AfterValidator(known_degradation)]
    severity: Annotated[float, Field(ge=0, le=1)]


class Recipe(BaseModel):
    """All degradations of one twin of a work, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    # With an alias, because pydantic has a method of this name
    schema_: Literal[1] = Field(alias="schema")
    work: str
    twin: str
    seed: Annotated[int, Field(ge=0)]
    steps: tuple[Step, ...]


def draw_recipe(
    work: str,
    twin: str,
    *,
    seed: int,
    mixture: Mapping[str, tuple[float, tuple[float, float]]],
    count: tuple[int, int],
) -> Recipe:
    """Draw the recipe of a twin: different degradations, in their physical order.

    work, twin: names, which seed the random numbers together with `seed`.
    mixture: for each degradation its weight, and its lowest and highest severity (0 to 1).
    count: lowest and highest number of steps, both included, all equally likely.
    Raises InputError if a degradation is unknown, or the mixture has too few for `count`.
    """
    for name in mixture:
        known_degradation(name)
    names = [name for name in DEGRADATIONS if name in mixture and mixture[name][0] > 0]
    fewest, most = count
    if not 0 <= fewest <= most <= len(names):
        raise InputError(
            f"count {list(count)}: give the minimum and the maximum number of steps, "
            f"0 to {len(names)}"
        )
    rng = _stream(seed, work, twin)
    weights = np.array([mixture[name][0] for name in names])
    size = rng.integers(fewest, most, endpoint=True)
    chosen = np.sort(rng.choice(len(names), size=size, replace=False, p=weights / weights.sum()))
    steps = []
    for number, index in enumerate(chosen, start=1):
        name = names[index]
        # Four decimals, so that the JSON is exact and readable
        severity = round(rng.uniform(*mixture[name][1]), 4)
        steps.append(Step(step=number, name=name, severity=severity))
    return Recipe(schema=1, work=work, twin=twin, seed=seed, steps=tuple(steps))


def single_recipe(
    work: str, name: str, *, seed: int, severity_range: tuple[float, float]
) -> Recipe:
    """The recipe of the twin "only-<name>", which has one degradation."""
    mixture = {name: (1.0, severity_range)}
    return draw_recipe(work, f"only-{name}", seed=seed, mixture=mixture, count=(1, 1))


def recipe_by_hand(work: str, steps: str, *, seed: int) -> Recipe:
    """The recipe of the twin "by-hand" for steps such as "craquelure:0.6,yellow_varnish:0.3".

    The steps are applied in the order given. Raises InputError if a step is not a known name with a
    severity from 0 to 1.
    """
    parts = [part.strip().partition(":") for part in steps.split(",")]
    try:
        made = [
            Step(step=number, name=name, severity=float(severity))
            for number, (name, _, severity) in enumerate(parts, start=1)
        ]
    except ValidationError as error:
        reasons = (str(fault["msg"]).removeprefix("Value error, ") for fault in error.errors())
        raise InputError(f"steps {steps!r}: {'; '.join(reasons)}") from error
    except ValueError as error:
        raise InputError(
            f"steps {steps!r}: give names with severities, such as scratches:0.5,fading:0.3"
        ) from error
    return Recipe(schema=1, work=work, twin="by-hand", seed=seed, steps=tuple(made))


def read_recipe(path: Path) -> Recipe:
    """Read the recipe file `path`. Raises InputError if it is not a recipe."""
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: not a recipe: {error.errors()[0]['msg']}") from error


def render(
    image: Image, recipe: Recipe, *, only: Container[int] | None = None
) -> tuple[Image, Image]:
    """Degrade `image` as `recipe` says.

    image: float32 (H, W, 3), sRGB in [0, 1]; not modified.
    only: numbers of the steps to apply; the default is all. The random numbers of a step do not
    depend on the other steps.
    Returns the twin, float32 (H, W, 3), and the maximum of all masks, float32 (H, W) in [0, 1].
    """
    twin = image.copy()
    mask = np.zeros(image.shape[:2], np.float32)
    for step in recipe.steps:
        if only is not None and step.step not in only:
            continue
        rng = _stream(recipe.seed, recipe.work, recipe.twin, step.step)
        twin, damage = DEGRADATIONS[step.name](twin, rng, severity=step.severity)
        if damage is not None:
            np.maximum(mask, damage, out=mask)
    return twin, mask


def _stream(seed: int, work: str, twin: str, *step: int) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(work.encode()), crc32(twin.encode()), *step])
