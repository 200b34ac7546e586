"""The state of the page for one user: an open work, the decisions on it, and saving it."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from patina.app.choices import Choices, request_of
from patina.app.loaded_model import LoadedModel
from patina.app.marks import Marks
from patina.app.strokes import Line
from patina.app.ticks import OTHERS, Ticks, automatic, labels_of, listed, unlisted
from patina.app.work import Work
from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.condition import key_of
from patina.tasks.restoration.condition_report import (
    file_reports,
    key_in,
    refuse_overwriting,
    reports_of,
)
from patina.tasks.restoration.damage import Damage, Piece
from patina.tasks.restoration.mask_files import FOLDER as MARKS
from patina.tasks.restoration.progress import ProgressCallback, no_progress
from patina.tasks.restoration.request import RestoreRequest, run
from patina.tasks.restoration.sidecars import DEFAULT_OUTPUT, OutputOptions, already_done, wanted_of
from patina.tasks.restoration.treatment import Treatment
from patina.tasks.restoration.windows import Window, cut

DROPPED, CONDITION = "dropped", "condition"  # folders in the outbox, beside mask_files.FOLDER
NEAR_PX = 12  # a click so near to an area, in pixels of the picture, is on it


def outbox_of(text: str) -> Path:
    """The folder for results that the page's field names; the default if it is empty."""
    return Path(text.strip() or "restored")


