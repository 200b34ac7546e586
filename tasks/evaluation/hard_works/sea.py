"""Works of the sea: rigging against the sky, a bare horizon, foam."""

from itertools import pairwise

import numpy as np

from patina.tasks.evaluation.hard_works.brush import FINE, FREE
from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    blended,
    fractal,
    grid_of,
    noise,
    shape_of,
    smoothstep,
    tinted,
)
from patina.tasks.evaluation.hard_works.oil import THREADS, oil, sky
from patina.tasks.evaluation.hard_works.pen import Pen, curve, moved
from patina.tasks.evaluation.hard_works.supports import canvas, craquelure

ROPE, SPAR = "3b3127", "4a3826"


def water(
    rng: np.random.Generator, image: Image, horizon: float, *stops: tuple[float, str], chop: float
) -> Image:
    """`image` with a sea below `horizon` (units of the long side); near waves are larger."""
    shape: Shape = image.shape[:2]
    rows, _ = grid_of(shape)
    depth = (rows - np.float32(horizon)) / np.float32(shape[0] / max(shape) - horizon)
    near, far = (
        noise(rng, shape, max(shape) / down, max(shape) / (down / 4)) for down in (45, 180)
    )
    waves = np.clip(depth, 0, 1) * near + (1 - np.clip(depth, 0, 1)) * far
    shade = np.clip(depth + chop * (0.3 + 0.7 * np.clip(depth, 0, 1)) * waves, 0, 1)
    cover = np.broadcast_to(smoothstep(depth * shape[0], 0, 1.2), shape)
    return blended(image, tinted(*stops, at=shade), cover)


@hard_work
def rigging(rng: np.random.Generator, size_px: int) -> Image:
    """A ship with all its ropes against a bright sky."""
    shape = height, _ = shape_of(size_px, 0.86)
    top = height / size_px
    study = sky(rng, shape, 0.84, (0, "8aa4bd"), (0.5, "c3cdcf"), (1, "ecdfbf"), clouds=0.045)
    study = water(rng, study, 0.84 * top, (0, "9fa9a0"), (1, "41554f"), chop=0.25)
    weave = 0.012 * canvas(rng, shape, size_px / THREADS)

    def draw(pen: Pen) -> None:
        _hull(pen, 0.85 * top)
        masts = ((0.2, 0.13), (0.44, 0.06), (0.66, 0.17))
        for x, tip in masts:
            _mast(rng, pen, x, tip * top, 0.8 * top)
        for (x, tip), (other, _) in pairwise(masts):
            for high, low in ((tip, 0.3), (tip + 0.13, 0.5), (0.3, 0.72)):
                pen.line([(x, high * top), (other, low * top)], 0.0009, ROPE)
        for high in (0.18, 0.3, 0.42):
            pen.line([(0.2, high * top), (-0.02, 0.74 * top)], 0.0009, ROPE)
        pen.stroke([(0.1, 0.79 * top), (-0.02, 0.69 * top)], 0.012, SPAR, 0.6)
        for x, tip in masts:
            flag = [(x, tip * top), (x + 0.05, (tip + 0.012) * top), (x + 0.085, tip * top)]
            pen.stroke(curve(flag, 20), 0.014, "a8402f", 0.5)

    return oil(rng, study, 0.0, FREE, draw, weave)


def _hull(pen: Pen, line: float) -> None:
    deck = curve(
        [(0.06, line - 0.075), (0.2, line - 0.045), (0.5, line - 0.035), (0.76, line - 0.1)]
    )
    keel = curve(
        [(0.73, line + 0.01), (0.5, line + 0.02), (0.25, line + 0.02), (0.12, line + 0.005)]
    )
    pen.area(np.concatenate([deck, keel]), "33261d")
    for step, colour in ((0.012, "8c6f41"), (0.02, "201913"), (0.033, "a98b55")):
        pen.line(moved(deck, 0, step), 0.003, colour)
    for x in np.linspace(0.2, 0.66, 9):
        pen.area(moved([(0, 0), (0.013, 0), (0.013, 0.011), (0, 0.011)], x, line - 0.02), "17110d")


