"""The behaviour of the page: handlers of its events."""

from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from patina.app.controls import (
    as_opened,
    choices_of,
    closed,
    compared,
    decided,
    name_of_list,
    new_areas,
    new_ticks,
    undo_buttons,
)
from patina.app.desk import Desk, keep_dropped, outbox_of
from patina.app.drawing import with_cross, with_damage, with_frame
from patina.app.events import EACH, LAST, LINE_MARKS, QUIET, TICKING, errors_shown, of_open_work
from patina.app.layout import PART, WHOLE, Layout
from patina.app.loaded_model import LoadedModel
from patina.app.marks import Marks
from patina.app.ticks import listed
from patina.app.words import (
    CHOOSE,
    DECIDES,
    REMEMBERED,
    current_area,
    reported_line,
    saved_line,
)
from patina.app.work import Work
from patina.errors import InputError
from patina.tasks.restoration.damage import Damage


class Page(Layout):
    """The page with the networks of `model`, and `outbox` as the default folder for results."""

    def __init__(self, model: LoadedModel, outbox: str) -> None:
        super().__init__(outbox)
        self.model = model
        with self.blocks:
            self._connect()

    def _connect(self) -> None:
        choices = [
            *(self.opened, *self.modes, *self.strengths),
            *(self.limit, self.grow, self.outbox),
        ]
        given = [self.desk, self.editor, self.areas, *choices]
        compared = [self.slider, self.found, self.command]
        looks = [*compared, self.overview, self.editor, self.lines, self.undo, self.clear]
        kept = [self.save, self.report, self.saved, self.reports]
        deciding = [self.back, self.on, self.fill, self.leave, *self.all.values()]
        ticks = [self.opened, self.areas]
        current = [*ticks, self.at, self.shown, self.grow]
        opened = [self.desk, *current, *kept, *deciding, *looks]
        opening = [self.path, self.desk, *choices]
        gr.on(
            [self.open.click, self.path.submit], errors_shown(self._open), opening, opened, **QUIET
        )
        dropping = [self.drop, self.desk, *choices]
        self.drop.upload(
            errors_shown(self._dropped), dropping, [self.path, self.drop, *opened], **QUIET
        )
        for event in [*(each.release for each in self.strengths), self.outbox.change]:
            event(of_open_work(self._refresh), given, compared, **QUIET)
        limited = [self.limit.submit, self.limit.blur]
        for event in [*(mode.input for mode in self.modes), *limited]:
            event(of_open_work(self._found_anew), given, [*ticks, *looks], **LAST)
        for event in (self.grow.submit, self.grow.blur):
            event(of_open_work(self._looks), given, looks, **QUIET)
        drawn = [self.command, self.undo, self.clear]
        self.editor.input(of_open_work(self._drew), given, drawn, **LAST)
        steps = [self.shown, self.at, *looks]
        self.on.click(of_open_work(partial(self._stepped, 1)), given, steps, **QUIET)
        self.back.click(of_open_work(partial(self._stepped, -1)), given, steps, **QUIET)
        numbered = [*given, self.number]
        self.number.submit(of_open_work(self._went), numbered, steps, **QUIET)
        for button, fills in ((self.fill, True), (self.leave, False)):
            one = of_open_work(partial(self._decided_one, fills))
            button.click(one, given, [*ticks, *looks], **QUIET)
        for name, choose in TICKING.items():
            many = of_open_work(partial(self._decided_all, choose))
            self.all[name].click(many, given, [*ticks, *looks], **QUIET)
        self.undo.click(of_open_work(self._undone), given, looks, **QUIET)
        self.areas.input(of_open_work(self._ticked), given, [*ticks, *looks], **LAST)
        self.shown.input(of_open_work(self._moved), [*given, self.shown], looks, **QUIET)
        looked = [self.shown, *looks]
        self.overview.select(of_open_work(self._looked_at), given, looked, **QUIET | EACH)
        self.slider_tab.select(of_open_work(self._refresh), given, compared, **QUIET)
        for tab in (self.damage_tab, self.lines_tab):
            tab.select(of_open_work(self._looks), given, looks, **QUIET)
        lined = [*given, self.line_does, self.line_px, self.goes_on]
        self.lines.select(of_open_work(self._lined), lined, [*ticks, *looks], **QUIET | EACH)
        self.clear.click(of_open_work(self._cleared), given, looks, **QUIET)
        shown = QUIET | {"show_progress": "full", "show_progress_on": self.saved}
        self.save.click(of_open_work(self._save), given, [self.saved, *compared], **shown)
        reported = [self.reports, self.saved, *compared]
        self.report.click(of_open_work(self._report), given, reported, **shown)

    # Each method handles an event; `of_open_work` describes its arguments

    def _open(self, path: str, before: Desk | None, *choices: Any) -> Any:
        work = Work(Path(path.strip()))
        closed(before)
        desk = Desk(self.model, work, work.whole)
        if desk.remember(choices[-1]):
            gr.Info(REMEMBERED)
        request = desk.request(choices[-1], choices_of(choices), desk.marks)
        desk.analyse_again(request, [])
        chosen = desk.resume()
        areas = new_areas(desk, chosen)
        now = as_opened(choices, desk)
        marks, request = decided(desk, chosen, now)
        desk.recognise_report(request, marks)
        looks = self._looks(desk, chosen, *now)
        ready = gr.update(interactive=True)
        no_report = gr.update(value=None, visible=False)
        at = current_area(listed(desk.damage), None)
        current = [*areas, at, WHOLE, desk.marks.grown_px]
        active = [ready] * (4 + len(self.all))
        return [desk, *current, ready, ready, "", no_report, *active, *looks]

    def _dropped(self, dropped: str, before: Desk | None, *choices: Any) -> Any:
        path = keep_dropped(Path(dropped), outbox_of(choices[-1]))
        return [str(path), None, *self._open(str(path), before, *choices)]

    def _refresh(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """Update the pictures before and after, the summary, and the command."""
        marks, request = decided(desk, areas, choices)
        return compared(desk, desk.found(request), areas, marks, request)

    def _looks(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """As `_refresh`, and update the overview and the drawing; strokes are kept."""
        desk.older_strokes = len(desk.marks.strokes)
        marks, request = decided(desk, areas, choices)
        treatment = desk.found(request)
        both = compared(desk, treatment, areas, marks, request)
        framed = with_frame(desk.work.pixels(desk.work.whole), desk.window, desk.work.size)
        view = desk.work.pixels(desk.window)
        damage, size, stains = desk.damage, desk.work.size, treatment.stains
        pieces = listed(damage)
        damaged = with_damage(view, desk.window, size, damage, pieces, marks, desk.at, stains)
        if desk.line_from is not None:
            damaged = with_cross(damaged, desk.line_from, desk.window)
        shown, overview = desk.work.picture(damaged), desk.work.picture(framed)
        drawing: dict[str, Any] = {"background": shown, "layers": [], "composite": None}
        return [*both, overview, drawing, shown, *undo_buttons(desk)]

    def _drew(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """After a stroke: update the command and the undo buttons."""
        _, request = decided(desk, areas, choices)
        return [request.command(), *undo_buttons(desk)]

    def _undone(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        desk.undo()
        return self._looks(desk, areas, *choices)

    def _found_anew(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        request = desk.request(choices[-1], choices_of(choices), desk.marks)
        chosen = desk.analyse_again(request, areas)
        return [*new_areas(desk, chosen), *self._looks(desk, chosen, *choices)]

    def _ticked(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        latest = choices[0] == name_of_list(desk)
        ticks = [gr.skip(), gr.skip()] if latest else new_ticks(desk, areas)
        return [*ticks, *self._looks(desk, areas, *choices)]

    def _moved(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        *choices, shown = choices  # type: ignore[assignment]
        if shown == WHOLE:
            desk.window = desk.work.whole
        elif desk.window == desk.work.whole:
            desk.window = desk.work.part(0.5, 0.5)
        return self._looks(desk, areas, *choices)

    def _looked_at(
        self,
        place: gr.SelectData,
        desk: Desk,
        areas: list[int],
        *choices: Any,
    ) -> Any:
        height, width = desk.work.pixels(desk.work.whole).shape[:2]
        desk.window = desk.work.part(place.index[0] / width, place.index[1] / height)
        return [PART, *self._looks(desk, areas, *choices)]

    def _lined(
        self,
        place: gr.SelectData,
        desk: Desk,
        areas: list[int],
        *choices: Any,
    ) -> Any:
        """Begin or end a line at the clicked place, or decide on the area there."""
        *choices, does, width_px, goes_on = choices  # type: ignore[assignment]
        if does == DECIDES:
            chosen = sorted({*areas} ^ desk.areas_at(place.index))
            return [*new_ticks(desk, chosen), *self._looks(desk, chosen, *choices)]
        desk.click(place.index, int(width_px), LINE_MARKS[does], goes_on=goes_on)
        return [gr.skip(), gr.skip(), *self._looks(desk, areas, *choices)]

    def _stepped(self, by: int, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """Show the next or previous area at full size."""
        desk.step(by, listed(desk.damage))
        return self._at_area(desk, areas, *choices)

    def _went(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """Show the area with the number that the user entered."""
        *choices, number = choices  # type: ignore[assignment]
        pieces = listed(desk.damage)
        if number.strip() not in map(str, range(1, len(pieces) + 1)):
            raise InputError(f"area {number.strip()}: the list has numbers up to {len(pieces)}")
        desk.go_to(int(number) - 1, pieces)
        return self._at_area(desk, areas, *choices)

    def _at_area(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """Update the page after a step to another area."""
        pieces = listed(desk.damage)
        at = current_area(pieces, desk.at)
        shown = PART if desk.at is not None else gr.skip()
        return [shown, at, *self._looks(desk, areas, *choices)]

    def _decided_one(self, fills: bool, desk: Desk, areas: list[int], *choices: Any) -> Any:
        """Tick or untick the current area."""
        if desk.at is None:
            gr.Info(CHOOSE)
            return gr.skip()
        label = listed(desk.damage)[desk.at].label
        chosen = sorted({*areas, label} if fills else {*areas} - {label})
        return [*new_ticks(desk, chosen), *self._looks(desk, chosen, *choices)]

    def _decided_all(
        self,
        choose: Callable[[Damage | None], set[int]],
        desk: Desk,
        _: list[int],
        *choices: Any,
    ) -> Any:
        """Tick the areas that `choose` chooses, and no other."""
        chosen = sorted(choose(desk.damage))
        return [*new_areas(desk, chosen), *self._looks(desk, chosen, *choices)]

    def _cleared(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        desk.marks, desk.line_from = Marks(desk.work.size), None
        return self._looks(desk, areas, *choices)

    def _save(
        self,
        desk: Desk,
        areas: list[int],
        *choices: Any,
        progress: Any = gr.Progress(),  # noqa: B008 -- required by Gradio
    ) -> Any:
        marks, request = decided(desk, areas, choices)
        here = copy_context()  # with it, Gradio knows the session of the progress
        outcome = desk.save(
            request, marks, lambda step: here.copy().run(progress, step.share, desc=str(step))
        )
        return [saved_line(outcome), *self._refresh(desk, areas, *choices)]

    def _report(self, desk: Desk, areas: list[int], *choices: Any) -> Any:
        marks, request = decided(desk, areas, choices)
        files = desk.report(request, marks)
        shown = gr.update(value=list(map(str, files)), visible=True)
        return [shown, reported_line(files), *self._refresh(desk, areas, *choices)]
