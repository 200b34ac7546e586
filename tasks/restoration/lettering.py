"""Writes texts in any script on a PDF page, for names of works and people.

The embedded font (DejaVu Sans Condensed) has Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and
Arabic letters, which HarfBuzz joins and orders. Chinese, Japanese and Korean characters are drawn
with OpenCV's font and placed as pictures. Other characters are written as code points, such as
[U+0E01].
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fpdf import FPDF

FONT = "text"
FONTS = Path(__file__).parent / "fonts"
FILES = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
DRAWN_PX = 96  # size of a drawn character
ELLIPSIS = "…"
MM_A_POINT = 25.4 / 72


@contextmanager
def page() -> Iterator[FPDF]:
    """An empty A4 page, in millimetres, with the embedded fonts; their files are open in the
    block.
    """
    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    for style, file in FILES.items():
        pdf.add_font(FONT, style, FONTS / file)
    pdf.set_text_shaping(True)
    pdf.add_page()
    try:
        yield pdf
    finally:
        for font in embedded(pdf).values():
            font.close()


def embedded(pdf: FPDF) -> dict[str, Any]:
    """The fonts of the page by name and style; all are TrueType."""
    return pdf.fonts


def plain(text: str, longest: int = 200) -> str:
    """`text` on one line without control characters, shortened to `longest` characters."""
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    line = " ".join("".join(kept).encode(errors="replace").decode().split())
    return line if len(line) <= longest else line[: longest - 1] + ELLIPSIS


def runs(text: str, known: frozenset[int]) -> list[tuple[str, bool]]:
    """Pieces of `text`, each with whether it must be drawn as a picture.

    known: the code points of the font. Characters that cannot be drawn either become [U+…].
    """
    kinds = [(c, _kind(c, known)) for c in text]
    pieces = []
    for kind, group in groupby(kinds, key=lambda pair: pair[1]):
        piece = "".join(c for c, _ in group)
        if kind == "missing":
            piece = "[" + " ".join(f"U+{ord(c):04X}" for c in piece) + "]"
        pieces.append((piece, kind == "drawn"))
    return [
        ("".join(piece for piece, _ in group), drawn)
        for drawn, group in groupby(pieces, key=lambda pair: pair[1])
    ]


def _kind(character: str, known: frozenset[int]) -> str:
    if ord(character) in known:
        return "written"
    wide = unicodedata.east_asian_width(character) in ("W", "F")
    return "drawn" if wide and _is_drawable(character) else "missing"


@lru_cache(4096)
def _is_drawable(character: str) -> bool:
    """Whether OpenCV's font has the character; missing ones all look the same."""
    return not np.array_equal(drawn(character), drawn("\U0010ffff"))


@lru_cache(1024)
def drawn(character: str) -> np.ndarray:
    """A character drawn by OpenCV, black on white, uint8 (1.25 × DRAWN_PX, DRAWN_PX)."""
    canvas = np.full((DRAWN_PX * 5 // 4, DRAWN_PX, 3), 255, np.uint8)
    cv2.putText(canvas, character, (0, DRAWN_PX), (0, 0, 0), cv2.FontFace("uni"), DRAWN_PX)
    return canvas[..., 0]


def write(pdf: FPDF, text: str, box: tuple[float, float, float], line_mm: float) -> float:
    """Write `text` in the current font at (x, y), wrapped to a width; return the y below it.

    text: from `plain`. box: x, y, width in mm.
    """
    x, y, width = box
    known = frozenset(embedded(pdf)[f"{FONT}{pdf.font_style}"].cmap)
    pieces = runs(text, known)
    if not any(is_drawn for _, is_drawn in pieces):
        pdf.set_xy(x, y)
        whole = "".join(piece for piece, _ in pieces)
        pdf.multi_cell(width, line_mm, whole, align="L", new_x="LMARGIN", new_y="NEXT")
        return float(pdf.get_y())
    return _mixed(pdf, pieces, box, line_mm)


def _mixed(
    pdf: FPDF, pieces: list[tuple[str, bool]], box: tuple[float, float, float], line_mm: float
) -> float:
    """`write` for text with characters that are pictures."""
    x, y, width = box
    at, right = x, x + width
    side = pdf.font_size_pt * MM_A_POINT
    pdf.set_text_shaping(
        True, direction="ltr"
    )  # direction of the line; Hebrew and Arabic words keep theirs
    for piece, is_drawn in pieces:
        for part in _broken(pdf, piece, right - at) if not is_drawn else piece:
            wide = side if is_drawn else pdf.get_string_width(part)
            if at > x and at + wide > right:
                at, y = x, y + line_mm
            if is_drawn:
                top = y + (line_mm - side * 1.25) / 2
                pdf.image(_png(part), at, top, side, side * 1.25, alt_text=part)
            else:
                pdf.set_xy(at, y)
                pdf.cell(wide, line_mm, part)
            at += wide
    pdf.set_text_shaping(True)
    return y + line_mm


def _broken(pdf: FPDF, piece: str, room_mm: float) -> list[str]:
    """The piece if it fits on the line, otherwise its words."""
    if pdf.get_string_width(piece) <= room_mm:
        return [piece]
    return piece.replace(" ", " \0").split("\0")


@lru_cache(1024)
def _png(character: str) -> bytes:
    return bytes(cv2.imencode(".png", drawn(character))[1])
