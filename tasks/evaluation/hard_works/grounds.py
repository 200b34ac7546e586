"""Works whose support or paint is conspicuous: paper, gold, canvas, panel, thick paint,
watercolour.
"""

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.brush import BOLD, FINE, Brush
from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    blended,
    fractal,
    grid_of,
    noise,
    paint_of,
    raking,
    scanned,
    shape_of,
    smoothstep,
    tinted,
)
from patina.tasks.evaluation.hard_works.oil import ball, glow, ground, oil, ridge, sky
from patina.tasks.evaluation.hard_works.pen import Pen, arc, curve, drawn, moved
from patina.tasks.evaluation.hard_works.portraits import dark_room, dress, features, head
from patina.tasks.evaluation.hard_works.supports import canvas, craquelure, laid, wood, wove

COARSE_THREADS = 210
THIN = Brush((0.05, 0.02), 3.5, 0.9, 0.008, 0.012)


@hard_work
def blank_laid_paper(rng: np.random.Generator, size_px: int) -> Image:
    """An empty sheet of laid paper: 360 lines of the mould along its long side, and clouds of
    fibre.
    """
    return _sheet(rng, shape_of(size_px, 0.75), size_px / 360)


@hard_work
def blank_laid_paper_at_pixel_pitch(rng: np.random.Generator, size_px: int) -> Image:
    """An empty sheet of laid paper, whose lines are five pixels apart."""
    return _sheet(rng, shape_of(size_px, 0.75), 5)


def _sheet(rng: np.random.Generator, shape: Shape, pitch_px: float) -> Image:
    tone = 0.02 * fractal(rng, shape, max(shape) / 3, 3)
    relief = 0.02 * laid(rng, shape, pitch_px) + 0.008 * noise(rng, shape, 1.2)
    specks = np.clip(noise(rng, shape, max(max(shape) / 700, 1.2)) - 3.6, 0, 1)  # bits of husk
    return scanned(paint_of("e6dbc3") * (1 + tone + relief - 0.3 * specks)[..., None])


@hard_work
def plain_canvas(rng: np.random.Generator, size_px: int) -> Image:
    """Thin paint on a coarse plain weave, with 210 threads along the long side."""
    return _thinly(rng, shape_of(size_px, 1.3), size_px / COARSE_THREADS, twill=False)


@hard_work
def plain_canvas_at_pixel_pitch(rng: np.random.Generator, size_px: int) -> Image:
    """Thin paint on a plain weave, whose threads are five pixels apart."""
    return _thinly(rng, shape_of(size_px, 1.3), 5, twill=False)


@hard_work
def twill_canvas(rng: np.random.Generator, size_px: int) -> Image:
    """Thin paint on a twill, with 210 threads along the long side."""
    return _thinly(rng, shape_of(size_px, 0.8), size_px / COARSE_THREADS, twill=True)


@hard_work
def twill_canvas_at_pixel_pitch(rng: np.random.Generator, size_px: int) -> Image:
    """Thin paint on a twill, whose threads are six pixels apart."""
    return _thinly(rng, shape_of(size_px, 0.8), 6, twill=True)


def _thinly(rng: np.random.Generator, shape: Shape, pitch_px: float, *, twill: bool) -> Image:
    """A landscape in thin paint, which lies in the hollows of the weave."""
    top = shape[0] / max(shape)
    study = sky(rng, shape, 0.6 * top, (0, "6f8fa8"), (0.6, "c2c6b8"), (1, "e6d2ab"), clouds=0.07)
    study = ground(rng, study, ridge(rng, shape[1], 0.6 * top, 0.2, 4), ("7d8a7d", "4f5e4c"), 0.5)
    study = ground(rng, study, ridge(rng, shape[1], 0.74 * top, 0.08, 3), ("8a7f4f", "4a3f26"), 0.7)
    cloth = canvas(rng, shape, pitch_px, twill=twill)
    thick = np.clip(1 - 0.35 * noise(rng, shape, max(shape) / 6), 0.4, 1.6)
    return oil(rng, study, 0.1, THIN, None, 0.05 * thick * cloth + 0.03 * raking(cloth))


