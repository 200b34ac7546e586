"""Commands that compare networks: `patina promote` and `patina compare`."""

from pathlib import Path
from typing import Annotated

import typer


def promote(
    sound: Annotated[
        Path | None,
        typer.Option(
            help="A folder of your own undamaged works, which the network must not harm either."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the comparison.")] = False,
    from_mlflow: Annotated[
        bool, typer.Option("--from-mlflow", help="Use the version that is @champion in MLflow.")
    ] = False,
) -> None:
    """Make the network that was trained last the champion, which `patina restore` then uses.

    It must beat the champion (at first the shipped weights) on the test works, harm no sound work,
    and lose no more than 0.2 dB in any kind of damage. Sound works are those of the test, a set of
    hard ones that Patina paints (snow, lace, rigging, weave, hatching, age cracks), and those of
    --sound. Exit code: 0, or 1 when it does not. With --from-mlflow nothing is measured: whoever
    moved the alias restorer@champion in MLflow has decided.

    Examples:  patina promote --dry-run
               patina promote --sound scans/sound
               patina promote
               patina promote --from-mlflow
    """
    from patina.flows.promote import follow_mlflow
    from patina.flows.promote import promote as decide
    from patina.tasks.io.progress import timed_lines
    from patina.tasks.restoration.batch import CHAMPION

    if from_mlflow:
        with timed_lines("promote"):
            version = follow_mlflow()
        typer.echo(f"Promoted, as MLflow says: version {version}: {CHAMPION}")
        return
    with timed_lines("promote"):
        rules = decide(dry_run=dry_run, sound=sound)
    for rule in rules:
        typer.echo(str(rule))
    if failed := sum(not rule.holds for rule in rules):
        typer.echo(f"Not promoted: {failed} of {len(rules)} rules fail.")
        raise typer.Exit(1)
    typer.echo("It would be promoted." if dry_run else f"Promoted: {CHAMPION}")


def compare(
    experiments: Annotated[
        list[str] | None,
        typer.Argument(help="DVC experiments; the default is all experiments of this commit."),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the MLflow UI on 127.0.0.1.")] = 5000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the address.")] = False,
) -> None:
    """Open the MLflow UI on exactly the runs of `dvc exp run`, side by side, until stopped.

    Examples:  dvc exp run --queue -S train.network=unet,nafnet,detail
               dvc queue start --jobs 1
               patina compare
    """
    from patina.flows.comparing import address, show

    url = address(experiments or [], port)
    typer.echo(url)
    if not dry_run:
        show(url, port)
