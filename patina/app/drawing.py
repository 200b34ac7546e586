"""Pictures of the page: damage and marks over a work, and the frame of the shown part."""

from collections.abc import Sequence

import cv2
import numpy as np

from patina.app.marks import Marks
from patina.app.strokes import FILL, LEAVE, STAIN
from patina.app.words import number_of
from patina.tasks.imaging.images import to_uint8
from patina.tasks.restoration.damage import FILLED, Damage, Piece
from patina.tasks.restoration.report import previews
from patina.tasks.restoration.stains import Stains
from patina.tasks.restoration.windows import Window, cut

# RGB, as in report.html; and the colours of the brushes that protect and that mark stains
FILLED_COLOUR, FOUND_COLOUR = previews.FILLED, previews.FOUND
LEAVE_COLOUR, STAIN_COLOUR = previews.DARKER, previews.LIGHTER
BRUSHES = {FILL: FILLED_COLOUR, LEAVE: LEAVE_COLOUR, STAIN: STAIN_COLOUR}  # by mark
OPACITY = 0.15  # opacity of the colour over an area; the work stays visible through it
OUTLINE_PX = 2  # width of the outline of an area in the whole work; 1 in a part at full size
NUMBERS_PX = 800  # in a picture with a longer side, which the page reduces, numbers are larger
RING_PX = 10  # from an area to the frame of the current one
FRAME = (255, 0, 144)


def hexadecimal(colour: Sequence[int]) -> str:
    """A colour in the notation of CSS, such as "#ff0090"."""
    return "#" + "".join(f"{part:02x}" for part in colour)


def with_damage(
    view: np.ndarray,
    window: Window,
    size: tuple[int, int],
    damage: Damage | None,
    pieces: Sequence[Piece],
    marks: Marks,
    current: int | None,
    stains: Stains,
) -> np.ndarray:
    """The picture of a window with its areas of damage, their numbers and the marks.

    view: float32 (h, w, 3), sRGB in [0, 1], the window of a work. size: (height, width) of the
    work. pieces: the numbered areas. current: the index of the one with a frame. stains: those
    that Patina found. Returns uint8 (h, w, 3).
    """
    drawn, shown = to_uint8(view), (view.shape[0], view.shape[1])
    whole = Window.whole(size)
    px = OUTLINE_PX if window == whole else 1
    marked = marks.stained(window, shown)
    corrected = stains.found if marked is None else None  # if some are marked, only these are
    for each, colour in ((stains.possible, FOUND_COLOUR), (corrected, STAIN_COLOUR)):
        if each is not None:
            drawn = _outlined(drawn, cut(each, whole, window, shown) > 0.5, colour, px)
    if damage is not None:
        found, fill = (
            cut(each, whole, window, shown) > 0.5 for each in (damage.found, damage.fill)
        )
        drawn = _outlined(drawn, found & ~fill, FOUND_COLOUR, px)
        drawn = _outlined(drawn, fill, FILLED_COLOUR, px)
    filled, spared = marks.within(window, shown)
    drawn = _outlined(drawn, filled, FILLED_COLOUR, px)
    drawn = _outlined(drawn, spared, LEAVE_COLOUR, px)
    if marked is not None:
        drawn = _outlined(drawn, marked, STAIN_COLOUR, px)
    if damage is not None:
        if current is not None and current < len(pieces):
            drawn = with_ring(drawn, pieces[current], damage.fill.shape, window, size)
        draw_numbers(drawn, pieces, current, damage.fill.shape, window, size)
    return drawn


def _outlined(drawn: np.ndarray, where: np.ndarray, colour: Sequence[int], px: int) -> np.ndarray:
    """A copy of `drawn` (h, w, 3) in which the areas `where` (h, w) have outlines and a tint.

    px: width of the outlines.
    """
    if not where.any():
        return drawn
    drawn = drawn.copy()
    drawn[where] = (1 - OPACITY) * drawn[where] + OPACITY * np.array(colour)
    reach = np.ones((2 * px + 1, 2 * px + 1), np.uint8)
    drawn[(cv2.dilate(where.astype(np.uint8), reach) > 0) & ~where] = colour
    return drawn


