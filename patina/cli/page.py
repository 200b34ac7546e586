"""`patina app`: a page in the browser on which you restore one work at a time."""

import threading
from typing import Annotated

import typer

from patina.errors import MissingExtraError


def app(
    outbox: Annotated[
        str,
        typer.Option("--out", "-o", help="The folder for results; you can change it on the page."),
    ] = "restored",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")] = 7860,
    host: Annotated[
        str,
        typer.Option(
            help="The address on which the page listens. With another address than 127.0.0.1, "
            "everybody who reaches it can read and write all files that you can."
        ),
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Open a page in the browser on which you restore one work at a time, until you press Ctrl-C.

    On the page you compare before and after, decide on each area of damage, and save. Only
    this machine can reach the page, unless you pass --host. The page shows the `patina restore`
    command that gives the same result.

    Example:  patina app
              patina app -o restored/ --port 7861 --no-browser
    """
    from patina import params
    from patina.app.server import serve, show

    def say(address: str) -> None:
        typer.echo(f"Patina's page: {address}  (press Ctrl-C to stop it)")
        if browser:
            threading.Timer(1.0, show, [address]).start()

    try:
        serve(host, port, outbox, params.restore_here(), say)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("patina"):
            raise
        raise MissingExtraError(error.name or "gradio", "patina app", extra="app") from error