def _mast(rng: np.random.Generator, pen: Pen, x: float, tip: float, foot: float) -> None:
    """Draw a mast with yards, furled sails, shrouds and ratlines."""
    pen.area([(x - 0.006, foot), (x - 0.0018, tip), (x + 0.0018, tip), (x + 0.006, foot)], SPAR)
    tall = foot - tip
    for part, reach in ((0.16, 0.06), (0.4, 0.095), (0.68, 0.12)):
        y, tilt = tip + part * tall, rng.uniform(-0.006, 0.006)
        pen.stroke([(x - reach, y + tilt), (x, y), (x + reach, y - tilt)], 0.006, SPAR, 0.5)
        for side in (-1, 1):
            end = (x + side * reach, y - side * tilt)
            pen.line([end, (x, y - 0.08)], 0.0007, ROPE)
            pen.line([end, (x + side * reach * 1.05, foot)], 0.0007, ROPE)
        bundle = np.linspace(-0.92, 0.92, 15)
        sail = [(x + reach * b, y + 0.009 + 0.004 * np.sin(7 * b) - tilt * b) for b in bundle]
        pen.stroke(sail, 0.014, "d8cdb2", 0.6)
        for place in sail[1::3]:
            pen.line(
                [(place[0], place[1] - 0.009), (place[0] + 0.001, place[1] + 0.008)], 0.0012, ROPE
            )
    for start, stop, reach in ((0.42, 1.0, 0.075), (0.16, 0.42, 0.032)):
        high, low = tip + start * tall, tip + stop * tall
        for spread in np.linspace(-1, 1, 10):
            pen.line([(x + 0.1 * spread * reach, high), (x + spread * reach, low)], 0.0008, ROPE)
        for step in np.linspace(0.06, 0.97, 26):
            wide = reach * (0.1 + 0.9 * step)
            y = high + step * (low - high)
            for side in (-1, 1):
                pen.line([(x + 0.11 * side * wide, y), (x + side * wide, y)], 0.0006, ROPE)


@hard_work
def horizon(rng: np.random.Generator, size_px: int) -> Image:
    """A calm sea with a straight horizon, and sails as small as specks."""
    shape = height, _ = shape_of(size_px, 1.5)
    line = 0.62 * height / size_px
    study = sky(rng, shape, line, (0, "7f97ae"), (0.6, "b9c4c6"), (1, "e6dcc2"), clouds=0.05)
    study = water(rng, study, line, (0, "6d8489"), (0.4, "7f938c"), (1, "46605c"), chop=0.16)
    weave = 0.014 * canvas(rng, shape, size_px / THREADS)

    def draw(pen: Pen) -> None:
        pen.line([(0, line), (1, line)], 0.0012, "566b74")
        for _ in range(9):
            x, tall = rng.uniform(0.04, 0.96), rng.uniform(0.006, 0.028)
            foot = line + 0.12 * tall
            pen.area(
                [(x, foot - tall), (x + 0.45 * tall, foot - 0.1 * tall), (x, foot - 0.1 * tall)],
                "efe9d9",
            )
            pen.area(
                [
                    (x - 0.05 * tall, foot - 0.9 * tall),
                    (x - 0.3 * tall, foot - 0.1 * tall),
                    (x, foot - 0.1 * tall),
                ],
                "cfc7b2",
            )
            pen.stroke(
                [(x - 0.4 * tall, foot), (x, foot + 0.04 * tall), (x + 0.45 * tall, foot)],
                0.1 * tall,
                "3a332c",
            )
        for _ in range(60):
            x, y = rng.uniform(0, 1), line + rng.uniform(0.01, 0.2) ** 1.2
            wide = 0.004 + 0.12 * (y - line)
            pen.stroke(
                [(x, y), (x + wide / 2, y + 0.0006), (x + wide, y)],
                0.0009 + 0.006 * (y - line),
                "c3cdc4",
                0.1,
            )

    return oil(rng, study, 0.0, FINE, draw, weave)


@hard_work
def foam(rng: np.random.Generator, size_px: int) -> Image:
    """Surf: white webs, thin as cracks, on green water."""
    shape = height, _ = shape_of(size_px, 1.35)
    top = height / size_px
    study = sky(rng, shape, 0.28 * top, (0, "76868c"), (1, "c5c4b4"), clouds=0.05)
    study = water(rng, study, 0.28 * top, (0, "4c6a6a"), (0.5, "3c6660"), (1, "284a48"), chop=0.35)
    rows, columns = grid_of(shape)
    web = np.maximum(
        craquelure(rng, shape, size_px / 14, upright=0.35),
        0.7 * craquelure(rng, shape, size_px / 30, upright=0.4),
    )
    near = smoothstep(rows - 0.34 * top + 0.02 * noise(rng, shape, size_px / 6), 0, 0.12)
    study = blended(study, "dfe6dc", near * smoothstep(web * (0.9 + 0.4 * near), 0.15, 0.6) * 0.85)
    wave = (
        rows - 0.5 * top - 0.05 * np.sin(5 * columns + 1) - 0.012 * fractal(rng, shape, size_px / 8)
    )
    crest = np.exp(-((wave / 0.035) ** 2)) * (wave > -0.03) + np.exp(-((wave / 0.012) ** 2))
    torn = smoothstep(fractal(rng, shape, size_px / 25, 5) + 1.6 * crest, 0.7, 1.5)
    study = blended(study, "f0f1e8", np.clip(torn * crest, 0, 1))
    hollow = np.exp(-(((wave + 0.07) / 0.05) ** 2)) * near
    study = blended(study, "1f4a4d", 0.55 * hollow * (1 - torn))

    def draw(pen: Pen) -> None:
        for _ in range(500):  # spray
            x = rng.uniform(0, 1)
            y = 0.5 * top + 0.05 * np.sin(5 * x + 1) - abs(rng.normal(0, 0.03))
            pen.spot((x, y), rng.uniform(0.0004, 0.0018), "f3f4ee")

    return oil(rng, study, 0.1, FINE, draw)
