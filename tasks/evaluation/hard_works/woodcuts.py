"""Colour woodcuts: dark outlines around flat pale areas, which are not losses of paint."""

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
from patina.tasks.evaluation.hard_works.pen import Pen, arc, curve, drawn, moved
from patina.tasks.evaluation.hard_works.supports import wood, wove

PAPER, KEY = "ece0c6", "25324d"  # the key block is printed in dark blue


@hard_work
def woodcut_waves(rng: np.random.Generator, size_px: int) -> Image:
    """Waves with outlined white crests, a distant white mountain, and a flat pale sky."""
    shape = height, _ = shape_of(size_px, 1.46)
    top = height / size_px
    rows, _ = grid_of(shape)
    air = tinted(
        (0, "d9c9a8"),
        (0.5, "e8dcc0"),
        (1, "b9b3a2"),
        at=np.broadcast_to(rows / np.float32(top), shape),
    )

    def draw(pen: Pen) -> None:
        _far_mountain(pen, (0.62, 0.86 * top), 0.26 * top)
        for x, y, tall, colours in (
            (0.84, 0.62, 0.18, ("4d6f97", "9db6c9")),
            (0.5, 0.8, 0.2, ("3d5f8b", "93b0c6")),
            (0.2, 0.5, 0.42, ("2f5080", "8fb0c8")),
            (0.98, 0.86, 0.22, ("2b4a77", "88a9c2")),
        ):
            _wave(rng, pen, (x, y * top), tall * top, colours)
        sea = curve(
            [
                (-0.02, 0.93 * top),
                (0.25, 0.88 * top),
                (0.5, 0.95 * top),
                (0.8, 0.9 * top),
                (1.02, 0.95 * top),
            ],
            80,
        )
        pen.area(np.concatenate([sea, [[1.02, 2], [-0.02, 2]]]), "2f5080")
        for step in range(1, 7):
            pen.stroke(moved(sea, 0, 0.012 * step), 0.006, "9db9cc" if step % 2 else "5f83a8", 0.3)
        pen.line(sea, 0.003, KEY)

    return printed(rng, drawn(air, draw))


def _far_mountain(pen: Pen, foot: tuple[float, float], tall: float) -> None:
    x, y = foot
    side = curve(
        [(x - 1.6 * tall, y), (x - 0.5 * tall, y - 0.62 * tall), (x - 0.1 * tall, y - tall)], 30
    )
    other = curve(
        [(x + 0.1 * tall, y - tall), (x + 0.5 * tall, y - 0.62 * tall), (x + 1.6 * tall, y)], 30
    )
    below = [[x + 2.2 * tall, 2], [x - 2.2 * tall, 2]]
    pen.area(np.concatenate([side, other, below]), "5a6f8c")
    snow = [
        (x - 0.36 * tall, y - 0.72 * tall),
        (x - 0.2 * tall, y - 0.6 * tall),
        (x - 0.1 * tall, y - 0.7 * tall),
        (x, y - 0.55 * tall),
        (x + 0.12 * tall, y - 0.7 * tall),
        (x + 0.22 * tall, y - 0.6 * tall),
        (x + 0.36 * tall, y - 0.72 * tall),
    ]
    pen.area(
        np.concatenate([snow, [[x + 0.1 * tall, y - tall], [x - 0.1 * tall, y - tall]]]), PAPER
    )
    pen.line(np.concatenate([side, other]), 0.0016, KEY)


def _wave(
    rng: np.random.Generator,
    pen: Pen,
    crest: tuple[float, float],
    tall: float,
    colours: tuple[str, str],
) -> None:
    """Draw a breaking wave: its back, stripes along the hollow, and foam with claws."""
    x, y = crest
    back = [
        (x - 1.5 * tall, y + 1.2 * tall),
        (x - 0.9 * tall, y + 0.55 * tall),
        (x - 0.45 * tall, y + 0.08 * tall),
        (x, y),
        (x + 0.28 * tall, y + 0.12 * tall),
    ]
    hollow = [
        (x + 0.28 * tall, y + 0.12 * tall),
        (x + 0.05 * tall, y + 0.3 * tall),
        (x + 0.02 * tall, y + 0.65 * tall),
        (x + 0.3 * tall, y + 1.0 * tall),
        (x + 0.9 * tall, y + 1.25 * tall),
    ]
    outer, inner = curve(back, 60), curve(hollow, 60)
    below = [[x + 2.5 * tall, 2], [x - 3 * tall, 2]]
    pen.area(np.concatenate([outer, inner, below]), colours[0])
    for part in np.linspace(0.12, 0.8, 6):
        stripe = inner * (1 - part) + outer[::-1] * part
        pen.stroke(stripe[6:], 0.045 * tall, colours[1] if round(part * 10) % 2 else "c9d3d2", 0.2)
    pen.line(np.concatenate([outer, inner]), 0.0028, KEY)
    foam = np.concatenate([outer[26:], inner[:16]])
    for radius, colour in ((0.085, KEY), (0.077, "efe7d3")):  # an outline, then the white in it
        draws = np.random.default_rng([int(1e6 * x), int(1e6 * y)])
        for place in foam:
            pen.spot(tuple(place + draws.normal(0, 0.022 * tall, 2)), radius * tall, colour)
    for place in foam[::2]:  # claws
        start = moved(place + rng.normal(0, 0.03 * tall, 2), 0.05 * tall, 0.03 * tall)
        for turn in rng.uniform(-0.4, 1.5, 2):
            reach = rng.uniform(0.06, 0.12) * tall
            end = start + reach * np.array([np.cos(turn), np.sin(turn)])
            hook = curve(
                [start, end, end + 0.5 * reach * np.array([-np.sin(turn), np.cos(turn)])], 12
            )
            pen.stroke(hook, 0.032 * tall, KEY, 0.4)
            pen.stroke(hook, 0.019 * tall, "f1ead8", 0.3)
        turn = rng.uniform(0, 3)
        pen.line(arc(place, 0.045 * tall, turn, turn + 2.2, 10), 0.0014, "54708f")
    for _ in range(60):  # drops
        spread = rng.normal(0, (0.4 * tall, 0.2 * tall))
        pen.spot(
            (x + 0.2 * tall + spread[0], y + spread[1]), rng.uniform(0.004, 0.013) * tall, "f3ecda"
        )


