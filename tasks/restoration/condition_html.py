"""Writes a condition report as one HTML file with embedded pictures."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from patina.tasks.imaging.images import jpeg_bytes
from patina.tasks.restoration.condition import HYPOTHESIS, STATEMENT, Condition
from patina.tasks.restoration.numbered_areas import markers, table_of
from patina.tasks.restoration.report.summary import percent
from patina.tasks.restoration.work_record import FIELDS

TEMPLATE = Path(__file__).with_name("condition.html")
RADIUS = 0.017  # of a number's disc, as a share of the picture's width
SHOWN_REM = 40  # maximum height of the large picture on a screen
PRINTED_MM = 92  # maximum height of the large picture on paper


def html_of(condition: Condition) -> str:
    """The report as HTML. It loads nothing, and all texts are escaped."""
    height, width = condition.before.shape[:2]
    tall = condition.height / condition.width
    outcome = "Restored" if condition.made else "Proposed"
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"Condition report: {condition.title}"),
        date=f"Patina, {condition.date}",
        hypothesis=HYPOTHESIS,
        statement=STATEMENT,
        work=escape(condition.work["title"]),
        record=_record(condition),
        mapped=_embedded(condition.mapped),
        legend=condition.legend,
        before=_embedded(condition.before),
        after=_embedded(condition.after),
        width=width,
        height=height,
        tall=f"{tall:.5f}",
        across=f"{min(61.0, 1.5 * SHOWN_REM / tall):.1f}rem",
        print_mm=f"{min(190.0, 1.5 * PRINTED_MM / tall):.0f}mm",
        markers=_markers(condition),
        found=_found(condition),
        key=condition.key,
        decisions=_paragraphs(f"{name}: {sentence}" for name, sentence in condition.decisions),
        outcome=outcome,
        table=_table(condition),
        colour=_paragraphs(condition.colour),
        state="applied" if condition.made else "proposed",
        treatments=_paragraphs(
            [f"{name}: {sentence}" for name, sentence in condition.treatments]
            + [f"Inspect: {note}." for note in condition.notes]
        ),
        software=_paragraphs(f"{name}: {value}" for name, value in condition.software.items()),
    )


def _embedded(picture: np.ndarray) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg_bytes(picture)).decode()}"


def _paragraphs(sentences: Iterable[str]) -> str:
    return "\n".join(f'<p dir="auto">{escape(sentence)}</p>' for sentence in sentences)


def _record(condition: Condition) -> str:
    fields = {FIELDS[name]: value for name, value in condition.work.items() if name != "title"}
    return "\n".join(
        f'<dt>{escape(name)}</dt><dd dir="auto">{escape(value)}</dd>'
        for name, value in (fields | condition.scan).items()
    )


def _found(condition: Condition) -> str:
    count = len(condition.areas) + condition.rest.areas
    return f"{count}, {percent(condition.damaged)} of the surface" if count else "none"


def _markers(condition: Condition) -> str:
    return "\n".join(
        f'<a href="#area-{marker.number}"><title>Area {marker.number}</title>'
        f'<circle cx="{marker.x:.5f}" cy="{marker.y:.5f}" r="{RADIUS}" '
        f'stroke-width="{RADIUS / 7:.5f}"/>'
        f'<text x="{marker.x:.5f}" y="{marker.y:.5f}" font-size="{RADIUS * 1.1:.5f}">'
        f"{marker.number}</text></a>"
        for marker in markers(condition.numbered, condition.height, condition.width, RADIUS)
    )


def _table(condition: Condition) -> str:
    """The areas in two tables side by side, and the sum of the others."""
    head, *rows = table_of(condition)
    half = -(-len(rows) // 2)
    tables = "".join(_half(head, part) for part in (rows[:half], rows[half:]) if part)
    rest = condition.rest
    note = (
        f"<p>Not listed: {rest.areas} smaller areas, {percent(rest.share)} together.</p>"
        if rest.areas
        else ""
    )
    return f'<div class="halves">{tables}</div>{note}'


def _half(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    headings = "".join(f'<th scope="col">{heading}</th>' for heading in head)
    lines = "\n".join(
        f'<tr id="area-{row[0]}">{"".join(f"<td>{escape(cell)}</td>" for cell in row)}</tr>'
        for row in rows
    )
    return f"<table><thead><tr>{headings}</tr></thead>\n<tbody>{lines}</tbody></table>"
