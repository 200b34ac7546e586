"""Places the numbers of areas on a picture, and makes the rows of the table of areas."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patina.tasks.restoration.condition import Condition
from patina.tasks.restoration.damage_areas import KINDS, LINE, NETWORK, Area
from patina.tasks.restoration.report.summary import percent

HEADINGS = ("No.", "Kind", "Place", "Left, top", "Share", "Size")
OUTCOME = "Outcome"  # the last heading, if the outcomes differ
ALONG = (KINDS[LINE], KINDS[NETWORK])  # kinds whose length is measured along their lines


@dataclass(frozen=True)
class Marker:
    """The number of an area, and its place in shares of the picture's width."""

    number: int
    x: float
    y: float


def markers(areas: Sequence[Area], height: int, width: int, radius: float) -> list[Marker]:
    """A place beside each area for its number, if possible without overlap.

    height, width: of the work in pixels. radius: of a number's disc, as a share of the width.
    """
    placed: list[Marker] = []
    tall = height / width
    for area in areas:
        spots = (
            Marker(area.number, _within(x, radius, 1), _within(y, radius, tall))
            for x, y in _spots(area, width, radius)
        )
        placed.append(min(spots, key=lambda spot: _overlap(spot, placed, radius)))
    return placed


def _within(at: float, radius: float, end: float) -> float:
    return min(max(at, radius), max(end - radius, radius))


def _spots(area: Area, width: int, radius: float) -> Iterator[tuple[float, float]]:
    """Possible places around the area's box, the nearest first."""
    left, top, right, bottom = (
        side / width for side in (area.left, area.top, area.right, area.bottom)
    )
    x, y = (left + right) / 2, (top + bottom) / 2
    for away in (1.1, 3.2, 5.3):
        off = away * radius
        columns, rows = (left - off, x, right + off), (top - off, y, bottom + off)
        for column, row in ((1, 0), (2, 1), (1, 2), (0, 1), (2, 0), (2, 2), (0, 2), (0, 0)):
            yield columns[column], rows[row]


def _overlap(spot: Marker, placed: Sequence[Marker], radius: float) -> float:
    """Overlap with other discs, in radii; 0 if there is none."""
    gaps = (((spot.x - other.x) ** 2 + (spot.y - other.y) ** 2) ** 0.5 for other in placed)
    return sum(max(0.0, 2 - gap / radius) for gap in gaps)


def table_of(condition: Condition) -> list[tuple[str, ...]]:
    """The table of the areas and stains: HEADINGS, then a row for each."""
    rows = [row_of(area, condition.mm_a_px) for area in condition.numbered]
    if not condition.outcomes:
        return [HEADINGS, *rows]
    outcomes = [condition.outcomes.get(area.number, "") for area in condition.numbered]
    decided = [(*row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]
    return [(*HEADINGS, OUTCOME), *decided]


def row_of(area: Area, mm_a_px: float | None) -> tuple[str, ...]:
    """The cells of an area's row, in the order of HEADINGS."""
    place = f"{area.across:.0%}, {area.down:.0%}"
    share = percent(area.share).replace("less than", "<")  # the column is narrow
    return str(area.number), area.kind, area.place, place, share, size_of(area, mm_a_px)


def size_of(area: Area, mm_a_px: float | None) -> str:
    """Length and width of an area in millimetres, or in pixels if `mm_a_px` is unknown."""
    long, wide = area.length_px, area.width_px
    if area.kind not in ALONG:
        sides = area.right - area.left, area.bottom - area.top
        long, wide = max(sides), min(sides)
    if mm_a_px is None:
        return f"{long:.0f} × {max(wide, 1):.0f} px"
    return f"{_mm(long * mm_a_px)} × {_mm(wide * mm_a_px)} mm"


def _mm(length: float) -> str:
    """A length with the number of digits that suits the resolution of a scan."""
    return (
        f"{length:.0f}" if length >= 10 else f"{length:.1f}" if length >= 0.1 else f"{length:.2f}"
    )