@hard_work
def panel(rng: np.random.Generator, size_px: int) -> Image:
    """A portrait in thin paint on a wooden panel, whose grain is visible."""
    shape = shape_of(size_px, 0.76)
    study = dress(rng, dark_room(rng, shape) * 1.5, (0, "0f2430"), (0.6, "24506a"), (1, "5f93a6"))
    study = head(rng, study, 0.38, 0.3, 0.3)
    grain = wood(rng, shape)
    thin = np.clip(1 + 0.5 * noise(rng, shape, size_px / 5), 0.3, 2)

    def draw(pen: Pen) -> None:
        features(pen, 0.38, 0.3, 0.3)
        edge = curve([(0.26, 0.5), (0.32, 0.56), (0.39, 0.58), (0.46, 0.56), (0.51, 0.5)], 40)
        pen.area(np.concatenate([edge, edge[::-1] - (0, 0.03)]), "c9b98e")

    return oil(rng, study, 1.0, FINE, draw, 0.04 * thin * grain + 0.06 * raking(grain))


@hard_work
def impasto(rng: np.random.Generator, size_px: int) -> Image:
    """A wheat field and a sun in very thick paint, lit from the side."""
    shape = height, width = shape_of(size_px, 1.27)
    top = height / size_px
    study = sky(rng, shape, 0.45 * top, (0, "2f6fa5"), (0.6, "7fb0b5"), (1, "f2d27a"), clouds=0.12)
    sun = glow(shape, 0.68, 0.2 * top, 0.07)
    study = blended(study, "ffe27a", np.clip(1.3 * sun, 0, 1))
    study = ground(rng, study, ridge(rng, width, 0.46 * top, 0.1, 4), ("47709a", "2c4a58"), 0.5)
    field = ridge(rng, width, 0.56 * top, 0.05, 3)
    study = ground(rng, study, field, ("d8a92f", "8a5a1c"), 1.4)
    rows, columns = grid_of(shape)
    below = smoothstep(rows - field[None], 0, 0.02)
    swirl = np.arctan2(rows - 0.2 * top, columns - 0.68) + np.pi / 2
    way = swirl * (1 - below) + below * (1.35 + 0.3 * noise(rng, shape, size_px / 6))
    return oil(rng, study, way.astype(np.float32), BOLD)


@hard_work
def gold_ground(rng: np.random.Generator, size_px: int) -> Image:
    """A saint on gold leaf, with seams of the leaves, punched rings and dots, and craquelure."""
    shape = shape_of(size_px, 0.68)
    rows, columns = grid_of(shape)
    sheen = 0.5 + 0.22 * fractal(rng, shape, size_px / 3, 3) + 0.3 * (0.5 - rows)
    seams = np.zeros(shape, np.float32)
    for axis, wide in ((rows, 0.17), (columns, 0.16)):
        bent = axis + 0.002 * noise(rng, shape, size_px / 9)
        seams = np.maximum(seams, np.exp(-((((bent / wide + 0.3) % 1 - 0.5) * wide / 0.0022) ** 2)))
    sheen = sheen + 0.1 * seams + 0.03 * noise(rng, shape, max(size_px / 500, 1))
    leaf = tinted((0, "6b4517"), (0.45, "b98a33"), (0.8, "e3be66"), (1.1, "fbe6a6"), at=sheen)
    rubbed = smoothstep(fractal(rng, shape, size_px / 10, 5), 1.6, 2.6)
    leaf = blended(leaf, "8c3d23", 0.45 * rubbed)  # the red bole below
    saint = dress(rng, leaf, (0, "0f1a3d"), (0.6, "22397a"), (1, "5572b5"))
    saint = head(rng, saint, 0.37, 0.3, 0.2)
    punches = cv2.GaussianBlur(_punched(rng, shape), (0, 0), max(size_px / 1500, 0.5))
    cracks = craquelure(rng, shape, size_px / 60, upright=1.0)

    def draw(pen: Pen) -> None:
        features(pen, 0.37, 0.3, 0.2)
        hem = curve([(0.2, 0.62), (0.3, 0.75), (0.36, 0.97)], 60)
        pen.line(hem, 0.005, "d9b45a")
        pen.line(moved(hem, 0.012, 0), 0.0012, "e8cc7f")

    light = 1.1 * raking(punches, 2.2) - 0.3 * punches - 0.42 * cracks
    return oil(rng, saint, 1.2, FINE, draw, np.clip(light, -0.6, 0.4))