@dataclass
class Desk:
    """An open work and the decisions on it."""

    model: LoadedModel
    work: Work
    window: Window  # the part of the work that is shown
    opened: str = field(default_factory=lambda: uuid4().hex, init=False)  # name of this desk
    marks: Marks = field(init=False)  # decisions by hand
    ticks: Ticks = field(default_factory=Ticks)  # areas to fill
    older_strokes: int = 0  # number of strokes that the window's picture already contains
    damage: Damage | None = None  # result of the last analysis
    at: int | None = None  # place of the current area in the list
    line_from: tuple[float, float] | None = None  # (x, y) in the work, start of a line
    reported: tuple[str, int] | None = None  # state for which there is a condition report

    def __post_init__(self) -> None:
        self.marks = Marks(self.work.size)

    def remember(self, outbox: str) -> bool:
        """Load the decisions that were saved for this work; return whether there are any."""
        folder = outbox_of(outbox) / MARKS
        self.marks = Marks.filed(self.work.path.name, folder, self.work.size)
        return bool(self.marks.strokes)

    def request(self, outbox: str, choices: Choices, marks: Marks) -> RestoreRequest:
        """The request that `save` runs. Raises InputError if a choice is invalid."""
        out = outbox_of(outbox)
        usual = self.model.settings.treat
        masks = marks.names(self.work.path.name, out / MARKS)
        return request_of(self.work.path, out, choices, masks, usual)

    def found(self, request: RestoreRequest) -> Treatment:
        """The result of the analysis of the work for this request."""
        return self.work.found(self.model.applying(request, preview=True))

    def places(self, request: RestoreRequest) -> Damage | None:
        """The damage in the work for this request, with doubtful areas as proposals."""
        return self.work.places(self.model.applying(request, preview=True))

    def analyse_again(self, request: RestoreRequest, areas: Collection[int]) -> list[int]:
        """Analyse the work for other choices; return the labels of the areas to tick.

        areas: labels of the areas that were ticked before. The user's decisions stay, if the areas
        are the same.
        """
        before, self.damage = self.damage, self.places(request)
        self.at = None
        usual = automatic(self.damage)
        if not _same_areas(before, self.damage):
            return sorted(usual)
        decided = {*areas} ^ automatic(before)
        return sorted(usual - decided | decided & {*areas})

    def resume(self) -> list[int]:
        """The labels of the areas to tick, as the loaded decisions have them.

        Call it after `analyse_again`. What is left of the loaded decisions are strokes.
        """
        ticks = automatic(self.damage)
        if self.damage is None or not self.marks.strokes:
            return sorted(ticks)
        filled, spared = self.marks.covering(self.damage)
        shown = {piece.label for piece in listed(self.damage)}
        ticks = (ticks | filled & shown) - spared
        if spared >= {*unlisted(self.damage)}:
            ticks -= {OTHERS}
        self.marks = self.marks.resumed(self.damage, self._labels(ticks))
        return sorted(ticks)

    def _labels(self, ticks: Collection[int]) -> set[int]:
        """The labels of the areas to fill. ticks: those in the list, perhaps with OTHERS."""
        return {*ticks, *(unlisted(self.damage) if OTHERS in ticks else [])}

    def deciding(self, marks: Marks, areas: Collection[int], grown_px: int) -> Marks:
        """The marks, with accepted and rejected areas.

        areas: labels of the ticked areas, perhaps with OTHERS. grown_px: growth of accepted areas,
        in pixels of the scan.
        """
        return replace(marks, grown_px=grown_px).deciding(self.damage, self._labels(areas))

    def step(self, by: int, pieces: Sequence[Piece]) -> None:
        """Make the area `by` places after the current one the current area; after the last: the
        first.
        """
        before = self.at if self.at is not None else (-1 if by > 0 else 0)
        if pieces:
            self.go_to((before + by) % len(pieces), pieces)

    def go_to(self, at: int, pieces: Sequence[Piece]) -> None:
        """Make the area at a place in the list the current area, and show it at full size."""
        self.at = at
        left, top, wide, tall = pieces[at].box
        assert self.damage is not None
        height, width = self.damage.labels.shape
        self.window = self.work.part((left + wide / 2) / width, (top + tall / 2) / height)

    def has_old_report(self, request: RestoreRequest, marks: Marks) -> bool:
        """Whether there is a condition report that was made before the last decision or result."""
        report = self._report_for(request)
        return report is not None and self.reported != (request.command(), marks.digest())

    def _report_for(self, request: RestoreRequest) -> Path | None:
        """The last condition report of the scan, or of its result, in HTML."""
        (_, target), *_ = request.scans()
        folder = Path(request.outbox) / CONDITION
        named = {reports_of(Path(each.name), folder)[1] for each in (self.work.path, target)}
        found = [report for report in named if report.is_file()]
        return max(found, key=lambda report: report.stat().st_mtime_ns, default=None)

    def recognise_report(self, request: RestoreRequest, marks: Marks) -> None:
        """Find out whether the condition report in the outbox is one of the saved decisions."""
        (scan, target), *_ = request.scans()
        report = self._report_for(request)
        if report is None:
            return
        files = marks.names(self.work.path.name, Path(request.outbox) / MARKS)
        masks = _with_masks(files)
        wanted = wanted_of(scan, self.model.applying(request), masks)
        source = {"sha256": sha256_of(self.work.path)}
        made = False
        with suppress(ImageError):  # the result was changed by somebody
            made = bool(already_done(target, source, wanted, DEFAULT_OUTPUT))
        if key_in(report) == key_of(wanted | {"source": source}, made=made):
            self.reported = (request.command(), marks.digest())

    def click(self, index: Sequence[float], width_px: int, mark: int, *, goes_on: bool) -> None:
        """Begin a line at a clicked pixel of the window's picture, or end it there.

        index: (x, y) in the picture. width_px, mark: as in Line. goes_on: whether the next line
        begins where this one ends.
        """
        left, top, width, _ = self.window
        px = width / self.work.pixels(self.window).shape[1]
        place = (left + (int(index[0]) + 0.5) * px, top + (int(index[1]) + 0.5) * px)
        if self.line_from is None:
            self.line_from = place
            return
        self.marks = self.marks.drawn(Line(self.line_from, place, width_px, mark))
        self.line_from = place if goes_on else None

    def areas_at(self, index: Sequence[float]) -> set[int]:
        """The label of the listed area nearest to a clicked pixel; empty if none is near.

        index: (x, y) in the picture of the window.
        """
        if self.damage is None:
            return set()
        shown = self.work.pixels(self.window).shape
        labels, size = labels_of(self.damage), (shown[0], shown[1])
        seen = cut(labels, self.work.whole, self.window, size, smooth=False)
        ys, xs = np.nonzero(seen)
        far = np.hypot(xs - index[0], ys - index[1])
        if not far.size or far.min() > NEAR_PX:
            return set()
        nearest = far.argmin()
        return {int(seen[ys[nearest], xs[nearest]])}

    def undo(self) -> None:
        """Remove the start of a line, or the last stroke."""
        if self.line_from is None:
            self.marks = self.marks.undone()
        self.line_from = None

    def save(
        self, request: RestoreRequest, marks: Marks, on_progress: ProgressCallback = no_progress
    ) -> Record:
        """Restore the work as `patina restore` does; return its outcome.

        on_progress: is called with the progress.
        """
        marks.file(self.work.path.name, Path(request.outbox) / MARKS)
        self.reported = None
        self.model.reload()
        restorer = replace(self.model.applying(request), on_progress=on_progress)
        (outcome,) = run(
            request,
            self.model.settings,
            lambda job: restore_scans(job.scans, restorer, job.output),
        )
        self.recognise_report(request, marks)
        return outcome

    def report(self, request: RestoreRequest, marks: Marks) -> list[Path]:
        """Write a condition report, as PDF and HTML; return the files.

        It describes the saved result, if there is one for this request and these marks; else the
        scan, with the proposed treatments.
        """
        drawn = marks.file(self.work.path.name, Path(request.outbox) / MARKS)
        masks = _with_masks(drawn)
        folder, restorer = Path(request.outbox) / CONDITION, self.model.applying(request)
        (scan, target), *_ = request.scans()
        wanted = wanted_of(scan, restorer, masks)
        source = {"sha256": sha256_of(self.work.path)}
        examined = (
            target if already_done(target, source, wanted, DEFAULT_OUTPUT) else self.work.path
        )
        assert isinstance(examined, Path)
        refuse_overwriting([examined], folder)
        original = self.work.path if examined == target else None
        files = file_reports(examined, folder, restorer, given={}, original=original, marks=masks)
        self.reported = (request.command(), marks.digest())
        return files


def _with_masks(files: Mapping[str, Path]) -> OutputOptions:
    """The output options with the masks of `Marks.file`."""
    return OutputOptions(
        mask=files.get("mask"), protect=files.get("protect"), stains=files.get("stains")
    )


def _same_areas(before: Damage | None, now: Damage | None) -> bool:
    return before is not None and now is not None and np.array_equal(before.labels, now.labels)


def keep_dropped(dropped: Path, outbox: Path) -> Path:
    """Move a file that was dropped on the page into the outbox, so that a command can name it."""
    folder = outbox / DROPPED
    folder.mkdir(parents=True, exist_ok=True)
    number, target = 1, folder / dropped.name
    while target.exists():
        if sha256_of(target) == sha256_of(dropped):
            return target
        number += 1
        target = folder / f"{dropped.stem}-{number}{dropped.suffix}"
    shutil.move(dropped, target)
    return target
