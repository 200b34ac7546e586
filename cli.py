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
    model: Annotated[Path, typer.Option(help="A trained model.")] = Path("data/model/model.keras"),
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
    """
    from tasks.restoring import file_failures, load_restorer, plan, restore_scans

    scans = plan(inbox, outbox)
    if dry_run:
        for source, target in scans:
            typer.echo(f"{source} -> {target}")
        return
    from rich.progress import track

    import params

    restorer = load_restorer(model, **params.load().restore.model_dump())
    outcomes = list(track(restore_scans(scans, restorer), "restore", total=len(scans)))
    typer.echo(f"{file_failures(outcomes, outbox)} -> {outbox}/")
    raise typer.Exit(1 if any(outcomes) else 0)


@app.command()
def serve() -> None:
    """Answer `prefect deployment run restore/batch` until stopped.

    A Prefect server is started too, unless PREFECT_API_URL names one.

    Example:  patina serve
              export PREFECT_API_URL=…    (as it says)
              prefect deployment run restore/batch -p inbox=/scans -p outbox=/restored
    """
    from flows.server import prefect_server

    with prefect_server() as url:
        from flows.restore import restore as restore_flow

        typer.echo(f"Serving restore/batch. In another shell: export PREFECT_API_URL={url}")
        restore_flow.serve(name="batch", print_starting_message=False)


def main() -> None:
    """Run the command; a user's mistake gets a line, not a traceback."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        sys.exit(f"patina: {error}")


if __name__ == "__main__":
    main()
