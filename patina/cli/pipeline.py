"""Commands for the pipeline: `patina run`, `patina serve` and `patina degrade`."""

from pathlib import Path
from typing import Annotated

import typer

from patina.errors import InputError


def run() -> None:
    """Run the whole pipeline, from collecting to the reports: the stages that need it.

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
        str | None, typer.Option(help="Degradations and their severities (0 to 1), in this order.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe of an earlier copy, to apply it again.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Each seed gives different damage.")] = 0,
) -> None:
    """Deteriorate an image by hand, or as a recipe says; the same recipe gives the same bytes.

    Beside the twin lie its recipe, and the mask of its local damage.

    Examples:  patina degrade work.png --steps craquelure:0.6,yellow_varnish:0.3 -o old.png
               patina degrade work.png --recipe old.recipe.json -o again.png
    """
    from patina.tasks.dataset.recipes import read_recipe, recipe_by_hand
    from patina.tasks.dataset.twins import deteriorate_file
    from patina.tasks.degradations import DEGRADATIONS

    if (steps is None) == (recipe is None):
        known = ", ".join(DEGRADATIONS)
        raise InputError(f"degrade: give either --steps or --recipe; the degradations are {known}")
    made = read_recipe(recipe) if recipe else recipe_by_hand(image.stem, steps or "", seed=seed)
    deteriorate_file(image, out, made)
    typer.echo(f"{image} -> {out}")


def serve() -> None:
    """Answer `prefect deployment run restore/batch`, and crawl at night, until stopped.

    A Prefect server is started too, unless PREFECT_API_URL names one; it answers programs and
    browsers of this machine only. One batch runs at a time. The deployment crawl/nightly keeps
    its schedule only if crawl.source is a museum. Runs that have begun end with this command.

    Example:  patina serve
              export PREFECT_API_URL=…    (as it says)
              prefect deployment run restore/batch -p inbox=/scans -p outbox=/restored
    """
    from patina.flows.serving import serve as serve_until_stopped

    raise typer.Exit(serve_until_stopped())