@hard_work
def woodcut_mountain(rng: np.random.Generator, size_px: int) -> Image:
    """A mountain with streaks of snow, flat outlined clouds, and a dark wood below."""
    shape = height, _ = shape_of(size_px, 1.48)
    top = height / size_px
    rows, _ = grid_of(shape)
    place = np.broadcast_to(rows / np.float32(top), shape) + 0.01 * noise(
        rng, shape, size_px / 200, size_px / 3
    )
    air = tinted(
        (0, "1f3f73"), (0.16, "3f6c9d"), (0.45, "a9bfbf"), (0.7, "e4d9bd"), (1, "e4d9bd"), at=place
    )

    def draw(pen: Pen) -> None:
        for _ in range(26):  # clouds: flat bands of bare paper
            y, x, wide = (
                rng.uniform(0.12, 0.62) * top,
                rng.uniform(-0.1, 0.95),
                rng.uniform(0.08, 0.3),
            )
            bank = np.linspace(0, 1, 24)
            bulge = 0.007 * np.abs(np.sin(9 * bank + rng.uniform(0, 6))) + 0.003
            upper = np.stack([x + wide * bank, y - bulge], axis=1)
            cloud = np.concatenate([upper, np.array([[x + wide, y + 0.004], [x, y + 0.004]])])
            pen.area(cloud, "efe6cf")
            pen.line(np.concatenate([cloud, cloud[:1]]), 0.0009, "7f93a4")
        left = curve(
            [(-0.05, 0.9 * top), (0.25, 0.7 * top), (0.48, 0.36 * top), (0.6, 0.13 * top)], 60
        )
        right = curve(
            [(0.66, 0.13 * top), (0.75, 0.35 * top), (0.88, 0.62 * top), (1.05, 0.84 * top)], 60
        )
        pen.area(np.concatenate([left, right, [[1.05, 2], [-0.05, 2]]]), "9c4a33")
        _snow(rng, pen, top)
        pen.line(np.concatenate([left, right]), 0.0022, KEY)
        for _ in range(2600):  # the wood at its foot, dabs of two greens
            x = rng.uniform(-0.02, 1.02)
            y = (0.93 - 0.16 * x * (1 - x) + abs(rng.normal(0, 0.07))) * top
            colour = str(rng.choice(["2f4f45", "3d6251", "22392f", "7f8f62"]))
            pen.stroke([(x, y), (x + 0.0005, y - 0.006), (x, y - 0.012)], 0.005, colour, 0.3)

    return printed(rng, drawn(air.astype(np.float32), draw))


def _snow(rng: np.random.Generator, pen: Pen, top: float) -> None:
    """Draw streaks of bare paper that run down from the summit, each with an outline."""
    for part in np.sort(rng.random(26)):
        start = np.array([0.6 + 0.06 * part, (0.13 + 0.01 * rng.random()) * top])
        lean = (part - 0.42) * 0.5
        long = rng.uniform(0.1, 0.42) * top * (1.1 - abs(part - 0.4))
        bends = rng.normal(0, 0.004, 3)
        way = curve(
            [
                start,
                moved(start, lean * long * 0.3 + bends[0], 0.33 * long),
                moved(start, lean * long * 0.9 + bends[1], 0.7 * long),
                moved(start, lean * long * 1.7 + bends[2], long),
            ],
            24,
        )
        wide = np.linspace(0.0065, 0.0005, 24)[:, None] * rng.uniform(0.7, 1.3, (24, 1))
        streak = np.concatenate([way + (wide * (1, 0)), (way - wide * (1, 0))[::-1]])
        pen.area(streak, "f0e9d6")
        pen.line(np.concatenate([streak, streak[:1]]), 0.0009, "6f3a2e")


def printed(rng: np.random.Generator, blocks: Image) -> Image:
    """`blocks` as a print: the grain of the wood in the colours, and paper that shows through."""
    shape: Shape = blocks.shape[:2]
    paper = paint_of(PAPER) * (1 + 0.02 * wove(rng, shape))[..., None]
    grain = np.ascontiguousarray(wood(rng, shape[::-1], 60).T)
    inked = smoothstep(np.abs(blocks - paint_of(PAPER)).max(axis=2), 0.03, 0.2)
    thin = 0.05 + 0.05 * grain + 0.035 * fractal(rng, shape, max(shape) / 60, 5)
    sheet = blended(
        paper,
        blocks * (1 + 0.012 * wove(rng, shape))[..., None],
        np.clip(1 - np.clip(thin, 0, 0.4), 0, 1),
    )
    return scanned(
        np.where(
            inked[..., None] > 0, inked[..., None] * sheet + (1 - inked[..., None]) * paper, paper
        )
    )
