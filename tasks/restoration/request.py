"""The request of a user, the same for `patina restore`, the flow and the page, and how to run it.

In all three, the same request gives the same bytes.
"""

import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from patina.errors import InputError
from patina.tasks.io.atomic import Record
from patina.tasks.io.storage import Place, place_of
from patina.tasks.restoration.batch import chosen_model, load_restorer, restore_scans
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.iiif import served
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.option_values import Device, Precision, Quality
from patina.tasks.restoration.options import limited_gates, refuse_untreated, treatment_arguments
from patina.tasks.restoration.outbox import locked_outbox, summary_in
from patina.tasks.restoration.progress import ProgressCallback, no_progress
from patina.tasks.restoration.sidecars import OutputOptions, Served


@dataclass(frozen=True)
class RestoreRequest:
    """Which scans to restore, how, and which files to write.

    Raises InputError if treatments, strengths or limits are invalid, or if there is no inbox.
    """

    inboxes: tuple[str, ...]  # scans and folders of scans: local paths or addresses like s3://…
    outbox: str = "restored"  # the folder for results
    treat: str = ""  # treatments, separated by commas; "": those of the settings
    force: str = ""  # treatments to apply in full
    strength: str = "1"  # 0 to 1, one for all treatments or one for each
    limit_fill: str = ""  # largest area that is filled automatically, such as "0.5%"; "": settings
    mask: str = ""  # a mask or a folder of masks with the pixels to fill; "": none
    protect: str = ""  # the same with the pixels that must not change
    stains: str = ""  # the same with the stains that are corrected
    model: str = ""  # "": the champion, or else the shipped model
    quality: Quality = "fast"
    precision: Precision = "auto"
    device: Literal["", Device] = ""  # "": that of the settings
    recursive: bool = True  # also restore the images in subfolders
    keep_format: bool = False  # write JPEG as JPEG and WebP as WebP
    maps: bool = False  # also write the damage map and the map of the change
    package: bool = False  # also write the change package for `patina undo`
    iiif: bool = False  # also write tiles and a manifest for IIIF viewers
    iiif_base: str = ""  # address at which the outbox will be served; implies iiif
    report: bool = True  # write report.html

    def __post_init__(self) -> None:
        if not self.inboxes:
            raise InputError("restore: no scan was given; give scans or folders of scans")
        self.treatment_arguments()
        limited_gates(self.limit_fill, Gates().__dict__)

    @classmethod
    def of(cls, inboxes: Sequence[str], outbox: str, given: Mapping[str, Any]) -> "RestoreRequest":
        """The request with those values of `given` that are named as a field; others are ignored.

        Paths and numbers become text, None becomes "". Raises InputError as the class does.
        """
        named = {field.name: _plain(given[field.name]) for field in fields(cls)[2:]}
        return cls(tuple(inboxes), outbox, **named)

    def treatment_arguments(self) -> Record:
        """The requested treatments, as arguments of Restorer."""
        return treatment_arguments(self.treat, self.force, self.strength)

    def scans(self) -> list[tuple[Place, Place]]:
        """Each scan with the path of its result. Raises as `inbox.plan` and `iiif.served` do."""
        self.served()
        return plan(
            [place_of(inbox) for inbox in self.inboxes],
            place_of(self.outbox),
            recursive=self.recursive,
            keep_format=self.keep_format,
        )

    def served(self) -> Served | None:
        """The address for IIIF viewers; None if no IIIF files are requested."""
        if not self.iiif and not self.iiif_base:
            return None
        places = [place_of(inbox) for inbox in self.inboxes]
        return served(places, place_of(self.outbox), self.iiif_base)

    def command(self) -> str:
        """The command line of this request."""
        return shlex.join(["patina", "restore", *self.inboxes, *self._options()])

    def _options(self) -> Iterator[str]:
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            if value == field.default:
                continue
            option = field.name.replace("_", "-")
            if isinstance(value, bool):
                yield f"--{option}" if value else f"--no-{option}"
            else:
                yield from ("-o" if option == "outbox" else f"--{option}", str(value))


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return value
    return f"{value:g}" if isinstance(value, float) else str(value)


class Settings(Protocol):
    """The settings of params.yaml for restoring, such as `patina.params.Restore`."""

    @property
    def loading(self) -> Record:
        """The arguments of `load_restorer`."""

    @property
    def flags(self) -> Record:
        """The thresholds for flags, as arguments of OutputOptions."""


@dataclass(frozen=True)
class Job:
    """A request with its settings, ready to run."""

    scans: list[tuple[Place, Place]]  # each with the path of its result
    model: Path  # the file of the networks
    loading: dict[str, Any]  # arguments of `load_restorer`
    output: OutputOptions  # the files to write


def loading_of(request: RestoreRequest, settings: Settings) -> dict[str, Any]:
    """The arguments of `load_restorer` for a request.

    Raises InputError if a treatment is forced that is not applied.
    """
    how: Record = {"quality": request.quality, "precision": request.precision}
    how |= {"device": request.device} if request.device else {}
    limited = {"gates": limited_gates(request.limit_fill, settings.loading["gates"])}
    loading = settings.loading | request.treatment_arguments() | how | limited
    refuse_untreated(loading["treat"], loading["forced"])
    return loading


def job_of(request: RestoreRequest, settings: Settings) -> Job:
    """The request, ready to be run. Raises as `RestoreRequest.scans` and `loading_of` do."""
    published, outbox = request.served(), place_of(request.outbox)
    output = OutputOptions(
        maps=request.maps or bool(published),
        package=request.package,
        mask=Path(request.mask) if request.mask else None,
        protect=Path(request.protect) if request.protect else None,
        stains=Path(request.stains) if request.stains else None,
        iiif=published,
        report=outbox if request.report else None,
        **settings.flags,
    )
    model = chosen_model(Path(request.model) if request.model else None)
    return Job(request.scans(), model, loading_of(request, settings), output)


def restored(job: Job, on_progress: ProgressCallback = no_progress) -> Iterator[Record]:
    """The outcomes of a job's scans, one after the other.

    on_progress: is called with the progress of the current scan.
    """
    restorer = load_restorer(job.model, **job.loading)
    return restore_scans(job.scans, replace(restorer, on_progress=on_progress), job.output)


def run(
    request: RestoreRequest,
    settings: Settings,
    restored: Callable[[Job], Iterator[Record]] = restored,
) -> Generator[Record, None, None]:
    """Restore the scans of a request; yields the outcome of each scan.

    restored: runs a job in another way than one scan after the other. When this generator is
    closed, for any reason, summary.csv and failures.jsonl list all outcomes, and report.html is
    written if requested.
    """
    job = job_of(request, settings)
    coming, outbox = restored(job), place_of(request.outbox)
    with locked_outbox(outbox), summary_in(outbox, report=request.report) as outcomes:
        for outcome in coming:
            outcomes.append(outcome)
            yield outcome
