"""What lies on the desk of one user: a work, what is decided on it, and how it is saved."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from patina.app.choices import Choices, request_of
from patina.app.heaps import give_back
from patina.app.marks import Marks, ticked
from patina.app.remembering import remembering
from patina.app.work import Work, listed
from patina.params import Restore
from patina.tasks.io.atomic import Record, sha256_of
from patina.tasks.restoration.advance import Hear, unheard
from patina.tasks.restoration.batch import chosen_model, load_restorer, restore_scans
from patina.tasks.restoration.condition_report import file_reports, planned
from patina.tasks.restoration.decision import Damage, Piece
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.preview import Window
from patina.tasks.restoration.request import RestoreRequest, loading_of, run
from patina.tasks.restoration.restorer import Restorer, Treatment
from patina.tasks.restoration.sidecars import PLAIN, Filing, already_done, wanted_of

DROPPED, MARKS, CONDITION = "dropped", "marks", "condition"  # folders in the outbox


class Bench:
    """What all works share: the networks, loaded once, and the settings of params.yaml."""

    def __init__(self, settings: Restore) -> None:
        self.settings = settings
        self.model = chosen_model(None)
        self._load()

    def _load(self) -> None:
        self.restorer = load_restorer(self.model, **self.settings.applied)
        self._remembering = remembering(self.restorer.networks)

    def forget(self) -> None:
        """Make room for a work that is restored as a whole: what previews took is given back.

        The networks are loaded anew, within a second: each keeps room for all that it was shown.
        """
        del self.restorer, self._remembering
        give_back()
        self._load()

    def applying(self, request: RestoreRequest, *, preview: bool = False) -> Restorer:
        """The networks, applied as a request asks; those of a preview remember what they gave."""
        asked = loading_of(request, self.settings)
        restorer = replace(
            self.restorer,
            gates=Gates(**asked["gates"]),
            treat=tuple(asked["treat"]),
            forced=asked["forced"],
            strength=asked["strength"],
        )
        return replace(restorer, networks=self._remembering) if preview else restorer


@dataclass
class Desk:
    """A work on the bench.

    window: the part of it that is shown. marks: what is decided by hand. begun: how many of their
    strokes were drawn before the window's picture was. damage: what was found last. at: the area
    that is looked at, by its place in the list.
    """

    bench: Bench
    work: Work
    window: Window
    marks: Marks = field(init=False)
    begun: int = 0
    damage: Damage | None = None
    at: int | None = None

    def __post_init__(self) -> None:
        self.marks = Marks(self.work.size)

    def request(self, outbox: str, choices: Choices, marks: Marks) -> RestoreRequest:
        """The request that `save` runs. Raises InputError where it asks for what is not known."""
        out = Path(outbox.strip() or "restored")
        usual = self.bench.settings.treat
        masks = marks.names(self.work.path.name, out / MARKS)
        return request_of(self.work.path, out, choices, masks, usual)

    def found(self, request: RestoreRequest) -> Treatment:
        """What is found in the work."""
        return self.work.found(self.bench.applying(request, preview=True))

    def look_again(self, request: RestoreRequest, areas: Collection[int]) -> list[int]:
        """The areas that are ticked after a look with other choices: what was decided stays so.

        areas: those that were ticked before.
        """
        before, self.damage = self.damage, self.found(request).damage
        self.at = None
        usual = {*ticked(self.damage)}
        if not _same_areas(before, self.damage):
            return sorted(usual)
        decided = {*areas} ^ {*ticked(before)}
        return sorted(usual - decided | decided & {*areas})

    def deciding(self, marks: Marks, request: RestoreRequest, areas: Collection[int]) -> Marks:
        """The marks with the areas that are accepted and rejected.

        areas: those that are ticked in the list; those that are too many for it are filled as
        they would be.
        """
        treatment = self.found(request)
        unlisted = {*ticked(treatment.damage)} - {piece.label for piece in listed(treatment)}
        return marks.deciding(treatment.damage, {*areas} | unlisted)

    def step(self, by: int, pieces: Sequence[Piece]) -> None:
        """Look at the area that comes `by` places after the one that is looked at, in a ring."""
        if not pieces:
            self.at = None
            return
        before = self.at if self.at is not None else (-1 if by > 0 else 0)
        self.at = (before + by) % len(pieces)
        left, top, wide, tall = pieces[self.at].box
        assert self.damage is not None
        height, width = self.damage.labels.shape
        self.window = self.work.part((left + wide / 2) / width, (top + tall / 2) / height)

    def save(self, request: RestoreRequest, marks: Marks, hear: Hear = unheard) -> Record:
        """Restore the work as `patina restore` does, and give its outcome.

        hear: is told how far it is.
        """
        marks.file(self.work.path.name, Path(request.outbox) / MARKS)
        self.bench.forget()
        restorer = replace(self.bench.applying(request), hear=hear)
        (outcome,) = run(
            request,
            self.bench.settings,
            lambda job: restore_scans(job.scans, restorer, job.filing),
        )
        return outcome

    def report(self, request: RestoreRequest, marks: Marks) -> list[Path]:
        """File a condition report, as PDF and as HTML: of the result, if it is that of the request
        and the marks, else of the scan, with what would be done.
        """
        files = marks.file(self.work.path.name, Path(request.outbox) / MARKS)
        masks = Filing(mask=files.get("mask"), protect=files.get("protect"))
        folder, restorer = Path(request.outbox) / CONDITION, self.bench.applying(request)
        (scan, target), *_ = request.scans()
        wanted = wanted_of(scan, restorer, masks)
        source = {"sha256": sha256_of(self.work.path)}
        examined = target if already_done(target, source, wanted, PLAIN) else self.work.path
        assert isinstance(examined, Path)
        planned([examined], folder)
        original = self.work.path if examined == target else None
        return file_reports(examined, folder, restorer, given={}, original=original, marks=masks)


def _same_areas(before: Damage | None, now: Damage | None) -> bool:
    return before is not None and now is not None and np.array_equal(before.labels, now.labels)


def kept(dropped: Path, outbox: Path) -> Path:
    """Where a file that was dropped on the page is kept, so that a command can name it."""
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
