"""Commands that compare networks: `patina promote` and `patina compare`."""

from pathlib import Path
from typing import Annotated

import typer


def promote(
    sound: Annotated[
        Path | None,
        typer.Option(
            help="A folder with your own undamaged works; the network must not harm them either."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the comparison.")] = False,
    from_mlflow: Annotated[
        bool, typer.Option("--from-mlflow", help="Use the version that is @champion in MLflow.")
    ] = False,
) -> None:
    """Make the last trained network the champion, if it is better than the present champion.

    `patina restore` uses the champion; without one, the shipped weights. The network must be better
    on the test works, must not harm undamaged works more than the champion does, and may lose at
    most 0.2 dB with any single degradation, or with several. Undamaged works are the clean test
    works, hard works that Patina paints (snow, lace, rigging, weave, hatching, age cracks), and
    those of --sound. Exit code: 0, or 1 if a rule fails. With --from-mlflow Patina measures nothing
    and uses the version that you made restorer@champion in MLflow.

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
        typer.echo(f"Promoted version {version}, the champion in MLflow: {CHAMPION}")
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
        typer.Argument(help="Names of DVC experiments; the default is all of this commit."),
    ] = None,
    port: Annotated[int, typer.Option(help="The port of the MLflow UI on 127.0.0.1.")] = 5000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the address.")] = False,
) -> None:
    """Open the MLflow UI with the runs of `dvc exp run` side by side, until you press Ctrl-C.

    Without names, the run of the last commit is shown beside them.

    Examples:  dvc exp run --queue -S train.network=unet,nafnet,noise
               dvc queue start --jobs 1
               patina compare
    """
    from patina.flows.comparing import address, show

    url = address(experiments or [], port)
    typer.echo(url)
    if not dry_run:
        show(url, port)
