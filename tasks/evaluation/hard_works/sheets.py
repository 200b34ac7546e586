"""Works of nearly one colour: a cover, a sketch of a few lines, a blueprint."""

import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    fractal,
    noise,
    paint_of,
    scanned,
    shape_of,
)
from patina.tasks.evaluation.hard_works.pen import Pen, arc, curve, drawn
from patina.tasks.evaluation.hard_works.supports import wove

COVERS = ("8c8c8c", "a9927a", "8a6a48", "c9a39a", "46604a", "5b2a2c")
TONED = ("b9a585", "9aa0a2", "c7a99c", "a8a08c")


@hard_work
def bare_cover(rng: np.random.Generator, size_px: int) -> Image:
    """The cover of a book or the back of a board: one colour, slightly uneven, without drawing."""
    shape = shape_of(size_px, 0.75)
    return scanned(_surface(rng, shape, str(rng.choice(COVERS)), 0.02))


@hard_work
def sketch_on_toned_paper(rng: np.random.Generator, size_px: int) -> Image:
    """A dozen lines of ink and chalk on coloured paper."""
    shape = shape_of(size_px, 1.3)

    def draw(pen: Pen) -> None:
        for number in range(12):
            way = rng.uniform((0.2, 0.15), (0.8, 0.6)) + np.cumsum(rng.normal(0, 0.05, (5, 2)), 0)
            colour = "f0ece0" if number % 4 == 3 else "3a302a"
            pen.stroke(curve(way), rng.uniform(0.0015, 0.005), colour, tip=0.5)

    return scanned(drawn(_surface(rng, shape, str(rng.choice(TONED)), 0.012), draw))


@hard_work
def blueprint(rng: np.random.Generator, size_px: int) -> Image:
    """Thin white lines, circles and dimensions on blue."""
    shape = shape_of(size_px, 1.35)

    def draw(pen: Pen) -> None:
        for _ in range(40):
            start = rng.uniform((0.06, 0.06), (0.9, 0.66))
            way = (rng.uniform(0.05, 0.5), 0) if rng.random() < 0.5 else (0, rng.uniform(0.05, 0.4))
            pen.line([start, np.minimum(start + way, (0.96, 0.7))], 0.0012, "dfe8ee")
        for _ in range(8):
            centre, radius = rng.uniform((0.2, 0.2), (0.8, 0.55)), rng.uniform(0.01, 0.12)
            pen.line(arc(centre, radius, 0, 2 * np.pi, 90), 0.0012, "dfe8ee")

    return scanned(drawn(_surface(rng, shape, "2b5488", 0.03), draw))


def _surface(rng: np.random.Generator, shape: Shape, colour: str, rough: float) -> Image:
    """A surface of this colour. rough: standard deviation of its grain, as a share of its light."""
    cloudy = 0.02 * fractal(rng, shape, max(shape) / 3, 3)
    grain = rough * (0.7 * noise(rng, shape, 1.0) + 0.7 * wove(rng, shape))
    return np.asarray(paint_of(colour) * (1 + cloudy + grain)[..., None], np.float32)
