"""`patina restore`, and its messages on the terminal."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from patina.tasks.restoration.option_values import (
    DEFAULT_TREATMENTS,
    TREATMENTS,
    Device,
    Precision,
    Quality,
)

if TYPE_CHECKING:
    from patina.tasks.io.progress import Progress
    from patina.tasks.restoration.progress import Step
    from patina.tasks.restoration.request import Job, RestoreRequest

TREATED, FILED, RUN = "Treatments", "Output", "Run"  # panels of the help


def restore(
    inboxes: Annotated[
        list[str],
        typer.Argument(metavar="IN", help="Images, or folders of images; local paths or s3://…"),
    ],
    treat: Annotated[
        str,
        typer.Option(
            help=f"The treatments to apply, separated by commas: {', '.join(TREATMENTS)}. The "
            f"default is restore.treat in params.yaml, or else {','.join(DEFAULT_TREATMENTS)}. "
            "Only craquelure fills age cracks.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    force: Annotated[
        str,
        typer.Option(
            help="Treatments that you know the works need, such as tone. They are applied in full, "
            "without a check whether a work needs them. With stains, those that are only proposed "
            "are corrected, too. --treat must name these treatments, too.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    sure: Annotated[str, typer.Option(help="The former name of --force.", hidden=True)] = "",
    strength: Annotated[
        str,
        typer.Option(
            help="How strongly to apply the treatments, 0 to 1: one number for all, or one for "
            "each, such as damage:0.5,tone:0.8.",
            rich_help_panel=TREATED,
        ),
    ] = "1",
    limit_fill: Annotated[
        str,
        typer.Option(
            help="The largest area that is filled automatically, as a share of the work: 0.5% or "
            "0.005. Larger areas are only proposed; narrow ones are filled at any size.",
            rich_help_panel=TREATED,
        ),
    ] = "",
    mask: Annotated[
        Path | None,
        typer.Option(
            help="A mask, or a folder of masks with the names of the scans. All pixels where the "
            "mask is not black are filled.",
            rich_help_panel=TREATED,
        ),
    ] = None,
    protect: Annotated[
        Path | None,
        typer.Option(
            help="A mask, or a folder of masks with the names of the scans. Pixels where the mask "
            "is not black never change, even if --mask marks them.",
            rich_help_panel=TREATED,
        ),
    ] = None,
    stains: Annotated[
        Path | None,
        typer.Option(
            help="A mask, or a folder of masks with the names of the scans. Stains, spills and "
            "tape where the mask is not black are corrected, and the picture under them is kept. "
            "Mark a narrow margin, too.",
            rich_help_panel=TREATED,
        ),
    ] = None,
    outbox: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="The folder for results; a local path or s3://…",
            rich_help_panel=FILED,
        ),
    ] = "restored",
    keep_format: Annotated[
        bool,
        typer.Option(
            "--keep-format",
            help="Write JPEG as JPEG and WebP as WebP; otherwise they become TIFF.",
            rich_help_panel=FILED,
        ),
    ] = False,
    maps: Annotated[
        bool,
        typer.Option(
            "--maps",
            help="Also write a map of the damage and a map of the change.",
            rich_help_panel=FILED,
        ),
    ] = False,
    package: Annotated[
        bool,
        typer.Option(
            "--package",
            help="Also write the package that `patina undo` needs.",
            rich_help_panel=FILED,
        ),
    ] = False,
    iiif: Annotated[
        bool,
        typer.Option(
            "--iiif",
            help="Also write tiles and a manifest for IIIF viewers.",
            rich_help_panel=FILED,
        ),
    ] = False,
    iiif_base: Annotated[
        str,
        typer.Option(
            help="The web address from which you will serve the results; implies --iiif.",
            rich_help_panel=FILED,
        ),
    ] = "",
    report: Annotated[
        bool,
        typer.Option(
            help="Write report.html, which shows each work before and after.",
            rich_help_panel=FILED,
        ),
    ] = True,
    recursive: Annotated[
        bool, typer.Option(help="Also restore the images in subfolders.", rich_help_panel=RUN)
    ] = True,
    model: Annotated[
        Path | None,
        typer.Option(
            help="The model to use; the default is the champion, or else the shipped model.",
            rich_help_panel=RUN,
        ),
    ] = None,
    quality: Annotated[
        Quality,
        typer.Option(
            help="best averages over four mirrored versions of each tile; the networks then take "
            "four times as long as with fast.",
            rich_help_panel=RUN,
        ),
    ] = "fast",
    precision: Annotated[
        Precision,
        typer.Option(
            help="auto uses bf16 on a CPU and f16 on a GPU, and f32 if these are not supported. "
            "bf16 needs a CPU.",
            rich_help_panel=RUN,
        ),
    ] = "auto",
    device: Annotated[
        Literal["", Device],
        typer.Option(
            metavar="CPU|GPU|AUTO",
            help="GPU is an Intel GPU; AUTO is the GPU if there is one. The default is "
            "restore.device in params.yaml, or else CPU.",
            rich_help_panel=RUN,
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Only list the scans and their results.", rich_help_panel=RUN
        ),
    ] = False,
) -> None:
    """Restore images at their original size and bit depth.

    Patina writes a .json sidecar beside each result; it records what was changed. report.html shows
    all works in a browser, before and after. summary.csv lists all results. A file that cannot be
    restored is set aside: failures.jsonl lists it with the reason, and the run continues with the
    other files. A result that exists already is not computed again. Exit code: 0, or 1 if a file
    was set aside.

    Examples:  patina restore scan.tif
               patina restore scans/ more/*.tif -o restored/ --dry-run
               patina restore scan.tif --treat detail --strength 0.5 --maps
               patina restore yellowed.tif --force tone
               patina restore scan.tif --mask damage.png --protect signature.png --package
               patina restore scan.tif --stains spill.png
               patina restore scan.tif --limit-fill 0.5%
               patina restore s3://lab/scans -o s3://lab/restored
               patina restore scans/ --iiif-base https://museum.org/restored
    """
    from patina.tasks.restoration.request import RestoreRequest

    if sure:
        typer.echo("patina: --sure is now called --force; the next version will not accept --sure")
    force = ",".join(filter(None, (force, sure)))
    request = RestoreRequest.of(inboxes, outbox, locals())
    if dry_run:
        from patina.tasks.restoration.outbox import neutral

        for source, target in request.scans():
            typer.echo(neutral(f"{source} -> {target}"))
        return
    raise typer.Exit(_run(request))


def _run(request: "RestoreRequest") -> int:
    """Run the request, print its outcomes, and return the exit code."""
    from patina import params
    from patina.tasks.io.malloc import few_heaps
    from patina.tasks.io.storage import place_of
    from patina.tasks.restoration.batch import run_summary
    from patina.tasks.restoration.report.summary import UNTOUCHED
    from patina.tasks.restoration.request import run
    from patina.tasks.restoration.signals import exit_on_signals

    few_heaps()
    with (
        exit_on_signals() as end_if_signalled,
        closing(
            run(request, params.restore_here(), lambda job: _shown(job, end_if_signalled))
        ) as coming,
    ):
        outcomes = [*coming]
    out = place_of(request.outbox)
    typer.echo(
        f"{run_summary(outcomes, out)} -> {out / 'report.html' if request.report else f'{out}/'}"
    )
    if any(outcome.get("outcome") == UNTOUCHED for outcome in outcomes):
        typer.echo(HINT, err=True)
    return 1 if any("reason" in outcome for outcome in outcomes) else 0


def _shown(job: "Job", end_if_signalled: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Yield the outcomes of `job`, and show the progress of the run and of the current scan.

    end_if_signalled: ends the run if a signal has arrived; called after each recorded outcome.
    """
    from patina.tasks.io.progress import Progress
    from patina.tasks.restoration.outbox import neutral
    from patina.tasks.restoration.request import restored

    total, names = len(job.scans), Counter(source.name for source, _ in job.scans)
    with Progress() as bar:
        progress = _RunProgress(job, bar)
        for outcome in restored(job, progress.on_progress):
            progress.count(outcome)
            file = Path(outcome["file"])
            name = file.name if names[file.name] == 1 else f"{file.parent.name}/{file.name}"
            for line in lines_of(outcome, name, total):
                bar.say(neutral(line))
            yield outcome
            end_if_signalled()  # the caller has recorded the outcome, so it is in the summary


class _RunProgress:
    """Advances the progress bar of a run, with each scan and with the steps inside a scan."""

    def __init__(self, job: "Job", bar: "Progress") -> None:
        self.scans, self.bar = job.scans, bar
        self.task = bar.add_task("restore", total=len(job.scans), note="")
        self.done, self.megapixels, self.started = 0, 0.0, time.monotonic()

    def on_progress(self, step: "Step") -> None:
        """Show the progress of the current scan."""
        from patina.tasks.restoration.outbox import neutral

        name = neutral(self.scans[self.done][0].name)
        self._show(self.done + step.share, f"{name}: {step}")

    def count(self, outcome: dict[str, Any]) -> None:
        """Count a finished scan."""
        from patina.tasks.restoration.batch import speed

        self.done += 1
        self.megapixels += outcome.get("megapixels", 0)
        self._show(self.done, speed(self.megapixels, self.started))

    def _show(self, completed: float, note: str) -> None:
        self.bar.update(self.task, completed=completed, note=note)


# With more scans, only those that are set aside or flagged, or have notes, get a line
MOST_LINES = 20
HINT = (
    "hint: If you see damage in an untouched scan, pass --force damage, or mark it in `patina app`."
)


def lines_of(outcome: dict[str, Any], name: str, total: int) -> list[str]:
    """The lines on the terminal for a scan: what was done or why it was set aside; its notes.

    name: of its file, with its folder if another scan has the same name.
    """
    if "reason" in outcome:
        bare = f"{Path(outcome['file']).name}: "
        reason = outcome["reason"]
        if reason.startswith(bare):
            reason = f"{name}: {reason.removeprefix(bare)}"
        return [f"set aside: {reason}"]
    notes = [f"note: {name}: {note}" for note in outcome.get("notes", [])]
    if total > MOST_LINES and not outcome["flags"]:
        return notes
    done = outcome["summary"].removeprefix("unchanged: ").removeprefix("unchanged; ")
    further = [flag for flag in outcome["flags"] if flag not in done]
    state = f"{outcome['outcome']}, flagged" if outcome["flags"] else outcome["outcome"]
    return [f"{state}: {name}: {'; '.join([done, *further])}", *notes]
