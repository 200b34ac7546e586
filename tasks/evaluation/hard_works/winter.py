"""Works of winter and night: snow with dark figures, bare branches, stars."""

from functools import partial

import numpy as np

from patina.tasks.evaluation.hard_works.brush import FINE, FREE
from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import blended, fractal, noise, shape_of, smoothstep
from patina.tasks.evaluation.hard_works.oil import THREADS, glow, ground, oil, ridge, sky
from patina.tasks.evaluation.hard_works.pen import Pen, curve
from patina.tasks.evaluation.hard_works.supports import canvas

DARKS = ("2a2420", "352a22", "1f1d1e", "4a3226", "3a3a44", "5a2a22")


@hard_work
def snow_with_dark_figures(rng: np.random.Generator, size_px: int) -> Image:
    """Hunters, dogs and birds in front of snow: dark shapes beside pale ones."""
    shape = height, width = shape_of(size_px, 1.42)
    top = height / size_px
    study = sky(rng, shape, 0.3 * top, (0, "93a79c"), (1, "c5cdb6"), clouds=0.02)
    far = ridge(rng, width, 0.3 * top, 0.14, 6)
    study = ground(rng, study, far, ("a9b3aa", "d5d8cf"), 0.5)
    plain = ridge(rng, width, 0.38 * top, 0.03, 3)
    study = ground(rng, study, plain, ("cfd3c9", "e3e2d8"), 0.25)
    hill = 0.46 + 0.42 * np.linspace(0, 1, width) ** 1.3 - 0.04
    near = (hill * top + ridge(rng, width, 0.0, 0.02, 4)).astype(np.float32)

    def draw(pen: Pen) -> None:
        _ponds(rng, pen, top)
        _village(rng, pen, top)
        for _ in range(46):  # skaters, far away
            x, y = rng.uniform(0.45, 1), rng.uniform(0.46, 0.62) * top
            figure(rng, pen, (x, y), 0.011 + 0.012 * (y / top - 0.46) / 0.16)
        _hill(pen, near)
        for x in (0.05, 0.2, 0.33, 0.47):
            foot = float(near[int(x * width)]) + 0.05
            tree(rng, pen, (x, foot), rng.uniform(0.4, 0.5) * top, "2b2622")
        for place in range(5):
            x = 0.1 + 0.075 * place
            figure(rng, pen, (x, float(near[int(x * width)]) + 0.09), 0.1, spear=True)
        for place in range(9):
            x = 0.06 + 0.055 * place
            dog(rng, pen, (x, float(near[int(x * width)]) + 0.115 + 0.01 * (place % 3)))
        for _ in range(9):
            bird(rng, pen, (rng.uniform(0.3, 0.95), rng.uniform(0.05, 0.25) * top))

    return oil(rng, study, 0.0, FINE, draw)


