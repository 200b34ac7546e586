"""The layout of the page: Gradio's components, without their behaviour."""

from typing import Any

import gradio as gr

from patina.app.choices import MODES, NEEDED, OFF
from patina.app.controls import SLIDER_PX, closed
from patina.app.drawing import BRUSHES, hexadecimal
from patina.app.strokes import MOST_LINE_PX
from patina.app.words import (
    ALL,
    CLICKS,
    DECIDES,
    FILLS,
    GOES_ON,
    GROW,
    GROW_HINT,
    HEAD,
    INTRODUCTION,
    LEGEND,
    LIMIT,
    LIMIT_HINT,
    LINE_PX,
    LINES,
    MODES_HINT,
    NUMBER,
    SPARES,
    TITLES,
)
from patina.app.work import PART_PX
from patina.tasks.restoration.option_values import DEFAULT_TREATMENTS, TREATMENTS

WHOLE, PART = "the whole work", "a part at full size"
MOST_GROWN_PX = 200
PICTURE_PX = 700  # height of the pictures on which a person draws
BORDER_PX = 16  # at most, beside a picture
OVERVIEW_PX = 240  # height of the small picture
BRUSH_PX = 2  # radius of the brush at first, pixels of the picture
THEME = gr.themes.Base(
    primary_hue="stone",
    neutral_hue="stone",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    input_placeholder_color="*neutral_600",
    input_placeholder_color_dark="*neutral_300",
)