def _punched(rng: np.random.Generator, shape: Shape) -> Image:
    """Depth of the punch marks in the gold, 0 to 1: rings and flowers of a halo, and a border."""
    sheet = np.zeros((*shape, 3), np.float32)

    def draw(pen: Pen) -> None:
        centre, white = (0.37, 0.3), "ffffff"
        for radius in (0.175, 0.181, 0.222, 0.228):
            pen.line(arc(centre, radius, 0, 2 * np.pi, 120), 0.0014, white)
        for turn in np.linspace(0, 2 * np.pi, 37)[:-1]:
            toward = np.array([np.cos(turn), np.sin(turn)])
            middle = np.asarray(centre) + 0.2015 * toward
            for petal in np.linspace(0, 2 * np.pi, 7)[:-1]:
                pen.spot(
                    tuple(middle + 0.009 * np.array([np.cos(petal), np.sin(petal)])), 0.0028, white
                )
            pen.spot(tuple(np.asarray(centre) + 0.237 * toward), 0.004, white)
        for turn in np.linspace(0, 2 * np.pi, 241)[:-1]:
            pen.spot(tuple(arc(centre, 0.168, turn, turn, 1)[0]), 0.0012, white)
        right = shape[1] / max(shape)
        for place in np.arange(0.02, 0.98, 0.016):
            for x in (0.018, right - 0.018):
                pen.line(arc((x, place), 0.0055, 0, 2 * np.pi, 16), 0.0012, white)
        for _ in range(2500):  # stippling
            turn, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0.183, 0.22)
            pen.spot(tuple(arc(centre, radius, turn, turn, 1)[0]), 0.0007, white)

    marks = drawn(sheet, draw)[..., 0]
    face, _ = ball(shape, 0.37, 0.27, 0.12, 0.14)
    rows, columns = grid_of(shape)
    free = 1 - smoothstep(rows - (0.42 + 0.5 * np.abs(columns - 0.4) ** 1.35), 0, 0.012)
    return np.asarray(marks * (1 - face) * free, np.float32)


@hard_work
def watercolour(rng: np.random.Generator, size_px: int) -> Image:
    """Washes with darker edges, and grains of pigment in the hollows of the paper."""
    shape = height, width = shape_of(size_px, 1.38)
    top = height / size_px
    rows, _ = grid_of(shape)
    tooth = noise(rng, shape, max(size_px / 500, 1.5)) + 0.7 * fractal(rng, shape, size_px / 150, 3)
    tooth /= 1.3
    sheet = paint_of("f4efe3") * (1 + 0.02 * raking(tooth) + 0.006 * wove(rng, shape))[..., None]
    skylines = [
        ridge(rng, width, part * top, 0.16, peaks)
        for part, peaks in ((0.5, 5), (0.64, 4), (0.82, 3))
    ]
    washes = [
        (rows / (0.7 * top) + 0.28 * fractal(rng, shape, size_px / 3, 4) - 0.75, "5d8fc0", 0.6)
    ]
    for line, colour in zip(skylines, ("7d8fae", "5f7f6a", "6a6a2f"), strict=True):
        washes.append(
            (line[None] - rows + 0.006 * fractal(rng, shape, size_px / 12, 4), colour, 0.8)
        )
    for _ in range(9):
        x, y = rng.uniform(0.05, 0.95), rng.uniform(0.6, 0.8) * top
        blob = (
            0.04
            - np.hypot(grid_of(shape)[1] - x, 0.8 * (rows - y))
            + 0.02 * fractal(rng, shape, size_px / 30, 3)
        )
        washes.append((-blob, str(rng.choice(["3f5f38", "55702f", "7a5a2a"])), 0.85))
    for outside, colour, strength in washes:
        wet = 1 - smoothstep(outside, -0.0015, 0.0015)
        rim = np.exp(-((np.maximum(-outside, 0) / 0.004) ** 2)) * wet
        pool = 0.62 + 0.25 * fractal(rng, shape, size_px / 5, 4) + 0.45 * rim
        grains = np.clip(1 - 0.13 * tooth, 0.2, 1.8)
        amount = np.clip(strength * wet * np.clip(pool, 0.1, 1.3) * grains, 0, 1)
        sheet = sheet * (1 - amount[..., None] * (1 - paint_of(colour)))
    return scanned(sheet)
