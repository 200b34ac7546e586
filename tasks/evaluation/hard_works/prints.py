"""Black lines and dots on paper: engraving, halftone, letterpress."""

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    blended,
    fractal,
    grid_of,
    noise,
    paint_of,
    scanned,
    shape_of,
    smoothstep,
    tinted,
)
from patina.tasks.evaluation.hard_works.oil import ball, glow, ground, ridge, sky
from patina.tasks.evaluation.hard_works.supports import laid, wove

TEXT = (
    "whoever looks at a picture for long will find that it looks back and that what seemed to be "
    "dust upon it was snow and what seemed a scratch was a rope the painter knew and the printer "
    "knew that a line is a thing which ought to stay where it was put for as long as paper lasts"
)


@hard_work
def engraving(rng: np.random.Generator, size_px: int) -> Image:
    """An engraving with 330 lines along the work. They widen in the shade and follow the forms."""
    return _engraved(rng, shape_of(size_px, 0.78), size_px / 330)


@hard_work
def engraving_at_pixel_pitch(rng: np.random.Generator, size_px: int) -> Image:
    """An engraving whose lines are six pixels apart."""
    return _engraved(rng, shape_of(size_px, 0.78), 6)


def _engraved(rng: np.random.Generator, shape: Shape, pitch_px: float) -> Image:
    zoom = 1 if pitch_px >= 5 else 2
    large = shape[0] * zoom, shape[1] * zoom
    tone, height = _still_life(rng, large)
    pitch = np.float32(pitch_px * zoom / max(large))
    rows, columns = grid_of(large)
    wobble = 0.0007 * noise(rng, large, max(large) / 12) + 0.12 * pitch * noise(
        rng, large, max(large) / 90
    )
    ink: Image = np.zeros(large, np.float32)
    for turn, from_tone, curl in ((0.12, 1.0, 1.0), (1.0, 0.55, 0.8), (-0.75, 0.3, 0.6)):
        way = rows * np.cos(turn) + columns * np.sin(turn) + curl * height + wobble
        wave = np.abs((way / pitch) % 1 - 0.5) * 2  # 0 in the middle of a line
        dark = np.clip((from_tone - tone) / max(from_tone, 0.1), 0, 1)
        wide = 0.1 * (dark > 0.02) + 0.62 * dark * (
            0.92 + 0.08 * fractal(rng, large, pitch_px * 8, 2)
        )
        soft = 1.2 / (pitch_px * zoom)
        ink = np.maximum(ink, np.clip((wide - wave) / (2 * soft) + 0.5, 0, 1) * (dark > 0.015))
    if zoom == 2:
        ink = cv2.resize(ink, shape[::-1], interpolation=cv2.INTER_AREA)
    rows, columns = grid_of(shape)
    edge = np.minimum(
        np.minimum(rows, rows[-1] - rows), np.minimum(columns, columns[0, -1] - columns)
    )
    ink = ink * smoothstep(edge, 0.05, 0.0508)
    mark = np.exp(-(((edge - 0.035) / 0.0012) ** 2))  # mark of the plate's edge
    sheet = (
        paint_of("eadfc9")
        * (1 + 0.016 * laid(rng, shape, max(max(shape) / 400, 3)) - 0.06 * mark)[..., None]
    )
    return scanned(blended(sheet, "26211e", 0.92 * ink))


def _still_life(rng: np.random.Generator, shape: Shape) -> tuple[Image, Image]:
    """Balls before a landscape: lightness, 0 to 1, and displacement of the lines at each place."""
    rows, columns = grid_of(shape)
    view = sky(rng, shape, 0.55, (0, "b0b0b0"), (1, "fafafa"), clouds=0.06)
    view = ground(rng, view, ridge(rng, shape[1], 0.55, 0.14, 4), ("b9b9b9", "6f6f6f"), 0.5)
    view = ground(rng, view, np.full(shape[1], 0.72, np.float32), ("d0d0d0", "858585"), 0.15)
    tone, height = view[..., 0], 0.004 * fractal(rng, shape, max(shape) / 5, 2)
    for x, y, wide in ((0.3, 0.6, 0.2), (0.55, 0.72, 0.12), (0.2, 0.82, 0.08)):
        tone = tone * (1 - 0.55 * glow(shape, x + 0.5 * wide, y + 0.85 * wide, wide))
        cover, light = ball(shape, x, y, wide, wide)
        bulge = np.sqrt(np.maximum(wide**2 - (columns - x) ** 2 - (rows - y) ** 2, 0))
        tone = tone * (1 - cover) + cover * np.clip(1.12 * light, 0.06, 1)
        height = height * (1 - cover) + cover * 0.55 * bulge
    return np.clip(tone, 0.03, 1), height.astype(np.float32)


@hard_work
def halftone(rng: np.random.Generator, size_px: int) -> Image:
    """A colour print in four screens, with 260 dots along the work."""
    return _screened(rng, shape_of(size_px, 1.3), size_px / 260)


