"""Writes a condition report as one A4 page."""

from collections.abc import Sequence
from datetime import UTC, datetime

from fpdf import FPDF

from patina.tasks.imaging.images import jpeg_bytes
from patina.tasks.restoration.condition import HYPOTHESIS, STATEMENT, Condition
from patina.tasks.restoration.lettering import FONT, page, plain, write
from patina.tasks.restoration.numbered_areas import markers, table_of
from patina.tasks.restoration.report.summary import percent
from patina.tasks.restoration.work_record import FIELDS

LEFT, RIGHT, TOP, BOTTOM = 12.0, 198.0, 10.0, 287.0  # mm
WIDTH = RIGHT - LEFT
GAP = 4.0
INK, GREY, ACCENT, RULE = (25, 25, 25), (95, 95, 95), (150, 20, 45), (190, 190, 190)
RADIUS_MM = 1.75  # of a number's disc
ROW_MM = 3.35
NAME_MM = 23.0  # of a field of the record
COLUMNS_MM = (5.5, 15.5, 16.5, 13.5, 10.5, 16.5, 13.0)  # of half a page
CELL_POINTS, CELL_GAP_MM = 6.5, 0.5  # size of the text in a cell, and the space after it
BELOW_MM = 62.0  # height of findings, treatments and foot
MADE_BY = "patina condition"


def pdf_of(condition: Condition) -> bytes:
    """The report as PDF with embedded fonts and pictures."""
    with page() as pdf:
        pdf.c_margin = 0
        pdf.set_margins(LEFT, TOP, 210 - RIGHT)
        _describe(pdf, condition)
        y = _head(pdf, condition)
        y = _record(pdf, condition, y)
        y = _pictures(pdf, condition, y)
        y = _table(pdf, condition, y)
        _findings(pdf, condition, y)
        _foot(pdf, condition)
        return bytes(pdf.output())


def _describe(pdf: FPDF, condition: Condition) -> None:
    """Set the properties of the file."""
    pdf.set_title(plain(f"Condition report: {condition.title}"))
    pdf.set_subject(HYPOTHESIS)
    pdf.set_creator(MADE_BY)
    pdf.set_lang("en")
    pdf.set_creation_date(datetime.fromisoformat(condition.date).replace(tzinfo=UTC))


def _font(pdf: FPDF, points: float, style: str = "", colour: Sequence[int] = INK) -> None:
    pdf.set_font(FONT, style, points)
    pdf.set_text_color(*colour)


def _head(pdf: FPDF, condition: Condition) -> float:
    _font(pdf, 15, "B")
    pdf.set_xy(LEFT, TOP)
    pdf.cell(100, 7, "Condition report")
    _font(pdf, 8, colour=GREY)
    pdf.set_xy(RIGHT - 80, TOP)
    pdf.cell(80, 7, f"Patina, {condition.date}", align="R")
    _font(pdf, 8.5, "B", ACCENT)
    pdf.set_xy(LEFT, TOP + 7)
    words = f"{HYPOTHESIS}."
    pdf.cell(pdf.get_string_width(words) + 1.2, 4.5, words)
    _font(pdf, 8, colour=ACCENT)
    pdf.cell(0, 4.5, STATEMENT)
    return _ruled(pdf, TOP + 12.5)


def _ruled(pdf: FPDF, y: float) -> float:
    pdf.set_draw_color(*RULE)
    pdf.set_line_width(0.2)
    pdf.line(LEFT, y, RIGHT, y)
    return y + 1.5


def _record(pdf: FPDF, condition: Condition, y: float) -> float:
    """Write the title across the page, and the other fields in two columns."""
    _font(pdf, 12, "B")
    y = write(pdf, plain(condition.work["title"], 150), (LEFT, y, WIDTH), 5.2) + 0.5
    fields = [(FIELDS[name], value) for name, value in condition.work.items() if name != "title"]
    fields += list(condition.scan.items())
    ends = [y, y]
    half = (WIDTH - GAP) / 2
    for index, (name, value) in enumerate(fields):
        column = ends.index(min(ends)) if index else 0
        x = LEFT + column * (half + GAP)
        _font(pdf, 7, colour=GREY)
        pdf.set_xy(x, ends[column])
        pdf.cell(NAME_MM, 3.5, name)
        _font(pdf, 5.3 if name == "SHA-256" else 7.5)
        ends[column] = write(
            pdf, plain(value, 130), (x + NAME_MM, ends[column], half - NAME_MM), 3.5
        )
    return _ruled(pdf, max(ends) + 1)


