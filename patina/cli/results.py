"""Commands for results: `patina report`, `patina undo` and `patina condition`."""

from pathlib import Path
from typing import Annotated

import typer

from patina.errors import InputError


def report(
    outbox: Annotated[
        str,
        typer.Argument(
            help="The folder with the results of `patina restore`; a local path or s3://…"
        ),
    ] = "restored",
) -> None:
    """Write the report.html of a folder of results again; it opens from disk, without a network.

    It shows the works of all runs, before and after, with flagged works first. Its pictures are
    those that `patina restore` made.

    Example:  patina report restored/
    """
    from patina.tasks.io.storage import place_of
    from patina.tasks.restoration.report.page import write_report

    typer.echo(write_report(place_of(outbox)))


def undo(
    result: Annotated[Path, typer.Argument(help="A result of `patina restore --package`.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to write the original; the default is original-NAME beside the result.",
        ),
    ] = None,
) -> None:
    """Recover the original file of a result, byte for byte.

    Example:  patina undo restored/scan.tif -o scan.tif
    """
    from patina.tasks.io.progress import timed_lines
    from patina.tasks.restoration.undo import package_of
    from patina.tasks.restoration.undo import undo as recover

    package = package_of(result)
    with timed_lines("undo"):
        out = recover(result, package, out)
    typer.echo(f"{result} -> {out}")


def condition(
    scans: Annotated[
        list[Path], typer.Argument(metavar="SCAN", help="Scans, or results of `patina restore`.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the reports.")] = Path(
        "condition"
    ),
    original: Annotated[
        Path | None,
        typer.Option(
            "--scan",
            help="The scan from which a result was made; the default is its path in summary.csv.",
        ),
    ] = None,
    title: Annotated[str, typer.Option(help="The title; it overrides that of the manifest.")] = "",
    artist: Annotated[
        str, typer.Option(help="The artist; it overrides that of the manifest.")
    ] = "",
    accession: Annotated[
        str, typer.Option(help="The accession number; it overrides that of the manifest.")
    ] = "",
    width_mm: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="The width of the scanned surface in millimetres; the default is computed from "
            "the resolution of the file.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="The model to use; the default is the champion, or else the shipped model."
        ),
    ] = None,
) -> None:
    """Write a condition report of each scan, one page as PDF and as HTML.

    It has the numbered and measured areas of damage, the change of the colours, and the applied or
    proposed treatments. Title, artist and accession number come from the manifest.jsonl of a
    harvest (see `patina crawl`), if the scan belongs to one. Exit code: 0, or 1 if a scan was set
    aside.

    Examples:  patina condition scan.tif --title "Winter" --width-mm 812
               patina condition restored/scan.tif -o reports/
    """
    from patina import params
    from patina.tasks.imaging.faults import ImageError
    from patina.tasks.io.progress import timed_lines
    from patina.tasks.restoration.batch import chosen_model, load_restorer
    from patina.tasks.restoration.condition_report import file_reports, refuse_overwriting

    refuse_overwriting(scans, out)
    if len(scans) > 1 and (original or title or accession or width_mm):
        raise InputError(
            "condition: --scan, --title, --accession and --width-mm need exactly one scan"
        )
    given = {"title": title, "artist": artist, "accession": accession}
    restorer = load_restorer(chosen_model(model), **params.restore_here().loading)
    failed = 0
    for scan in scans:
        try:
            with timed_lines(scan.name):
                filed = file_reports(
                    scan, out, restorer, given=given, original=original, width_mm=width_mm
                )
        except ImageError as error:
            failed += 1
            typer.echo(f"set aside: {error}", err=True)
            continue
        typer.echo(f"{scan} -> {', '.join(map(str, filed))}")
    raise typer.Exit(1 if failed else 0)
