"""The `patina` command."""

import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from patina.crawler import MUSEUMS
from patina.errors import InputError, errors_as_lines

MUSEUM = f"{', '.join(MUSEUMS[:-1])} or {MUSEUMS[-1]}"

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
    from patina.flows.run import run as run_all

    raise typer.Exit(run_all())


@app.command()
def restore(
    inboxes: Annotated[
        list[str],
        typer.Argument(metavar="IN...", help="Images, and folders of them, here or at s3://…"),
    ],
    outbox: Annotated[
        str, typer.Option("--out", "-o", help="Where results go, here or at s3://…")
    ] = "restored",
    recursive: Annotated[bool, typer.Option(help="Folders within folders, too.")] = True,
    model: Annotated[
        Path | None,
        typer.Option(help="A model; else the champion, else the one that is shipped."),
    ] = None,
    treat: Annotated[
        str,
        typer.Option(
            help="The treatments to apply: detail, damage, tone, craquelure, with commas between. "
            "By default detail, damage and tone. Age cracks are filled only with craquelure."
        ),
    ] = "",
    force: Annotated[
        str,
        typer.Option(
            help="Treatments that the works are known to need; they are applied in full, even "
            "where Patina is not sure that a work needs them: --force tone."
        ),
    ] = "",
    sure: Annotated[str, typer.Option(help="The former name of --force.", hidden=True)] = "",
    strength: Annotated[
        str,
        typer.Option(
            help="How strongly to apply the treatments, 0 to 1, for all or for each: "
            "damage:0.5,tone:0.8."
        ),
    ] = "1",
    protect: Annotated[
        Path | None,
        typer.Option(help="A mask, or a folder of masks named as the scans: not black stays."),
    ] = None,
    quality: Annotated[
        str, typer.Option(help="fast, or best: the mean over mirror images, four times as long.")
    ] = "fast",
    precision: Annotated[
        str, typer.Option(help="f32, bf16, or auto: bf16 where the CPU has it.")
    ] = "auto",
    keep_format: Annotated[
        bool, typer.Option("--keep-format", help="JPEG stays JPEG, WebP stays WebP; else TIFF.")
    ] = False,
    maps: Annotated[
        bool, typer.Option("--maps", help="File a map of the damage and one of the change, too.")
    ] = False,
    package: Annotated[
        bool, typer.Option("--package", help="File what `patina undo` needs, too.")
    ] = False,
    iiif: Annotated[
        bool, typer.Option("--iiif", help="File tiles and a manifest for IIIF viewers, too.")
    ] = False,
    iiif_base: Annotated[
        str, typer.Option(help="The address at which the outbox will be served; implies --iiif.")
    ] = "",
    report: Annotated[
        bool,
        typer.Option(help="Write report.html, a page that shows each work before and after."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be done.")
    ] = False,
) -> None:
    """Restore images at their own size and depth.

    Beside each result lies a .json sidecar that says what was changed. report.html shows all works
    in a browser, before and after. summary.csv lists all results, failures.jsonl the files that
    could not be restored; the others go on. Results that are there already are not done again.
    Exit code: 0, or 1 when a file was set aside.

    Examples:  patina restore scan.tif
               patina restore scans/ more/*.tif -o restored/ --dry-run
               patina restore scan.tif --treat detail --strength 0.5 --maps
               patina restore yellowed.tif --force tone
               patina restore scan.tif --protect signature.png --package
               patina restore s3://lab/scans -o s3://lab/restored
               patina restore scans/ --iiif-base https://museum.org/restored
    """
    from patina.tasks.io.storage import place_of
    from patina.tasks.restoration.batch import plan
    from patina.tasks.restoration.iiif import served
    from patina.tasks.restoration.options import applied
    from patina.tasks.restoration.outbox import neutral

    if sure:
        typer.echo("patina: --sure is now called --force; the old name goes in the next version")
    asked = applied(treat, ",".join(filter(None, (force, sure))), strength)
    out = place_of(outbox)
    places = [place_of(inbox) for inbox in inboxes]
    published = served(places, out, iiif_base) if iiif or iiif_base else None
    scans = plan(places, out, recursive=recursive, keep_format=keep_format)
    if dry_run:
        for source, target in scans:
            typer.echo(neutral(f"{source} -> {target}"))
        return
    from patina import params
    from patina.tasks.restoration.batch import (
        chosen_model,
        held,
        load_restorer,
        restore_scans,
        summary_in,
        summed_up,
    )
    from patina.tasks.restoration.endings import ended_by_signals
    from patina.tasks.restoration.sidecars import Filing

    settings = params.restore_here()
    restorer = load_restorer(
        chosen_model(model),
        precision=precision,
        quality=quality,
        **settings.applied | asked,
    )
    filing = Filing(
        maps=maps or bool(published),
        package=package,
        protect=protect,
        iiif=published,
        report=out if report else None,
        **settings.flags,
    )
    with ended_by_signals() as end_if_told, held(out), summary_in(out, report=report) as outcomes:
        for outcome in _shown(restore_scans(scans, restorer, filing), len(scans)):
            outcomes.append(outcome)  # in turn: they are told of, however the run ends
            end_if_told()
    typer.echo(f"{summed_up(outcomes, out)} -> {out / 'report.html' if report else f'{out}/'}")
    raise typer.Exit(1 if any("reason" in outcome for outcome in outcomes) else 0)


def _shown(outcomes: Iterator[dict[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """The `outcomes`, told while they come: done, total, time left, megapixels a second."""
    import time

    from patina.tasks.io.progress import Progress
    from patina.tasks.restoration.batch import speed
    from patina.tasks.restoration.outbox import neutral

    megapixels, started = 0.0, time.monotonic()
    with Progress() as bar:
        task = bar.add_task("restore", total=total, note="")
        for outcome in outcomes:
            megapixels += outcome.get("megapixels", 0)
            bar.update(task, advance=1, note=speed(megapixels, started))
            for line in _told(outcome, total):
                bar.say(neutral(line))
            yield outcome


TOLD = 20  # scans, up to which each is told of; of more, only those set aside and flagged


def _told(outcome: dict[str, Any], total: int) -> list[str]:
    """What the terminal says of a scan: what was done, or why it was set aside; its notes."""
    if "reason" in outcome:
        return [f"set aside: {outcome['reason']}"]
    notes = [f"note: {Path(outcome['file']).name}: {note}" for note in outcome.get("notes", [])]
    if total > TOLD and not outcome["flags"]:
        return notes
    flags = "".join(f"; flagged: {flag}" for flag in outcome["flags"])
    done = outcome["summary"].removeprefix("left alone: ").removeprefix("left alone; ")
    return [f"{outcome['outcome']}: {Path(outcome['file']).name}: {done}{flags}", *notes]


@app.command()
def report(
    outbox: Annotated[
        str, typer.Argument(help="Where `patina restore` put its results, here or at s3://…")
    ] = "restored",
) -> None:
    """Write report.html of an outbox again: a page that opens from disk, without a network.

    It shows the works of all runs, before and after, the flagged ones first. Their pictures were
    filed while they were restored.

    Example:  patina report restored/
    """
    from patina.tasks.io.storage import place_of
    from patina.tasks.restoration.report.page import write_report

    typer.echo(write_report(place_of(outbox)))


@app.command()
def undo(
    result: Annotated[Path, typer.Argument(help="A result of `patina restore --package`.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The original; else original-NAME beside the result."),
    ] = None,
) -> None:
    """Give the file back that was restored, byte for byte.

    Example:  patina undo restored/scan.tif -o scan.tif
    """
    from patina.tasks.restoration.undo import package_of
    from patina.tasks.restoration.undo import undo as give_back

    package = package_of(result)
    out = give_back(result, package, out)
    typer.echo(f"{result} -> {out}")


@app.command()
def condition(
    scans: Annotated[
        list[Path], typer.Argument(metavar="SCAN...", help="Scans, or results of patina restore.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the reports.")] = Path(
        "condition"
    ),
    original: Annotated[
        Path | None,
        typer.Option("--scan", help="The scan of a result; else summary.csv names it."),
    ] = None,
    title: Annotated[str, typer.Option(help="Of the work, instead of the manifest's.")] = "",
    artist: Annotated[str, typer.Option(help="Of the work, instead of the manifest's.")] = "",
    accession: Annotated[str, typer.Option(help="Accession number of the work.")] = "",
    width_mm: Annotated[
        float | None,
        typer.Option(min=0.1, help="Width of what the scan shows; else the file's resolution."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="A model; else the champion, else the one that is shipped."),
    ] = None,
) -> None:
    """Write a condition report of each scan: one page, as PDF and as HTML.

    It shows the areas of damage, numbered and measured, what the colours lack, and what was
    treated, or is proposed. Title, artist and accession number come from the manifest.jsonl of a
    harvest, if the scan is of one. Exit code: 0, or 1 when a scan was set aside.

    Examples:  patina condition scan.tif --title "Winter" --width-mm 812
               patina condition restored/scan.tif -o reports/
    """
    from patina import params
    from patina.tasks.imaging.images import ImageError
    from patina.tasks.restoration.batch import chosen_model, load_restorer
    from patina.tasks.restoration.condition_report import file_reports, planned

    planned(scans, out)
    if len(scans) > 1 and (original or title or accession or width_mm):
        raise InputError("condition: --scan, --title, --accession and --width-mm are of one scan")
    given = {"title": title, "artist": artist, "accession": accession}
    restorer = load_restorer(chosen_model(model), **params.restore_here().applied)
    failed = 0
    for scan in scans:
        try:
            filed = file_reports(
                scan, out, restorer, given=given, original=original, width_mm=width_mm
            )
        except ImageError as error:
            failed += 1
            typer.echo(f"set aside: {error}", err=True)
            continue
        typer.echo(f"{scan} -> {', '.join(map(str, filed))}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def promote(
    sound: Annotated[
        Path | None,
        typer.Option(help="A folder of undamaged works of yours that it must not harm either."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how it compares.")] = False,
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
    from patina.tasks.restoration.batch import CHAMPION

    if from_mlflow:
        typer.echo(f"Promoted, as MLflow says: version {follow_mlflow()}: {CHAMPION}")
        return

    rules = decide(dry_run=dry_run, sound=sound)
    for rule in rules:
        typer.echo(str(rule))
    if failed := sum(not rule.holds for rule in rules):
        typer.echo(f"Not promoted: {failed} of {len(rules)} rules fail.")
        raise typer.Exit(1)
    typer.echo("It would be promoted." if dry_run else f"Promoted: {CHAMPION}")


@app.command()
def compare(
    experiments: Annotated[
        list[str] | None, typer.Argument(help="Experiments of DVC; all of this commit if none.")
    ] = None,
    port: Annotated[int, typer.Option(help="Of the MLflow UI, on 127.0.0.1.")] = 5000,
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
    from patina.tasks.dataset.recipes import read_recipe, recipe_by_hand
    from patina.tasks.dataset.twins import deteriorate_file
    from patina.tasks.degradations import DEGRADATIONS

    if (steps is None) == (recipe is None):
        known = ", ".join(DEGRADATIONS)
        raise InputError(f"degrade: give either --steps or --recipe; the degradations are {known}")
    made = read_recipe(recipe) if recipe else recipe_by_hand(image.stem, steps or "", seed=seed)
    deteriorate_file(image, out, made)
    typer.echo(f"{image} -> {out}")


@app.command()
def crawl(
    source: Annotated[
        str | None, typer.Argument(help=f"{MUSEUM}; crawl.source if not given.")
    ] = None,
    query: Annotated[
        str | None, typer.Argument(help="Words to search for; of iiif the address of a manifest.")
    ] = None,
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
               patina crawl iiif https://museum.org/iiif/collection.json --limit 0
    """
    from patina import params
    from patina.flows.crawl_process import fetch

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
        raise InputError(f"crawl: {asked.source!r} is no museum; give {MUSEUM}")
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

    A Prefect server is started too, unless PREFECT_API_URL names one; it answers programs and
    browsers of this machine only. One batch runs at a time. The deployment crawl/nightly keeps
    its schedule only if crawl.source is a museum. Runs that have begun end with this command.

    Example:  patina serve
              export PREFECT_API_URL=…    (as it says)
              prefect deployment run restore/batch -p inbox=/scans -p outbox=/restored
    """
    from patina.flows.serving import serve as serve_until_stopped

    raise typer.Exit(serve_until_stopped())


def main() -> None:
    """Run the command; a user's mistake gets a line, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files need not be UTF-8
            stream.reconfigure(errors="backslashreplace")
    with errors_as_lines():
        app()


if __name__ == "__main__":
    main()