def _pictures(pdf: FPDF, condition: Condition, y: float) -> float:
    """Place the picture with the numbered areas, and beside it the scan and the restored work."""
    tall = condition.height / condition.width
    rows = _rows(condition) + 4 + len(condition.decisions) + 2  # two sentences may need two lines
    most = BOTTOM - BELOW_MM - y - rows * ROW_MM
    wide = min(WIDTH * 0.66, most / tall)
    # The two small pictures together are as high as the large one
    small = (wide * tall - GAP) / 2 / tall
    left = LEFT + (WIDTH - wide - GAP - small) / 2
    captions = (condition.legend, "Scan", "Restored" if condition.made else "Proposed")
    boxes = (
        (left, y, wide),
        (left + wide + GAP, y, small),
        (left + wide + GAP, y + small * tall + GAP, small),
    )
    shown = (condition.mapped, condition.before, condition.after)
    for caption, (x, top, across), picture in zip(captions, boxes, shown, strict=True):
        pdf.image(jpeg_bytes(picture), x, top, across, across * tall, alt_text=caption)
        _font(pdf, 6.5, colour=GREY)
        pdf.set_xy(x, top + across * tall + 0.2)
        pdf.cell(across, 3, caption)
    for marker in markers(condition.numbered, condition.height, condition.width, RADIUS_MM / wide):
        _disc(pdf, str(marker.number), left + marker.x * wide, y + marker.y * wide)
    return y + wide * tall + 4


def _disc(pdf: FPDF, number: str, x: float, y: float) -> None:
    pdf.set_fill_color(*INK)
    pdf.set_draw_color(255, 255, 255)
    pdf.set_line_width(0.25)
    pdf.circle(x, y, RADIUS_MM, style="DF")
    _font(pdf, 5.5, "B", (255, 255, 255))
    pdf.set_xy(x - RADIUS_MM, y - RADIUS_MM)
    pdf.cell(2 * RADIUS_MM, 2 * RADIUS_MM, number, align="C")


def _rows(condition: Condition) -> int:
    return -(-len(condition.numbered) // 2)


def _table(pdf: FPDF, condition: Condition, y: float) -> float:
    """Write the areas in two columns, and the sum of the areas that are not listed."""
    _font(pdf, 9, "B")
    pdf.set_xy(LEFT, y)
    count = len(condition.areas) + condition.rest.areas
    found = f"{count}, {percent(condition.damaged)} of the surface"
    pdf.cell(WIDTH, 4.5, f"Areas of damage: {found if count else 'none'}")
    y += 5
    for name, sentence in condition.decisions:
        _font(pdf, 7.5)
        y = write(pdf, plain(f"{name}: {sentence}", 260), (LEFT, y, WIDTH), 3.5)
    y += 0.6
    head, *listed = table_of(condition)
    rows = _rows(condition)
    for column in range(min(2, len(listed))):
        lines = [head, *listed[column * rows : (column + 1) * rows]]
        for index, line in enumerate(lines):
            _row(pdf, line, LEFT + column * (WIDTH + GAP) / 2, y + index * ROW_MM, head=not index)
    y += (rows + 1) * ROW_MM if rows else 0
    if condition.rest.areas:
        _font(pdf, 6.5, colour=GREY)
        pdf.set_xy(LEFT, y)
        rest = f"{condition.rest.areas} smaller areas, {percent(condition.rest.share)} together"
        pdf.cell(WIDTH, ROW_MM, f"Not listed: {rest}.")
        y += ROW_MM
    return y + 2


def _row(pdf: FPDF, cells: Sequence[str], x: float, y: float, *, head: bool) -> None:
    for text, width in zip(cells, COLUMNS_MM, strict=False):
        _font(pdf, CELL_POINTS, "B" if head else "", GREY if head else INK)
        if (long := pdf.get_string_width(text)) > width - CELL_GAP_MM:
            pdf.set_font_size(CELL_POINTS * (width - CELL_GAP_MM) / long)
        pdf.set_xy(x, y)
        pdf.cell(width, ROW_MM, text)
        x += width


def _findings(pdf: FPDF, condition: Condition, y: float) -> None:
    """Write the findings on colour on the left, and the treatments on the right."""
    y = _ruled(pdf, y)
    half = (WIDTH - GAP) / 2
    treatments = [f"{name}: {sentence}" for name, sentence in condition.treatments]
    treatments += [f"Inspect: {note}." for note in condition.notes]
    parts = (
        ("Colour", condition.colour),
        (f"Treatments {'applied' if condition.made else 'proposed'}", treatments),
    )
    for column, (heading, sentences) in enumerate(parts):
        x, below = LEFT + column * (half + GAP), y
        _font(pdf, 9, "B")
        pdf.set_xy(x, below)
        pdf.cell(half, 4.5, heading)
        below += 4.8
        for sentence in sentences[:6]:
            _font(pdf, 7.5)
            below = write(pdf, plain(sentence, 260), (x, below, half), 3.5) + 0.6


def _foot(pdf: FPDF, condition: Condition) -> None:
    """Write software and weights, and lines for the person who compares it with the object."""
    lines = [f"{name}: {value}" for name, value in condition.software.items()]
    y = _ruled(pdf, BOTTOM - 12.5 - 2.8 * len(lines))
    for line in lines:
        _font(pdf, 6, colour=GREY)
        y = write(pdf, plain(line, 600), (LEFT, y, WIDTH), 2.8)
    _font(pdf, 7, colour=GREY)
    pdf.set_draw_color(*GREY)
    for column, label in enumerate(("Compared with the object by", "Date", "Signature")):
        x = LEFT + column * WIDTH / 3
        pdf.line(x, BOTTOM - 4, x + WIDTH / 3 - GAP, BOTTOM - 4)
        pdf.set_xy(x, BOTTOM - 3.5)
        pdf.cell(WIDTH / 3, 3.5, label)
