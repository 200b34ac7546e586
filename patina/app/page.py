"""The page itself: what is on it, and what happens when something on it is used."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from patina.app.choices import MODES, NEEDED, OFF
from patina.app.controls import areas_of, choices_of, closed, decided, with_strokes
from patina.app.desk import Bench, Desk, kept
from patina.app.drawing import (
    FILLED_COLOUR,
    LEAVE_COLOUR,
    hexadecimal,
    with_damage,
    with_frame,
)
from patina.app.marks import Marks, ticked
from patina.app.words import (
    HEAD,
    INTRODUCTION,
    LEGEND,
    TITLES,
    found_line,
    saved_line,
)
from patina.app.work import Work, listed
from patina.errors import PatinaError
from patina.tasks.imaging.images import to_uint8
from patina.tasks.restoration.request import RestoreRequest
from patina.tasks.restoration.restorer import DEFAULT_TREATMENTS, TREATMENTS

WHOLE, PART = "the whole work", "a part at full size"
THEME = gr.themes.Base(
    primary_hue="stone",
    neutral_hue="stone",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
# Of every event: the networks answer one at a time
QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "minimal",
    "concurrency_id": "networks",
    "concurrency_limit": 1,
}


def told(work: Callable[..., Any]) -> Callable[..., Any]:
    """What the user can mend is told on the page."""

    @wraps(work)
    def telling(*given: Any) -> Any:
        try:
            return work(*given)
        except (PatinaError, OSError) as error:
            raise gr.Error(str(error), duration=None, print_exception=False) from error

    return telling


class Page:
    """The page over a bench, with results in `outbox` unless the user names another folder."""

    def __init__(self, bench: Bench, outbox: str) -> None:
        self.bench = bench
        with gr.Blocks(title="Patina", analytics_enabled=False, fill_width=True) as self.blocks:
            self.desk = gr.State(None, delete_callback=closed)
            gr.Markdown(INTRODUCTION)
            with gr.Row():
                with gr.Column(scale=1, min_width=340):
                    self._controls(outbox)
                with gr.Column(scale=3, min_width=560):
                    self._pictures()
            self._connect()

    def _controls(self, outbox: str) -> None:
        with gr.Group():
            self.path = gr.Textbox(
                label="Scan", placeholder="/scans/portrait.tif", elem_id="path", lines=1
            )
            self.open = gr.Button("Open", elem_id="open")
            self.drop = gr.File(label="or drop a scan here", height=140, elem_id="drop")
        self.modes: list[gr.Radio] = []
        self.strengths: list[gr.Slider] = []
        for name in TREATMENTS:
            usual = NEEDED if name in DEFAULT_TREATMENTS else OFF
            with gr.Group() if usual == NEEDED else gr.Accordion("Age cracks", open=False):
                self.modes.append(
                    gr.Radio(MODES, value=usual, label=TITLES[name], elem_id=f"mode-{name}")
                )
                self.strengths.append(
                    gr.Slider(
                        *(0, 100, 100),
                        step=5,
                        label="strength, %",
                        buttons=[],
                        elem_id=f"much-{name}",
                    )
                )
        with gr.Group():
            self.outbox = gr.Textbox(outbox, label="Folder for results", elem_id="outbox")
            self.save = gr.Button("Save", variant="primary", elem_id="save", interactive=False)
            self.report = gr.Button("Condition report", elem_id="report", interactive=False)
            self.command = gr.Textbox(
                label="The same as a command",
                lines=2,
                interactive=False,
                buttons=["copy"],
                elem_id="command",
            )
        self.saved = gr.Markdown(elem_id="saved")
        self.reports = gr.File(label="Condition report", visible=False, interactive=False)

    def _pictures(self) -> None:
        with gr.Row():
            self.shown = gr.Radio([WHOLE, PART], value=WHOLE, label="Show", elem_id="shown")
            self.found = gr.Markdown(elem_id="found")
        with gr.Row():
            with gr.Column(scale=3, min_width=420), gr.Tabs() as self.tabs:
                with gr.Tab("Before and after", id="slider") as self.slider_tab:
                    self.slider = gr.ImageSlider(
                        label="before | after",
                        type="numpy",
                        format="png",
                        max_height=760,
                        interactive=False,
                        buttons=["fullscreen"],
                        elem_id="slider",
                    )
                with gr.Tab("Damage", id="damage") as self.damage_tab:
                    gr.Markdown(LEGEND)
                    self.editor = self._editor()
                    self.clear = gr.Button("Clear all that is drawn", size="sm")
            with gr.Column(scale=1, min_width=240):
                self.overview = gr.Image(
                    label="Click to look at a part at full size",
                    interactive=False,
                    format="jpeg",
                    buttons=[],
                    elem_id="overview",
                )
                self.areas = gr.CheckboxGroup(
                    label="Areas to fill", info=HEAD, elem_id="areas", choices=[]
                )

    @staticmethod
    def _editor() -> gr.ImageEditor:
        colours: list[Any] = [hexadecimal(FILLED_COLOUR), hexadecimal(LEAVE_COLOUR)]
        return gr.ImageEditor(
            label="Damage map",
            type="numpy",
            sources=[],
            transforms=[],
            layers=False,
            brush=gr.Brush(default_size=8, colors=colours, color_mode="fixed"),
            buttons=["fullscreen"],
            height=760,
            elem_id="editor",
        )

    def _connect(self) -> None:
        choices = [*self.modes, *self.strengths, self.outbox]
        given = [self.desk, self.editor, self.areas, *choices]
        told_of = [self.slider, self.found, self.command]
        looks = [*told_of, self.overview, self.editor]
        opened = [self.desk, self.areas, self.shown, self.save, self.report, self.saved, *looks]
        opening = [self.path, self.desk, *choices]
        gr.on([self.open.click, self.path.submit], told(self._open), opening, opened, **QUIET)
        dropping = [self.drop, self.desk, *choices]
        self.drop.upload(told(self._dropped), dropping, [self.path, self.drop, *opened], **QUIET)
        for event in [*(each.release for each in self.strengths), self.outbox.change]:
            event(told(self._refresh), given, told_of, **QUIET)
        for mode in self.modes:
            mode.input(told(self._found_anew), given, [self.areas, *looks], **QUIET)
        self.areas.input(told(self._moved), [*given, self.shown], looks, **QUIET)
        self.shown.input(told(self._moved), [*given, self.shown], looks, **QUIET)
        self.overview.select(told(self._looked_at), given, [self.shown, *looks], **QUIET)
        self.slider_tab.select(told(self._refresh), given, told_of, **QUIET)
        self.damage_tab.select(told(self._looks), given, looks, **QUIET)
        self.clear.click(told(self._cleared), given, looks, **QUIET)
        self.save.click(told(self._save), given, [self.saved, *told_of], **QUIET)
        self.report.click(told(self._report), given, self.reports, **QUIET)

    # Each answers an event: the desk, what is drawn, areas that are ticked, then all choices

    def _open(self, path: str, before: Desk | None, *choices: Any) -> list[Any]:
        work = Work(Path(path.strip()))
        closed(before)
        desk = Desk(self.bench, work, work.whole)
        request = desk.request(choices[-1], choices_of(choices), desk.marks)
        damage = desk.found(request).damage
        areas = areas_of(desk, request)
        looks = self._looks(desk, None, ticked(damage), *choices)
        ready = gr.update(interactive=True)
        return [desk, areas, WHOLE, ready, ready, "", *looks]

    def _dropped(self, dropped: str, before: Desk | None, *choices: Any) -> list[Any]:
        path = kept(Path(dropped), Path(choices[-1].strip() or "restored"))
        return [str(path), None, *self._open(str(path), before, *choices)]

    def _refresh(self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any) -> list[Any]:
        """Before and after, what was found, and the command."""
        if desk is None:
            return [gr.skip()] * 3
        return self._compared(desk, *decided(desk, drawn, areas, choices))

    @staticmethod
    def _compared(desk: Desk, marks: Marks, request: RestoreRequest) -> list[Any]:
        treatment = desk.found(request)
        before = desk.work.pixels(desk.window)
        size = (before.shape[0], before.shape[1])
        after = desk.work.restored(treatment, desk.window, marks.within(desk.window, size))
        pair = [desk.work.picture(to_uint8(each)) for each in (before, after)]
        return [tuple(pair), found_line(treatment.decided()), request.command()]

    def _looks(self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any) -> list[Any]:
        """As `_refresh`, and the pictures on which one points and draws; what was drawn is kept."""
        if desk is None:
            return [gr.skip()] * 5
        desk.marks = with_strokes(desk, drawn)
        marks, request = decided(desk, None, areas, choices)
        treatment = desk.found(request)
        overview = with_frame(desk.work.pixels(desk.work.whole), desk.window, desk.work.size)
        view = desk.work.pixels(desk.window)
        pieces = listed(treatment)
        damaged = with_damage(view, desk.window, desk.work.size, treatment.damage, pieces, marks)
        picture = desk.work.picture
        drawing: dict[str, Any] = {"background": picture(damaged), "layers": [], "composite": None}
        return [*self._compared(desk, marks, request), picture(overview), drawing]

    def _found_anew(
        self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any
    ) -> list[Any]:
        if desk is None:
            return [gr.skip()] * 6
        request = desk.request(choices[-1], choices_of(choices), desk.marks)
        damage = desk.found(request).damage
        return [areas_of(desk, request), *self._looks(desk, drawn, ticked(damage), *choices)]

    def _moved(self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any) -> list[Any]:
        *choices, shown = choices  # type: ignore[assignment]
        if desk is None:
            return [gr.skip()] * 5
        desk.marks = with_strokes(desk, drawn)
        if shown == WHOLE:
            desk.window = desk.work.whole
        elif desk.window == desk.work.whole:
            desk.window = desk.work.part(0.5, 0.5)
        return self._looks(desk, None, areas, *choices)

    def _looked_at(
        self,
        place: gr.SelectData,
        desk: Desk | None,
        drawn: Any,
        areas: list[int],
        *choices: Any,
    ) -> list[Any]:
        if desk is None:
            return [gr.skip()] * 6
        desk.marks = with_strokes(desk, drawn)
        height, width = desk.work.pixels(desk.work.whole).shape[:2]
        desk.window = desk.work.part(place.index[0] / width, place.index[1] / height)
        return [PART, *self._looks(desk, None, areas, *choices)]

    def _cleared(self, desk: Desk | None, _: Any, areas: list[int], *choices: Any) -> list[Any]:
        if desk is not None:
            desk.marks = Marks(desk.work.size)
        return self._looks(desk, None, areas, *choices)

    def _save(self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any) -> list[Any]:
        if desk is None:
            return [gr.skip()] * 4
        marks, request = decided(desk, drawn, areas, choices)
        outcome = desk.save(request, marks)
        return [saved_line(outcome), *self._refresh(desk, drawn, areas, *choices)]

    def _report(self, desk: Desk | None, drawn: Any, areas: list[int], *choices: Any) -> Any:
        if desk is None:
            return gr.skip()
        _, request = decided(desk, drawn, areas, choices)
        return gr.update(value=[str(path) for path in desk.report(request)], visible=True)