def draw_numbers(
    drawn: np.ndarray,
    pieces: Sequence[Piece],
    current: int | None,
    mapped: tuple[int, ...],
    window: Window,
    size: tuple[int, int],
) -> None:
    """Draw the number of each area in the window at the upper left corner of its box.

    A number that would cover another one is left out, never that of the current area.
    """
    taken = np.zeros(drawn.shape[:2], bool)
    font, large = cv2.FONT_HERSHEY_SIMPLEX, max(1, max(taken.shape) / NUMBERS_PX)
    for index, piece in sorted(enumerate(pieces), key=lambda each: each[0] != current):
        x, y = _in_picture(drawn, piece.box[:2], mapped, window, size)
        if not (0 <= x < drawn.shape[1] and 0 <= y < drawn.shape[0]):
            continue
        text = number_of(index + 1, piece)
        (wide, tall), _ = cv2.getTextSize(text, font, 0.6 * large, round(2 * large))
        above = RING_PX + 6 if index == current else 4
        at = (max(0, min(x, drawn.shape[1] - wide)), max(y - above, tall + 2))
        box = np.s_[max(0, at[1] - tall) : at[1], at[0] : at[0] + wide]
        if taken[box].any():
            continue
        taken[box] = True
        colour = FILLED_COLOUR if piece.outcome == FILLED else FOUND_COLOUR
        for shade, thick in ((255, 255, 255), 5), (colour, 2):
            thick = round(thick * large)
            cv2.putText(drawn, text, at, font, 0.6 * large, shade, thick, cv2.LINE_AA)


def with_ring(
    drawn: np.ndarray,
    piece: Piece,
    mapped: tuple[int, ...],
    window: Window,
    size: tuple[int, int],
) -> np.ndarray:
    """The picture `drawn` of a window, with a frame around `piece`, the current area.

    mapped: (height, width) of the damage map. size: (height, width) of the work.
    """
    drawn = drawn.copy()
    left, top, wide, tall = piece.box
    x, y = _in_picture(drawn, (left, top), mapped, window, size)
    right, bottom = _in_picture(drawn, (left + wide, top + tall), mapped, window, size)
    corner, other = (x - RING_PX, y - RING_PX), (right + RING_PX, bottom + RING_PX)
    for shade, thick in ((0, 0, 0), 5), ((255, 255, 255), 3):
        cv2.rectangle(drawn, corner, other, shade, thick, cv2.LINE_AA)
    return drawn


def _in_picture(
    drawn: np.ndarray,
    place: tuple[int, int],
    mapped: tuple[int, ...],
    window: Window,
    size: tuple[int, int],
) -> tuple[int, int]:
    """The (x, y) in the picture `drawn` of a window, of `place`, an (x, y) in the damage map."""
    scale = drawn.shape[1] / window.width
    across = place[0] / mapped[1] * size[1] - window.left
    down = place[1] / mapped[0] * size[0] - window.top
    return round(across * scale), round(down * scale)


def with_cross(drawn: np.ndarray, place: tuple[float, float], window: Window) -> np.ndarray:
    """The picture `drawn` of a window, with a cross at `place`, (x, y) in pixels of the work."""
    drawn = drawn.copy()
    scale = drawn.shape[1] / window.width
    at = (int((place[0] - window.left) * scale), int((place[1] - window.top) * scale))
    for colour, thick in ((0, 0, 0), 3), ((255, 255, 255), 1):
        cv2.drawMarker(drawn, at, colour, cv2.MARKER_CROSS, 2 * RING_PX, thick)
    return drawn


def with_frame(view: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
    """The whole work with a frame around the shown window, uint8 (h, w, 3)."""
    drawn = to_uint8(view)
    scale = drawn.shape[1] / size[1]
    corner = (round(window.left * scale), round(window.top * scale))
    other = (
        round((window.left + window.width) * scale) - 1,
        round((window.top + window.height) * scale) - 1,
    )
    for colour, thick in ((255, 255, 255), 6), (FRAME, 3):
        cv2.rectangle(drawn, corner, other, colour, thick)
    return drawn


def strokes_of(layers: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """The strokes of the brushes in `layers`, uint8 (h, w, 4) each: marks of BRUSHES or 0, at
    `size`.
    """
    drawn = np.zeros(size, np.uint8)
    for layer in layers:
        if layer.ndim != 3 or layer.shape[2] != 4 or not layer[..., 3].any():
            continue
        whole = Window.whole(layer.shape)
        fitted = cut(np.ascontiguousarray(layer), whole, whole, size, smooth=False)
        away = [
            np.abs(fitted[..., :3].astype(int) - colour).sum(axis=2) for colour in BRUSHES.values()
        ]
        brush = np.array([*BRUSHES])[np.argmin(away, axis=0)]
        drawn = np.where(fitted[..., 3] > 127, brush, drawn).astype(np.uint8)
    return drawn