def _hill(pen: Pen, skyline: Image) -> None:
    """Draw a bank of snow in the foreground: bright, bluish lower down, with blades of grass."""
    x = np.linspace(0, 1, len(skyline))
    for step, colour in enumerate(("b9c0bd", "dcdcd3", "e9e6db", "e4e2d8", "dad9d2")):
        line = np.stack([x, skyline + 0.004 * step**1.8], axis=1)[:: max(len(x) // 300, 1)]
        pen.area(np.concatenate([line, [[1, 2], [0, 2]]]), colour)


def _ponds(rng: np.random.Generator, pen: Pen, top: float) -> None:
    for x, y, wide in ((0.72, 0.5, 0.2), (0.85, 0.6, 0.16), (0.6, 0.6, 0.08)):
        turn = np.linspace(0, 2 * np.pi, 14)
        rough = rng.uniform(0.8, 1.1, 14)
        shore = np.stack([x + wide * rough * np.cos(turn), y * top + 0.032 * np.sin(turn)], axis=1)
        pen.area(curve(np.concatenate([shore, shore[:1]]), 80), "8fa097")


def _village(rng: np.random.Generator, pen: Pen, top: float) -> None:
    for _ in range(16):
        x, y, side = rng.uniform(0.35, 1), rng.uniform(0.37, 0.47) * top, rng.uniform(0.008, 0.02)
        wall = [(x, y), (x + 2 * side, y), (x + 2 * side, y + side), (x, y + side)]
        pen.area(wall, str(rng.choice(["5f4a3a", "6d4b3c", "4c423a"])))
        roof = [(x - 0.2 * side, y), (x + 0.4 * side, y - side), (x + 1.8 * side, y - side)]
        pen.area([*roof, (x + 2.2 * side, y)], "ecebe2")
    for _ in range(40):
        tree(rng, pen, (rng.uniform(0.3, 1), rng.uniform(0.38, 0.52) * top), 0.035, "4b463f", 3)


def tree(
    rng: np.random.Generator,
    pen: Pen,
    foot: tuple[float, float],
    tall: float,
    colour: str,
    depth: int = 6,
) -> None:
    """Draw a bare tree of the height `tall`, whose branches fork `depth` times."""

    def grow(x: float, y: float, angle: float, length: float, width: float, left: int) -> None:
        way = [(x, y)]
        for _ in range(6):
            angle += rng.normal(0, 0.1)
            x, y = x + length / 6 * np.cos(angle), y - length / 6 * np.sin(angle)
            way.append((x, y))
        pen.line(way, width, colour)
        if not left:
            return
        for side in (-1, 1, rng.choice([-1, 1])):
            branch = rng.uniform(0.55, 0.8)
            spread = side * rng.uniform(0.25, 0.7)
            lifted = angle + spread + 0.12 * (np.pi / 2 - angle)
            grow(x, y, lifted, branch * length, width * 0.57, left - 1)

    grow(*foot, np.pi / 2 + rng.normal(0, 0.06), tall * 0.33, tall * 0.034, depth)


def figure(
    rng: np.random.Generator, pen: Pen, foot: tuple[float, float], tall: float, spear: bool = False
) -> None:
    """Draw a person from behind, in dark clothes."""
    x, y = foot
    colour, legs = (str(name) for name in rng.choice(DARKS, 2))
    lean, step = rng.uniform(-0.08, 0.08) * tall, rng.uniform(0.06, 0.14) * tall
    hip, neck = (x + lean / 2, y - 0.45 * tall), (x + lean, y - 0.82 * tall)
    for side in (-1, 1):
        pen.stroke(
            [(x + side * step, y), (x + side * step / 2, y - 0.25 * tall), hip],
            0.11 * tall,
            legs,
            0.7,
        )
    coat = [
        (hip[0] - 0.15 * tall, hip[1] + 0.08 * tall),
        (neck[0] - 0.12 * tall, neck[1] + 0.04 * tall),
        neck,
        (neck[0] + 0.12 * tall, neck[1] + 0.04 * tall),
        (hip[0] + 0.15 * tall, hip[1] + 0.08 * tall),
    ]
    pen.area(coat, colour)
    reach = rng.uniform(-0.3, 0.3) * tall
    pen.stroke(
        [neck, (x + reach / 2, y - 0.6 * tall), (x + reach, y - 0.5 * tall)],
        0.08 * tall,
        colour,
        0.7,
    )
    pen.spot((neck[0], neck[1] - 0.07 * tall), 0.065 * tall, "8a6a55")
    pen.spot((neck[0], neck[1] - 0.11 * tall), 0.08 * tall, legs, 0.6)
    if spear:
        pen.line(
            [(x - 0.3 * tall, y - 0.5 * tall), (x + 0.55 * tall, y - 1.05 * tall)],
            0.014 * tall,
            "33291f",
        )


def dog(rng: np.random.Generator, pen: Pen, foot: tuple[float, float]) -> None:
    """Draw a thin dog that walks to the right."""
    x, y, long = *foot, rng.uniform(0.02, 0.032)
    colour = str(rng.choice(["3b2f27", "5a4230", "241f1e", "77583c"]))
    for leg in (-0.4, -0.3, 0.3, 0.42):
        pen.line(
            [(x + leg * long, y - 0.3 * long), (x + (leg + 0.06) * long, y)], 0.07 * long, colour
        )
    pen.spot((x, y - 0.4 * long), 0.5 * long, colour, 0.36)
    pen.spot((x + 0.58 * long, y - 0.58 * long), 0.17 * long, colour, 0.7)
    pen.stroke(
        curve(
            [
                (x - 0.45 * long, y - 0.45 * long),
                (x - 0.7 * long, y - 0.6 * long),
                (x - 0.75 * long, y - 0.85 * long),
            ],
            8,
        ),
        0.07 * long,
        colour,
    )


def bird(rng: np.random.Generator, pen: Pen, place: tuple[float, float]) -> None:
    """Draw a flying crow."""
    x, y, wide = *place, rng.uniform(0.006, 0.018)
    for side in (-1, 1):
        wing = [
            (x, y),
            (x + side * 0.5 * wide, y - 0.35 * wide),
            (x + side * wide, y - 0.05 * wide),
        ]
        pen.stroke(curve(wing, 10), 0.22 * wide, "1d1b1a", 0.2)


@hard_work
def bare_branches(rng: np.random.Generator, size_px: int) -> Image:
    """Twigs as fine as hairs against an evening sky."""
    shape = _, width = shape_of(size_px, 0.82)
    study = sky(rng, shape, 0.86, (0, "8fa3b5"), (0.55, "d5cdbf"), (1, "efcf9f"), clouds=0.03)
    study = ground(rng, study, ridge(rng, width, 0.86, 0.05, 2), ("8d8170", "5b4c3c"), 0.6)
    weave = 0.018 * canvas(rng, shape, size_px / THREADS)

    def draw(pen: Pen) -> None:
        for x, tall in ((0.62, 0.5), (0.14, 0.7), (0.45, 0.95)):
            colour = "4d4238" if tall < 0.6 else "2d2520"
            tree(rng, pen, (x, 0.9 + 0.05 * tall), tall, colour, 7)
        for _ in range(3):
            bird(rng, pen, (rng.uniform(0.05, 0.8), rng.uniform(0.1, 0.5)))

    return oil(rng, study, 0.1, FREE, draw, weave)


@hard_work
def stars(rng: np.random.Generator, size_px: int) -> Image:
    """Bright stars on deep blue, a band of faint ones, and a dark shore."""
    shape = height, width = shape_of(size_px, 1.3)
    top = height / size_px
    study = sky(rng, shape, 0.8 * top, (0, "0b1433"), (0.7, "1d3463"), (1, "3a5d80"), clouds=0.1)
    band = np.exp(
        -((noise(rng, shape, size_px / 2) + 0.4 * fractal(rng, shape, size_px / 9)) ** 2) * 3
    )
    study = blended(study, "6f86b0", (0.3 * band).astype(np.float32))
    study = blended(
        study, "f4ecc4", 0.9 * smoothstep(glow(shape, 0.78, 0.17 * top, 0.03), 0.35, 0.6)
    )
    study = ground(rng, study, ridge(rng, width, 0.83 * top, 0.09, 8), ("10141f", "0a0c12"), 0.4)
    places = rng.random((420, 2)) * (1, 0.74 * top)
    sizes = 0.0006 + 0.0035 * rng.random(420) ** 6

    def draw(pen: Pen) -> None:
        for place, size in zip(places, sizes, strict=True):
            colour = str(rng.choice(["fff6dc", "e9efff", "ffe7b8", "d5e2ff"]))
            pen.spot(tuple(place), size, colour)
            if size > 0.0022:
                for turn in rng.uniform(0, np.pi, 7):
                    reach = 3.2 * size * np.array([np.cos(turn), np.sin(turn)])
                    pen.stroke([place - reach, place, place + reach], size / 3, "cfd8e8", 0.1)
        scatter = partial(rng.normal, 0, 0.05)
        for x in rng.random(700):
            place = (x, (0.55 - 0.3 * x) * top + float(scatter()))
            pen.spot(place, rng.uniform(0.0003, 0.0008), "aebcdc")

    return oil(rng, study, 0.3, FREE, draw)
