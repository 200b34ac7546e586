"""Restoring scans, and what the terminal says of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from patina.tasks.io.progress import Progress
    from patina.tasks.restoration.advance import Step
    from patina.tasks.restoration.request import Job, RestoreRequest

TREATED, FILED, RUN = "What is treated", "What is filed", "The run"  # panels of the help


def restore(
    inboxes: Annotated[
        list[str],
        typer.Argument(metavar="IN...", help="Images, and folders of them, here or at s3://…"),
    ],
    treat: Annotated[
        str,
        typer.Option(
            help="The treatments to apply: detail, damage, tone, craquelure, with commas between. "
            "By default detail, damage and tone. Age cracks are filled only with craquelure.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    force: Annotated[
        str,
        typer.Option(
            help="Treatments that the works are known to need; they are applied in full, even "
            "where Patina is not sure that a work needs them: --force tone.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    sure: Annotated[str, typer.Option(help="The former name of --force.", hidden=True)] = "",
    strength: Annotated[
        str,
        typer.Option(
            help="How strongly to apply the treatments, 0 to 1, for all or for each: "
            "damage:0.5,tone:0.8.",
            rich_help_panel=TREATED,
        ),
    ] = "1",
    limit_fill: Annotated[
        str,
        typer.Option(
            help="The largest single area that is filled without being asked for, of the work: "
            "0.5% or 0.005. Larger ones are proposed; thin ones are filled.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    mask: Annotated[
        Path | None,
        typer.Option(
            help="A mask, or a folder of masks named as the scans: not black is filled, whatever "
            "is found there.",
            rich_help_panel=TREATED,
        ),
    ] = None,
    protect: Annotated[
        Path | None,
        typer.Option(
            help="A mask, or a folder of masks named as the scans: not black stays, even where "
            "--mask has it filled.",
            rich_help_panel=TREATED,
        ),
    ] = None,
    outbox: Annotated[
        str,
        typer.Option(
            "--out", "-o", help="Where results go, here or at s3://…", rich_help_panel=FILED
        ),
    ] = "restored",
    keep_format: Annotated[
        bool,
        typer.Option(
            "--keep-format",
            help="JPEG stays JPEG, WebP stays WebP; else TIFF.",
            rich_help_panel=FILED,
        ),
    ] = False,
    maps: Annotated[
        bool,
        typer.Option(
            "--maps",
            help="File a map of the damage and one of the change, too.",
            rich_help_panel=FILED,
        ),
    ] = False,
    package: Annotated[
        bool,
        typer.Option(
            "--package", help="File what `patina undo` needs, too.", rich_help_panel=FILED
        ),
    ] = False,
    iiif: Annotated[
        bool,
        typer.Option(
            "--iiif",
            help="File tiles and a manifest for IIIF viewers, too.",
            rich_help_panel=FILED,
        ),
    ] = False,
    iiif_base: Annotated[
        str,
        typer.Option(
            help="The address at which the outbox will be served; implies --iiif.",
            rich_help_panel=FILED,
        ),
    ] = "",
    report: Annotated[
        bool,
        typer.Option(
            help="Write report.html, a page that shows each work before and after.",
            rich_help_panel=FILED,
        ),
    ] = True,
    recursive: Annotated[
        bool, typer.Option(help="Folders within folders, too.", rich_help_panel=RUN)
    ] = True,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A model; else the champion, else the one that is shipped.", rich_help_panel=RUN
        ),
    ] = None,
    quality: Annotated[
        Literal["fast", "best"],
        typer.Option(
            help="fast, or best: the mean over mirror images, four times as long.",
            rich_help_panel=RUN,
        ),
    ] = "fast",
    precision: Annotated[
        Literal["auto", "f32", "bf16"],
        typer.Option(help="f32, bf16, or auto: bf16 where the CPU has it.", rich_help_panel=RUN),
    ] = "auto",
    device: Annotated[
        Literal["", "CPU", "GPU", "AUTO"],
        typer.Option(
            help="CPU, GPU (one of Intel), or AUTO: that, if there is one. By default as "
            "params.yaml says: CPU.",
            rich_help_panel=RUN,
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only list what would be done.", rich_help_panel=RUN),
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
               patina restore scan.tif --mask damage.png --protect signature.png --package
               patina restore scan.tif --limit-fill 0.5%
               patina restore s3://lab/scans -o s3://lab/restored
               patina restore scans/ --iiif-base https://museum.org/restored
    """
    from patina.tasks.restoration.request import RestoreRequest

    if sure:
        typer.echo("patina: --sure is now called --force; the old name goes in the next version")
    request = RestoreRequest(
        tuple(inboxes),
        outbox,
        treat=treat,
        force=",".join(filter(None, (force, sure))),
        strength=strength,
        limit_fill=limit_fill,
        mask=str(mask or ""),
        protect=str(protect or ""),
        model=str(model or ""),
        quality=quality,
        precision=precision,
        device=device,
        recursive=recursive,
        keep_format=keep_format,
        maps=maps,
        package=package,
        iiif=iiif,
        iiif_base=iiif_base,
        report=report,
    )
    if dry_run:
        from patina.tasks.restoration.outbox import neutral

        for source, target in request.scans():
            typer.echo(neutral(f"{source} -> {target}"))
        return
    raise typer.Exit(_run(request))


def _run(request: "RestoreRequest") -> int:
    """Run it and tell of it: the exit code."""
    from patina import params
    from patina.tasks.io.storage import place_of
    from patina.tasks.restoration.batch import summed_up
    from patina.tasks.restoration.endings import ended_by_signals
    from patina.tasks.restoration.request import run

    with (
        ended_by_signals() as end_if_told,
        closing(
            run(request, params.restore_here(), lambda job: _shown(job, end_if_told))
        ) as coming,
    ):
        outcomes = [*coming]
    out = place_of(request.outbox)
    typer.echo(
        f"{summed_up(outcomes, out)} -> {out / 'report.html' if request.report else f'{out}/'}"
    )
    return 1 if any("reason" in outcome for outcome in outcomes) else 0


def _shown(job: "Job", end_if_told: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """The outcomes of `job`, told while they come: scans, and how far the one in work is."""
    from patina.tasks.io.progress import Progress
    from patina.tasks.restoration.outbox import neutral
    from patina.tasks.restoration.request import restored

    total = len(job.scans)
    with Progress() as bar:
        far = _Far(job, bar)
        for outcome in restored(job, far.hear):
            far.count(outcome)
            for line in _told(outcome, total):
                bar.say(neutral(line))
            yield outcome
            end_if_told()  # once the outcome is kept: it is told of, however the run ends


class _Far:
    """Moves the bar of a run: by whole scans, and meanwhile by the steps of the work on one."""

    def __init__(self, job: "Job", bar: "Progress") -> None:
        self.scans, self.bar = job.scans, bar
        self.task = bar.add_task("restore", total=len(job.scans), note="")
        self.done, self.megapixels, self.started = 0, 0.0, time.monotonic()

    def hear(self, step: "Step") -> None:
        """Of how far the work on the scan is that comes next."""
        from patina.tasks.restoration.outbox import neutral

        name = neutral(self.scans[self.done][0].name)
        self._show(self.done + step.share, f"{name}: {step}")

    def count(self, outcome: dict[str, Any]) -> None:
        """A scan is done."""
        from patina.tasks.restoration.batch import speed

        self.done += 1
        self.megapixels += outcome.get("megapixels", 0)
        self._show(self.done, speed(self.megapixels, self.started))

    def _show(self, completed: float, note: str) -> None:
        self.bar.update(self.task, completed=completed, note=note)


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
