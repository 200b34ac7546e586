"""The `patina` command: one topic a file."""

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


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"patina {version('patina-restoration')}")
        raise typer.Exit


@app.callback()
def patina(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Patina restores deteriorated images of artworks."""


def main() -> None:
    """Run the command; a user's mistake gets a line, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files need not be UTF-8
            stream.reconfigure(errors="backslashreplace")
    with errors_as_lines():
        app()
