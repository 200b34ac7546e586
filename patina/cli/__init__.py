"""The `patina` command, with one file for each topic."""

import atexit
import gc
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from patina.cli.collecting import crawl
from patina.cli.networks import compare, promote
from patina.cli.page import app as show_page
from patina.cli.pipeline import degrade, run, serve
from patina.cli.restoring import restore
from patina.cli.results import condition, report, undo
from patina.errors import errors_as_lines

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
# In the order of the help
for command in (
    *(run, restore, show_page, report, undo, condition),
    *(promote, compare, degrade, crawl, serve),
):
    app.command(command.__name__)(command)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"patina {version('patina-restoration')}")
        raise typer.Exit


@app.callback()
def patina(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Patina restores deteriorated images of artworks."""


def main() -> None:
    """Run the command. An error that the user can correct is printed as one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # file names may be invalid UTF-8
            stream.reconfigure(errors="backslashreplace")
    atexit.register(gc.freeze)  # otherwise Python searches for unused objects at the end: 0.2 s
    with errors_as_lines():
        app()
