"""The `patina` command."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Patina restores deteriorated images of artworks.",
)


@app.command()
def run() -> None:
    """Run the whole pipeline, from collecting to the reports: the stages that need it.

    Example:  patina run
    """
    from flows.run import run as run_all

    raise typer.Exit(run_all())


@app.command()
def restore(
    inbox: Annotated[Path, typer.Argument(help="An image, or a folder of images.")],
    outbox: Annotated[Path, typer.Option("--out", "-o", help="Where results go.")] = Path(
        "restored"
    ),
    model: Annotated[
        Path | None,
        typer.Option(help="A model; else data/model/model.keras, else the one that is shipped."),
    ] = None,
    treat: Annotated[
        str, typer.Option(help="What is treated; what is not named stays untouched.")
    ] = "damage,detail,colour",
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="Of all that is done: 0 is nothing, 1 is all.")
    ] = 1.0,
    precision: Annotated[
        str, typer.Option(help="f32, bf16, or auto: bf16 where the CPU has it.")
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be done.")
    ] = False,
) -> None:
    """Restore an image, or every image in a folder, at its own size and depth.

    Beside each result lies a .json sidecar that says what was changed. Files that cannot be
    restored are listed in failures.jsonl; the others go on. Results that are there already
    are not done again.

    Examples:  patina restore scan.tif
               patina restore scans/ -o restored/ --dry-run
               patina restore scan.tif --treat detail --strength 0.5
    """
    from tasks.restoring import chosen_model, file_failures, load_restorer, plan, restore_scans
    from tasks.treating import treatments

    scans = plan(inbox, outbox)
    if dry_run:
        for source, target in scans:
            typer.echo(f"{source} -> {target}")
        return
    from rich.progress import track

    import params

    model = chosen_model(model, Path("data/model/model.keras"))
    here = Path("params.yaml").exists()
    settings = (params.load().restore if here else params.Restore()).model_dump()
    asked = {"treat": treatments(treat), "strength": strength, "precision": precision}
    restorer = load_restorer(model, **(settings | asked))
    outcomes = list(track(restore_scans(scans, restorer), "restore", total=len(scans)))
    typer.echo(f"{file_failures(outcomes, outbox)} -> {outbox}/")
    raise typer.Exit(1 if any(outcomes) else 0)


@app.command()
def degrade(
    image: Annotated[Path, typer.Argument(help="An image of a sound work.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The twin, a PNG.")] = Path("twin.png"),
    steps: Annotated[
        str | None, typer.Option(help="Degradations and severities (0 to 1), in their order.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe that was filed with a twin, to be replayed.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives another damage.")] = 0,
) -> None:
    """Deteriorate an image by hand, or as a recipe says; the same recipe gives the same bytes.

    Beside the twin lie its recipe, and the mask of its local damage.

    Examples:  patina degrade work.png --steps craquelure:0.6,yellow_varnish:0.3 -o old.png
               patina degrade work.png --recipe old.recipe.json -o again.png
    """
    from tasks.degradations import DEGRADATIONS
    from tasks.deteriorating import deteriorate_file
    from tasks.recipes import read_recipe, recipe_by_hand

    if (steps is None) == (recipe is None):
        known = ", ".join(DEGRADATIONS)
        raise ValueError(f"degrade: give either --steps or --recipe; the degradations are {known}")
    made = read_recipe(recipe) if recipe else recipe_by_hand(image.stem, steps or "", seed=seed)
    deteriorate_file(image, out, made)
    typer.echo(f"{image} -> {out}")


@app.command()
def crawl(
    source: Annotated[
        str | None, typer.Argument(help="artic, cleveland or met; crawl.source if not given.")
    ] = None,
    query: Annotated[str | None, typer.Argument(help="Words to search for.")] = None,
    department: Annotated[str | None, typer.Option(help="Part of a department's name.")] = None,
    medium: Annotated[str | None, typer.Option(help="Part of the medium, such as oil.")] = None,
    period: Annotated[str | None, typer.Option(help="Years, such as 1600-1699.")] = None,
    limit: Annotated[int | None, typer.Option(help="Works to have; 0: all.")] = None,
    max_pixels: Annotated[int | None, typer.Option(help="Of an image; 0: any number.")] = None,
    contact: Annotated[
        str | None, typer.Option(help="Your e-mail or web address, for the museum.")
    ] = None,
    delay_s: Annotated[
        float | None, typer.Option(help="Seconds between requests; at least the museum's own.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what there is to fetch, and how long.")
    ] = False,
    push: Annotated[bool, typer.Option("--push", help="Copy it to DVC's remote, too.")] = False,
    replay_origin: Annotated[
        str, typer.Option(help="A server on this machine that answers instead of the museum.")
    ] = "",
) -> None:
    """Fetch public-domain works of a museum into data/harvest/, at the museum's pace.

    What is not given here is taken from the section crawl of params.yaml. A crawl that was cut
    short goes on where it stopped when it is run again; later ones fetch what is new or changed.

    Examples:  patina crawl artic monet --limit 50 --contact me@lab.org
               patina crawl met --department European --period 1600-1699 --dry-run
    """
    import params
    from flows.harvesting import fetch

    given = {
        "source": source,
        "query": query,
        "department": department,
        "medium": medium,
        "period": period,
        "limit": limit,
        "max_pixels": max_pixels,
        "contact": contact,
        "delay_s": delay_s,
    }
    asked = params.load(crawl={k: v for k, v in given.items() if v is not None}).crawl
    if not asked.is_museum:
        raise ValueError(f"crawl: {asked.source!r} is no museum; give artic, cleveland or met")
    options = [*(["--dry-run"] if dry_run else [])]
    options += [f"--replay-origin={replay_origin}"] if replay_origin else []
    fetch(asked, options, push=push)
    if not dry_run:
        typer.echo(
            f"In data/harvest/{asked.source}/, under DVC. To keep this version and work with it:\n"
            f"  git add data/harvest/.gitignore data/harvest/{asked.source}.dvc\n"
            f"  dvc exp run -S crawl.source={asked.source}   (or harvest: with all museums')"
        )


@app.command()
def serve() -> None:
    """Answer `prefect deployment run restore/batch`, and crawl at night, until stopped.

    A Prefect server is started too, unless PREFECT_API_URL names one. The deployment
    crawl/nightly keeps its schedule only if crawl.source is a museum.

    Example:  patina serve
              export PREFECT_API_URL=…    (as it says)
              prefect deployment run restore/batch -p inbox=/scans -p outbox=/restored
    """
    import params
    from flows.server import prefect_server

    asked = params.load().crawl
    with prefect_server() as url:
        from prefect import serve
        from prefect.schedules import Cron

        from flows.crawl import crawl as crawl_flow
        from flows.restore import restore as restore_flow

        typer.echo(
            "Serving restore/batch and crawl/nightly. "
            f"In another shell: export PREFECT_API_URL={url}"
        )
        deployments = [
            restore_flow.to_deployment("batch"),
            crawl_flow.to_deployment(
                "nightly",
                parameters={"from_museum": True, "push": True},
                schedule=Cron(asked.nightly, active=asked.is_museum),
            ),
        ]
        serve(*deployments, print_starting_message=False)  # type: ignore[arg-type]  # or awaitable


def main() -> None:
    """Run the command; a user's mistake gets a line, not a traceback."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"patina: {error}")


if __name__ == "__main__":
    main()
