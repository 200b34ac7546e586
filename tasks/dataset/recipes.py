"""What happened to a deteriorated twin, as data: which degradations, how severe, from which seed.

A recipe and the clean work give the twin again, pixel for pixel. Each step draws from a stream of
its own, named by the seed, the work, the twin and the step's number: neither the order in which
twins are made, nor the number of workers, nor leaving a step out changes what another step draws.
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
    """`name` itself. Raises ValueError, naming the known ones, when no degradation has it."""
    if name not in DEGRADATIONS:
        raise InputError(f"unknown degradation '{name}'; known: {', '.join(sorted(DEGRADATIONS))}")
    return name


class Step(BaseModel):
    """One degradation of a twin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # From 1: numpy pads a short seed with zeros, so step 0 would share draw_recipe's own stream
    step: Annotated[int, Field(ge=1)]
    name: Annotated[str, AfterValidator(known_degradation)]
    severity: Annotated[float, Field(ge=0, le=1)]


class Recipe(BaseModel):
    """All that happened to one twin of a work, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    # An alias, for pydantic has a method of this name
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
    """Draw what happens to `twin` of `work`: different degradations, in their physical order.

    mixture: of each degradation that may be drawn, its weight and its range of severities.
    count: fewest and most steps, both included, all equally likely.
    Raises ValueError for an unknown degradation, or a count that the mixture cannot give.
    """
    for name in mixture:
        known_degradation(name)
    names = [name for name in DEGRADATIONS if name in mixture and mixture[name][0] > 0]
    fewest, most = count
    if not 0 <= fewest <= most <= len(names):
        raise InputError(f"count {list(count)}: the mixture gives from 0 to {len(names)} steps")
    rng = _stream(seed, work, twin)
    weights = np.array([mixture[name][0] for name in names])
    size = rng.integers(fewest, most, endpoint=True)
    chosen = np.sort(rng.choice(len(names), size=size, replace=False, p=weights / weights.sum()))
    steps = []
    for number, index in enumerate(chosen, start=1):
        name = names[index]
        # Four decimals, so that the JSON is exact and can be read
        severity = round(rng.uniform(*mixture[name][1]), 4)
        steps.append(Step(step=number, name=name, severity=severity))
    return Recipe(schema=1, work=work, twin=twin, seed=seed, steps=tuple(steps))


def single_recipe(
    work: str, name: str, *, seed: int, severity_range: tuple[float, float]
) -> Recipe:
    """The recipe of the twin "only-<name>": one degradation alone."""
    mixture = {name: (1.0, severity_range)}
    return draw_recipe(work, f"only-{name}", seed=seed, mixture=mixture, count=(1, 1))


def recipe_by_hand(work: str, steps: str, *, seed: int) -> Recipe:
    """The recipe of the twin "by-hand" for steps such as "craquelure:0.6,yellow_varnish:0.3".

    They happen in the order given. Raises ValueError when one is not a known name and a severity.
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
        raise InputError(f"steps {steps!r}: give names and severities: scratches:0.5,…") from error
    return Recipe(schema=1, work=work, twin="by-hand", seed=seed, steps=tuple(made))


def read_recipe(path: Path) -> Recipe:
    """The recipe filed at `path`. Raises ValueError when it is none."""
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: no recipe: {error.errors()[0]['msg']}") from error


def render(
    image: Image, recipe: Recipe, *, only: Container[int] | None = None
) -> tuple[Image, Image]:
    """Deteriorate `image` as `recipe` says.

    image: float32 (H, W, 3), sRGB in [0, 1]; not modified. only: numbers of the steps to take, all
    unless given; leaving some out changes nothing that the others draw.
    Returns the twin, and the greatest of its steps' masks, float32 (H, W), 0 where there is none.
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
