"""Commands for the pipeline: `patina run`, `patina serve` and `patina degrade`."""

from pathlib import Path
from typing import Annotated

import typer

from patina.errors import InputError


def run() -> None:
    """Run the pipeline, from collecting to the reports; stages that are up to date are skipped.

    Example:  patina run
    """
    from patina.flows.run import run as run_all

    raise typer.Exit(run_all())


def degrade(
    image: Annotated[Path, typer.Argument(help="An image of an undamaged work.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The degraded copy, a PNG file.")] = Path(
        "twin.png"
    ),
    steps: Annotated[
        str | None,
        typer.Option(
            help="Degradations with severities (0 to 1), in the order of application, such as "
            "fading:0.4,scratches:0.6."
        ),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe of an earlier copy, which is applied again.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="The seed of the random numbers; each seed gives different damage."
        ),
    ] = 0,
) -> None:
    """Make a degraded copy of an image, from --steps or from a recipe.

    Patina writes the recipe and the mask of local damage beside the copy. The same recipe gives the
    same bytes.

    Examples:  patina degrade work.png --steps craquelure:0.6,yellow_varnish:0.3 -o old.png
               patina degrade work.png --recipe old.recipe.json -o again.png
    """
    from patina.tasks.dataset.recipes import read_recipe, recipe_by_hand
    from patina.tasks.dataset.twins import degrade_file
    from patina.tasks.degradations import DEGRADATIONS

    if (steps is None) == (recipe is None):
        known = ", ".join(DEGRADATIONS)
        raise InputError(f"degrade: give either --steps or --recipe; known degradations: {known}")
    made = read_recipe(recipe) if recipe else recipe_by_hand(image.stem, steps or "", seed=seed)
    degrade_file(image, out, made)
    typer.echo(f"{image} -> {out}")


def serve() -> None:
    """Serve the Prefect deployments restore/batch and crawl/nightly, until you press Ctrl-C.

    The command starts a Prefect server for this machine only, unless PREFECT_API_URL names one. One
    batch runs at a time. crawl/nightly has a schedule only if crawl.source is a museum. When the
    command ends, all its runs end.

    Example:  patina serve
              export PREFECT_API_URL=…    (in another shell; the value is printed)
              prefect deployment run restore/batch -p inbox=/scans -p outbox=/restored
    """
    from patina.flows.serving import serve as serve_until_stopped

    raise typer.Exit(serve_until_stopped())