@hard_work
def halftone_at_pixel_pitch(rng: np.random.Generator, size_px: int) -> Image:
    """A colour print in four screens, whose dots are seven pixels apart."""
    return _screened(rng, shape_of(size_px, 1.3), 7)


def _screened(rng: np.random.Generator, shape: Shape, pitch_px: float) -> Image:
    zoom = 1 if pitch_px >= 6 else 2
    large = shape[0] * zoom, shape[1] * zoom
    long, top = max(large), shape[0] / max(shape)
    view = sky(rng, large, 0.6 * top, (0, "3f7fbf"), (1, "f2d9a8"), clouds=0.1)
    view = ground(rng, view, ridge(rng, large[1], 0.55 * top, 0.15, 5), ("7f8f5a", "3c5a34"), 0.5)
    view = ground(rng, view, ridge(rng, large[1], 0.78 * top, 0.06, 3), ("cfae4a", "7a4f2a"), 0.6)
    cover, light = ball(large, 0.7, 0.7 * top, 0.12, 0.12)
    view = np.clip(blended(view, tinted((0, "5a1010"), (1, "f0704f"), at=light), cover), 0.02, 1)
    rows, columns = (axis * np.float32(long / (pitch_px * zoom)) for axis in grid_of(large))
    black = 0.6 * (1 - view.max(axis=2))
    sheet: Image = np.ones((*large, 3), np.float32)
    for ink, turn, pass_through in (
        (1 - view[..., 2], 0.0, "fff200"),
        (1 - view[..., 0], 0.26, "1f9fd8"),
        (1 - view[..., 1], 1.31, "dd3a86"),
        (black, 0.785, "2a2828"),
    ):
        amount = np.clip(ink - (0 if ink is black else 0.8 * black), 0, 1)
        u = columns * np.cos(turn) + rows * np.sin(turn)
        v = rows * np.cos(turn) - columns * np.sin(turn)
        screen = 0.5 + 0.25 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
        soft = 1.6 / (pitch_px * zoom)
        dots = np.clip((screen - (1 - amount)) / soft + 0.5, 0, 1)
        sheet *= 1 - dots[..., None] * (1 - paint_of(pass_through))
    if zoom == 2:
        sheet = cv2.resize(sheet, shape[::-1], interpolation=cv2.INTER_AREA)
    paper = paint_of("f3eddd") * (1 + 0.012 * wove(rng, shape))[..., None]
    return scanned(paper * (0.06 + 0.94 * sheet))


@hard_work
def letterpress(rng: np.random.Generator, size_px: int) -> Image:
    """A page of text, pressed into the paper; the ink is darker at the rims of the letters."""
    shape = shape_of(size_px, 0.72)
    zoom = 1 if size_px >= 1600 else 2
    large = shape[0] * zoom, shape[1] * zoom
    page = np.zeros(large, np.uint8)
    long = max(large)
    _set_type(rng, page, "THE THIRD LETTER", 0.1 * long, 0.028 * long, large[1] * 0.5, centred=True)
    for line in range(33):
        _set_type(rng, page, "", (0.165 + 0.0235 * line) * long, 0.0135 * long, 0.5 * large[1])
    ink = cv2.resize(page, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    rim = cv2.GaussianBlur(ink, (0, 0), max(size_px / 1200, 0.6))
    uneven = (
        0.93
        + 0.05 * fractal(rng, shape, size_px / 6)
        + 0.05 * noise(rng, shape, max(size_px / 900, 1.2))
    )
    cover = np.clip(ink * uneven * (1.12 - 0.2 * rim), 0, 1)
    sheet = paint_of("e9e0cb") * (1 + 0.014 * laid(rng, shape, max(size_px / 380, 3)))[..., None]
    sheet = (
        sheet * (1 - 0.05 * (cv2.GaussianBlur(ink, (0, 0), size_px / 500) - ink).clip(0))[..., None]
    )
    return scanned(blended(sheet, "1f1b1a", cover))


def _set_type(
    rng: np.random.Generator,
    page: Image,
    text: str,
    base: float,
    tall: float,
    middle: float,
    *,
    centred: bool = False,
) -> None:
    """Set one line of `text`, or of random words, justified, on `page` in place."""
    font, scale = cv2.FONT_HERSHEY_COMPLEX, tall / 22
    thick = max(round(tall / 14), 1)

    def wide(words: str) -> int:
        return int(cv2.getTextSize(words, font, scale, thick)[0][0])

    left, right = 0.12 * page.shape[1], 0.88 * page.shape[1]
    words = [text] if text else []
    while not text and wide(" ".join(words)) < right - left - 4 * tall:
        words.append(str(rng.choice(TEXT.split())))
    slack = (right - left - sum(map(wide, words))) / max(len(words) - 1, 1)
    place = middle - wide(text) / 2 if centred else left
    for word in words:
        at = round(place), round(base + rng.normal(0, 0.02 * tall))
        cv2.putText(page, word, at, font, scale, 255, thick, cv2.LINE_AA)
        place += wide(word) + slack