class Layout:
    """The components of the page: choices on the left, pictures on the right.

    outbox: the default folder for results.
    """

    def __init__(self, outbox: str) -> None:
        with gr.Blocks(title="Patina", analytics_enabled=False, fill_width=True) as self.blocks:
            self.desk = gr.State(None, delete_callback=closed)
            self.opened = gr.Textbox("", visible=False)  # name of the desk that the browser shows
            gr.Markdown(INTRODUCTION)
            with gr.Row(elem_id="columns"):
                with gr.Column():
                    self._scan()
                with gr.Column(elem_id="work"):
                    self._results()
                    self._pictures()
                with gr.Column():
                    self._treatments()
                    self._places_of_results(outbox)

    def _scan(self) -> None:
        with gr.Group():
            self.path = gr.Textbox(
                label="Scan: its path, then Enter",
                placeholder="/scans/portrait.tif",
                elem_id="path",
                max_lines=1,
            )
            self.open = gr.Button("Open", elem_id="open")
            self.drop = gr.File(label="or drop a scan here", height=140, elem_id="drop")

    def _treatments(self) -> None:
        gr.Markdown(MODES_HINT)
        self.modes: list[gr.Radio] = []
        self.strengths: list[gr.Slider] = []
        for name in TREATMENTS:
            usual = NEEDED if name in DEFAULT_TREATMENTS else OFF
            with gr.Group() if usual == NEEDED else gr.Accordion("Age cracks", open=False):
                mode = gr.Radio(MODES, value=usual, label=TITLES[name], elem_id=f"mode-{name}")
                strength = gr.Slider(
                    *(0, 100, 100),
                    step=5,
                    label="Strength, %",
                    buttons=[],
                    elem_id=f"strength-{name}",
                )
                if name == "damage":
                    self._limit()
            self.modes.append(mode)
            self.strengths.append(strength)

    def _limit(self) -> None:
        self.limit = gr.Textbox(
            label=LIMIT, info=LIMIT_HINT, placeholder="default", max_lines=1, elem_id="limit"
        )

    def _results(self) -> None:
        with gr.Row():
            self.found = gr.Markdown(elem_id="found")
            self.save = gr.Button(
                "Save", variant="primary", elem_id="save", interactive=False, scale=0, min_width=140
            )
            self.report = gr.Button(
                "Condition report", elem_id="report", interactive=False, scale=0, min_width=220
            )
        self.saved = gr.Markdown(elem_id="saved")
        self.reports = gr.File(label="Condition report", visible=False, interactive=False)

    def _places_of_results(self, outbox: str) -> None:
        with gr.Group():
            self.outbox = gr.Textbox(outbox, label="Folder for results", elem_id="outbox")
            self.command = gr.Textbox(
                label="The same choices as a command",
                lines=2,
                interactive=False,
                buttons=["copy"],
                elem_id="command",
            )

    def _pictures(self) -> None:
        with gr.Row():
            with gr.Column(scale=3, min_width=PART_PX[1] + BORDER_PX):
                with gr.Row(equal_height=True):
                    self.shown = gr.Radio(
                        [WHOLE, PART],
                        value=WHOLE,
                        label="Show",
                        show_label=False,
                        container=False,
                        elem_id="shown",
                    )
                    self.undo = self._button("Undo the last stroke", "undo")
                    self.clear = self._button("Clear all strokes", "clear")
                self._steps()
                with gr.Tabs():
                    self._slider()
                    self._damage()
                    self._lines()
            with gr.Column(scale=1, min_width=260):
                self._places()

    def _button(self, words: str, elem_id: str) -> gr.Button:
        """A small button, which is not active before a work is open."""
        return gr.Button(
            words, size="sm", elem_id=elem_id, interactive=False, scale=0, min_width=120
        )

    def _steps(self) -> None:
        """The current area, and what decides on it."""
        with gr.Row(equal_height=True, elem_id="steps"):
            self.at = gr.Markdown(elem_id="at")
            self.back = self._button("Previous area", "back")
            self.on = self._button("Next area", "on")
            self.number = gr.Textbox(
                label=NUMBER,
                show_label=False,
                container=False,
                placeholder=NUMBER,
                max_lines=1,
                scale=0,
                min_width=120,
                elem_id="go-to",
            )
            self.fill = self._button("Fill it", "fill")
            self.leave = self._button("Leave it", "leave")

    def _slider(self) -> None:
        with gr.Tab("Before and after", id="slider") as self.slider_tab:
            self.slider = gr.ImageSlider(
                label="before | after",
                type="numpy",
                format="png",
                max_height=SLIDER_PX,
                interactive=False,
                buttons=["fullscreen"],
                elem_id="slider",
            )

    def _damage(self) -> None:
        colours: list[Any] = [hexadecimal(colour) for colour in BRUSHES.values()]
        with gr.Tab("Damage", id="damage") as self.damage_tab:
            gr.Markdown(LEGEND)
            self.editor = gr.ImageEditor(
                label="Damage map",
                type="numpy",
                sources=[],
                transforms=[],
                layers=False,
                brush=gr.Brush(default_size=BRUSH_PX, colors=colours, color_mode="fixed"),
                buttons=["fullscreen"],
                height=PICTURE_PX,
                elem_id="editor",
            )

    def _lines(self) -> None:
        with gr.Tab("Lines and clicks", id="lines") as self.lines_tab:
            gr.Markdown(LINES)
            with gr.Row():
                self.line_does = gr.Radio(
                    [FILLS, SPARES, DECIDES], value=FILLS, label=CLICKS, elem_id="line-does"
                )
                self.line_px = gr.Slider(
                    1, MOST_LINE_PX, 2, step=1, label=LINE_PX, buttons=[], elem_id="line-px"
                )
                self.goes_on = gr.Checkbox(label=GOES_ON, elem_id="goes-on")
            self.lines = gr.Image(
                show_label=False,
                interactive=False,
                buttons=["fullscreen"],
                height=PICTURE_PX,
                elem_id="lines",
            )

    def _places(self) -> None:
        self.overview = gr.Image(
            label="Click to see a part at full size",
            interactive=False,
            format="jpeg",
            buttons=[],
            height=OVERVIEW_PX,
            elem_id="overview",
        )
        with gr.Row():
            self.all = {name: self._button(words, name) for name, words in ALL.items()}
        self.areas = gr.CheckboxGroup(label="Areas to fill", info=HEAD, elem_id="areas", choices=[])
        self.grow = gr.Number(
            0,
            label=GROW,
            info=GROW_HINT,
            precision=0,
            minimum=-MOST_GROWN_PX,
            maximum=MOST_GROWN_PX,
            elem_id="grow",
        )
