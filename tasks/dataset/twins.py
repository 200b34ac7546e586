"""Makes degraded copies ("twins") with damage masks and recipes, in the item store."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from patina.errors import InputError
from patina.tasks import degradations
from patina.tasks.dataset import recipes
from patina.tasks.dataset.recipes import Recipe, draw_recipe, read_recipe, render, single_recipe
from patina.tasks.degradations import DEGRADATIONS
from patina.tasks.imaging import images
from patina.tasks.io.atomic import json_bytes, write_bytes, write_json
from patina.tasks.io.item_store import ItemStore

VERSION = 5  # raise it if the files of a twin change for another reason than a change of CODE
CODE = (degradations, recipes)  # the code that decides the pixels of a twin

Mixture = Mapping[str, tuple[float, tuple[float, float]]]


@cache
def version() -> str:
    """The version of the operation in item keys: VERSION and a digest of CODE."""
    folder, file = (Path(str(module.__file__)) for module in CODE)
    digest = sha256()
    for source in [*sorted(folder.parent.glob("*.py")), file]:
        digest.update(source.read_bytes())
    return f"{VERSION}-{digest.hexdigest()[:16]}"


def recipes_of(
    work: str, side: str, *, seed: int, twins: int, count: tuple[int, int], mixture: Mixture
) -> list[Recipe]:
    """The recipes of a work's twins; a test work also has one for each single degradation.

    side: train, validation or test. The other arguments are those of `draw_recipe`.
    """
    mixed = [
        draw_recipe(work, f"twin-{number}", seed=seed, mixture=mixture, count=count)
        for number in range(twins)
    ]
    if side != "test":
        return mixed
    return mixed + [
        single_recipe(work, name, seed=seed, severity_range=mixture[name][1])
        for name in DEGRADATIONS
        if name in mixture
    ]


def degrade_file(source: Path, target: Path, recipe: Recipe) -> None:
    """Write the twin of the image `source` to `target` (PNG), with its recipe and mask beside it.

    They replace those of an earlier twin. Raises ImageError if `source` cannot be read; InputError
    if `target` is not a PNG, or `source` would be overwritten.
    """
    if target.suffix.lower() != ".png":
        raise InputError(
            f"degrade: {target}: the result is a PNG file; give a name that ends in .png"
        )
    filed = (target, target.with_suffix(".mask.png"), target.with_suffix(".recipe.json"))
    for path in filed:
        if path.exists() and path.samefile(source):
            raise InputError(
                f"degrade: {path}: this would overwrite the work itself; give another --out"
            )
    degraded, mask = render(images.to_float(images.load_srgb(source)), recipe)
    if not _is_filed(recipe, filed[2]):
        for former in filed[1:]:  # they belong to another twin
            former.unlink(missing_ok=True)
    write_bytes(target, images.png_bytes(images.to_uint8(degraded)))
    if np.any(mask):
        write_bytes(filed[1], images.png_bytes(images.to_uint8(mask)))
    # Written last, so that a twin with a recipe is complete
    write_json(filed[2], recipe.model_dump(mode="json"))


def _is_filed(recipe: Recipe, path: Path) -> bool:
    """Whether the file has the same recipe; it may be the input of --recipe."""
    with suppress(InputError, OSError):
        return read_recipe(path) == recipe
    return False


def degrade_work(clean: Path, jobs: Sequence[tuple[str, Recipe]], store: ItemStore) -> None:
    """Write the twins of the work `clean` to the store. jobs: item key and recipe of each twin.

    Raises ImageError if `clean` cannot be read.
    """
    original = images.to_float(images.read_png(clean))
    for key, recipe in jobs:
        degraded, mask = render(original, recipe)
        with store.filing(key) as folder:
            (folder / "image.png").write_bytes(images.png_bytes(images.to_uint8(degraded)))
            if np.any(mask):
                (folder / "mask.png").write_bytes(images.png_bytes(images.to_uint8(mask)))
            (folder / "recipe.json").write_bytes(json_bytes(recipe.model_dump(mode="json")))
