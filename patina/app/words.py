"""The texts of the page."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from patina.app.marks import Marks
from patina.tasks.io.atomic import Record
from patina.tasks.restoration import doubtful, proposals
from patina.tasks.restoration.damage import FILLED, KINDS, Piece
from patina.tasks.restoration.damage_areas import place_in_words
from patina.tasks.restoration.doubtful import certainty, doubtful_sentence, is_uncertain_fill
from patina.tasks.restoration.report.summary import KINDS as SHORT_NAMES
from patina.tasks.restoration.report.summary import NOTHING_FOUND, UNCHANGED, percent, summary_of

INTRODUCTION = """# Patina
Open a scan, see what Patina would do, decide on each area of damage, and save.
Your scan is never changed: the result is another file, with a record of every change beside it.
"""
HEAD = (
    "Ticked areas are filled. In brackets: the probability of damage, 0 to 1. With “?”: filled "
    "automatically, although not likely damage."
)
UNSAID = (proposals.REASON, doubtful.REASON)  # reasons that say no more than "proposed"
FEW = 12  # uncertain fills that the first line names
LEGEND = (
    "<span style='color:#ff0090'>■</span> will be filled &ensp; "
    "<span style='color:#00beb4'>■</span> proposed, not filled; possible stain &ensp; "
    "<span style='color:#006eff'>■</span> protected &ensp; "
    "<span style='color:#ffaa00'>■</span> stain to correct\n\n"
    "Draw with the pink brush to fill more pixels, with the blue brush to protect pixels. Cover a "
    "stain and a narrow margin with the orange brush: it is corrected, and the picture under it "
    "is kept. Open *Before and after* to see the result of your strokes. "
    "The numbers are those of the list; those with a question mark are uncertain fills. Where "
    "numbers would cover each other, some are left out."
)
GROW = "Grow accepted areas by, pixels of the scan"
GROW_HINT = (
    "For proposed areas that you tick. If a filled hole keeps its dark rim, grow it; a negative "
    "number shrinks it."
)
LINES = (
    "For scratches: click on the start of a line, then on its end. Or click on an area to fill or "
    "leave it. To see a part at full size, first click on the small picture."
)
LINE_PX = "Width of the line, pixels of the scan"
CLICKS = "Two clicks draw a line; one click decides on an area"
FILLS, SPARES, DECIDES = "fill a line", "protect a line", "fill or leave an area"
GOES_ON = "Begin the next line where this one ends"
DECISIONS = (
    ("more area filled", "more areas filled"),
    ("area left", "areas left"),
    ("stroke or line", "strokes or lines"),
)
CHOOSE = "First choose an area with *Next area*."
NUMBER = "go to number"
ALL = {  # buttons that decide on all areas
    "fill-all": "Fill all",
    "leave-all": "Leave all",
    "likely": "Fill the likely",
    "automatic": "Automatic",
}
NO_AREA = "No area is certain enough to be listed."
REMEMBERED = (
    "The decisions that you saved for this work were loaded: ticks in the list, and strokes."
)
OLD_REPORT = (
    "**The condition report is out of date:** it was made before your last decision or result. "
    "Make it again."
)
MODES_HINT = (
    "*automatic*: Patina treats a work only if it is certain that this is needed. *always*: it "
    "treats the work in full, because you know that this is needed."
)
LIMIT = "Largest area to fill automatically, % of the surface"
LIMIT_HINT = "Larger areas are only proposed. Scratches and other narrow damage are filled."
TITLES = {
    "detail": "Detail: noise, blur, JPEG",
    "damage": "Damage: scratches, dust, losses",
    "stains": "Stains: spills, tape, tidelines",
    "tone": "Colour: yellowing, fading",
    "craquelure": "Age cracks (they belong to the work)",
}
NOTHING_DONE = (
    "Nothing is treated, because no damage is certain enough. If you see damage, tick it "
    "in the list, draw it on the tabs, or choose *always* for its treatment."
)
NOTHING_CHANGED = (f"do this: {UNCHANGED};", "change nothing;")
CSS = """
/* A click counts while an earlier one is still being processed */
#lines [data-testid=status-tracker], #overview [data-testid=status-tracker],
#areas [data-testid=status-tracker] { pointer-events: none; }
#lines img {
  cursor: crosshair; object-fit: contain; width: 100%; height: 100%; image-rendering: pixelated;
}
#saved { min-height: 2rem; }
.toast-wrap { top: auto !important; bottom: 1rem; }
.gradio-container { max-width: 1720px !important; margin: 0 auto !important; }
#found { font-size: 1.05rem; min-height: 4.6rem; min-width: min(400px, 100%) !important; }
#save, #report { align-self: start; }
/* Scan and choices on the left; in a narrow window one column: scan, pictures, choices */
#columns { display: grid; grid-template: auto 1fr / 340px minmax(0, 1fr); align-items: start; }
#work { grid-area: 1 / 2 / span 2; }
@media (max-width: 1199px) {
  #columns { grid-template: none / minmax(0, 1fr); }
  #work { grid-area: auto; }
}
#shown { flex: 1 1 0; min-width: min(340px, 100%) !important; }
#at { align-self: center; }
#undo { min-width: 150px !important; }
/* An error is told in a message; the marks over the controls say no more */
[data-testid=status-tracker]:has(> .error) { display: none !important; }
button[role=tab][aria-selected=true] { color: var(--body-text-color) !important; font-weight: 600; }
input:focus-visible, button:focus-visible, #slider:focus-visible {
  outline: 2px solid #0284c7 !important; outline-offset: 2px;
}
#areas .wrap { max-height: 460px; overflow-y: auto; flex-direction: column; flex-wrap: nowrap; }
#areas label { width: 100%; flex: none; }
#shown .wrap, [id^=mode-] .wrap { flex-wrap: nowrap; }
#command textarea { font-family: ui-monospace, monospace; font-size: .85rem; }
#slider img { image-rendering: auto; }
/* The editor's tools are icons only: also show their labels, which are for screen readers */
#editor .toolbar-wrap, #editor .half-container, #editor .half-container button {
  width: max-content !important; height: auto !important;
}
#editor .half-container button { padding: .2rem .45rem !important; border-radius: .25rem; }
#editor .half-container svg { width: 1rem; height: 1rem; flex: none; }
#editor .half-container button::after {
  content: attr(aria-label); font-size: .75rem; margin-left: .25rem; white-space: nowrap;
}
footer { display: none !important; }
"""


def area_line(number: int, piece: Piece, size: tuple[int, ...]) -> str:
    """The line of an area in the list: number, kind, place, size, probability, and why it is not
    filled.

    size: (h, w) of the damage map.
    """
    kind = SHORT_NAMES[KINDS[piece.kind]][0]
    share = percent(piece.px / (size[0] * size[1]))
    why = "" if piece.reason in UNSAID else f": {piece.reason}"
    why = "" if piece.outcome == FILLED else f" — {piece.outcome}{why}"
    likely = f"{certainty(piece)} ({piece.judge_probability:.2f})"
    return f"{number_of(number, piece)} · {kind}, {_place(piece, size)}, {share} · {likely}{why}"


def number_of(number: int, piece: Piece) -> str:
    """The number of an area in the list and the picture, with a question mark if the area is
    filled automatically, but not likely damage.
    """
    return f"{number}?" if is_uncertain_fill(piece) else str(number)


def others_line(count: int) -> str:
    """The line of the areas for which the list has no room."""
    return f"{count} other, smaller area{'s' if count > 1 else ''}"


def uncertain_line(pieces: Sequence[Piece], areas: Collection[int]) -> str:
    """The numbers of the ticked areas that are uncertain fills, as a sentence; "" without any.

    pieces: the areas of the list. areas: labels of the ticked areas.
    """
    numbers = [
        str(number)
        for number, piece in enumerate(pieces, 1)
        if is_uncertain_fill(piece) and piece.label in areas
    ]
    more = f" and {len(numbers) - FEW} more" if len(numbers) > FEW else ""
    shown = ", ".join(numbers[:FEW])
    return f"**Inspect these uncertain fills first:** {shown}{more}." if numbers else ""


def _place(piece: Piece, size: tuple[int, ...]) -> str:
    """The place of the centre of an area, such as "upper left"."""
    left, top, width, height = piece.box
    return place_in_words((left + width / 2) / size[1], (top + height / 2) / size[0])


def found_line(
    decided: Mapping[str, Any], pieces: Sequence[Piece], areas: Collection[int], marks: Marks
) -> str:
    """What Patina would do, which areas are doubtful, and what the user decided, as sentences.

    pieces: the areas of the list. areas: labels of the ticked ones. Hints to options become hints
    to the page's controls.
    """
    summary = summary_of(dict(decided))
    hint = "see the damage map, or try --force damage"
    plain = _plain(summary.replace(hint, "tick those that you want to fill"))
    done = f"Patina would do this: {plain}."
    found = NOTHING_DONE if summary == NOTHING_FOUND else done.replace(*NOTHING_CHANGED)
    sentences = (
        found,
        uncertain_line(pieces, areas),
        doubtful_sentence([piece for piece in pieces if piece.label not in areas]),
        decisions_line(marks),
    )
    return " ".join(sentence for sentence in sentences if sentence)


def decisions_line(marks: Marks) -> str:
    """The decisions by hand, as a sentence; "" without any."""
    counts = zip((*marks.areas, len(marks.strokes)), DECISIONS, strict=True)
    made = [f"{count} {one if count == 1 else more}" for count, (one, more) in counts if count]
    return f"**Your decisions:** {', '.join(made)}." if made else ""


def _plain(summary: str) -> str:
    return re.sub(r"try --force (\w+)", _always, summary)


def _always(option: re.Match[str]) -> str:
    """The control of the page for the option --force with one treatment."""
    return f"choose *always* for *{TITLES[option[1]].partition(':')[0]}*"


def _sentence(summary: str) -> str:
    text = _plain(summary)
    return f"{text[0].upper()}{text[1:]}."


def current_area(pieces: Sequence[Piece], at: int | None) -> str:
    """The number of the current area, as Markdown."""
    if not pieces:
        return NO_AREA
    return f"**Area {at + 1} of {len(pieces)}**" if at is not None else f"{len(pieces)} areas"


def reported_line(files: Sequence[Path]) -> str:
    """The files of a condition report, as Markdown."""
    return "**Condition report:** " + ", ".join(f"`{file}`" for file in files)


def saved_line(outcome: Record) -> str:
    """The outcome of saving, as Markdown."""
    if "reason" in outcome:
        return f"**Not saved:** {outcome['reason']}"
    summary = outcome["summary"]
    flags = "".join(f"  \nInspect: {flag}." for flag in outcome["flags"] if flag not in summary)
    record = Path(outcome["result"]).name
    return (
        f"**Saved** `{outcome['result']}`  \n{_sentence(summary)}{flags}  \n"
        f"The record of the change is `{record}.json`, beside it."
    )
