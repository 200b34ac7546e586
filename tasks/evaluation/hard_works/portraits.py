"""People and cloth: lace on black, pearls, a signature, a pattern of age cracks."""

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.brush import FINE, FREE
from patina.tasks.evaluation.hard_works.contract import Image, hard_work
from patina.tasks.evaluation.hard_works.fields import (
    Shape,
    blended,
    fractal,
    grid_of,
    noise,
    raking,
    shape_of,
    smoothstep,
    tinted,
)
from patina.tasks.evaluation.hard_works.oil import ball, glow, oil
from patina.tasks.evaluation.hard_works.pen import Pen, Points, arc, curve, moved
from patina.tasks.evaluation.hard_works.supports import craquelure, wood

SKIN = ((0, "3f2318"), (0.45, "9c6a4a"), (0.75, "d3a179"), (1, "efcfa9"))


def dark_room(rng: np.random.Generator, shape: Shape) -> Image:
    """A brown background that is lighter on one side."""
    light = glow(shape, 0.55, 0.35, 0.5) + 0.12 * fractal(rng, shape, max(shape) / 6)
    return tinted((0, "1c1712"), (0.6, "3a2e22"), (1.2, "5c4a36"), at=np.clip(light, 0, 1.2))


def head(rng: np.random.Generator, image: Image, x: float, y: float, tall: float) -> Image:
    """Paint a face lit from the left, with hair around it, on `image`."""
    shape = image.shape[:2]
    hair, shine = ball(shape, x, y - 0.16 * tall, 0.52 * tall, 0.56 * tall)
    image = blended(image, tinted((0, "1b120c"), (1, "5a3d26"), at=shine), hair)
    neck, light = ball(shape, x + 0.02 * tall, y + 0.5 * tall, 0.22 * tall, 0.4 * tall)
    image = blended(image, tinted(*SKIN, at=0.75 * light), neck)
    cover, light = ball(shape, x, y, 0.37 * tall, 0.5 * tall)
    for side, down, depth in ((-0.15, -0.08, 0.2), (0.15, -0.08, 0.22), (0.02, 0.1, 0.12)):
        light = light - depth * glow(shape, x + side * tall, y + down * tall, 0.075 * tall)
    light = light + 0.14 * glow(shape, x - 0.02 * tall, y + 0.04 * tall, 0.04 * tall)
    light = light + 0.02 * fractal(rng, shape, max(shape) / 20)
    return blended(image, tinted(*SKIN, at=np.clip(light, 0, 1)), cover)


def features(pen: Pen, x: float, y: float, tall: float) -> None:
    """Draw eyes, brows, nose and mouth."""
    for side in (-1, 1):
        eye = (x + side * 0.15 * tall, y - 0.07 * tall)
        pen.spot(eye, 0.055 * tall, "cdb9a0", 0.5)
        pen.spot(eye, 0.027 * tall, "2a1a12", 0.95)
        pen.spot((eye[0] - 0.009 * tall, eye[1] - 0.01 * tall), 0.007 * tall, "f4ece0")
        lid = [
            (eye[0] - 0.06 * tall, eye[1]),
            (eye[0], eye[1] - 0.03 * tall),
            (eye[0] + 0.06 * tall, eye[1]),
        ]
        pen.stroke(curve(lid, 14), 0.014 * tall, "4a2a1c")
        pen.stroke(curve(np.asarray(lid) - (0, 0.05 * tall), 14), 0.02 * tall, "4b3020")
    nose = [
        (x + 0.03 * tall, y - 0.05 * tall),
        (x + 0.055 * tall, y + 0.08 * tall),
        (x, y + 0.12 * tall),
    ]
    pen.stroke(curve(nose, 16), 0.014 * tall, "8d5a40")
    mouth = [
        (x - 0.09 * tall, y + 0.22 * tall),
        (x, y + 0.21 * tall),
        (x + 0.09 * tall, y + 0.22 * tall),
    ]
    pen.stroke(curve(mouth, 16), 0.034 * tall, "a5513f")
    pen.stroke(curve(mouth, 16), 0.009 * tall, "5b2a20")


def dress(rng: np.random.Generator, image: Image, *stops: tuple[float, str]) -> Image:
    """Paint shoulders and a body in cloth with folds, from the neck to the lower edge."""
    shape = image.shape[:2]
    rows, columns = grid_of(shape)
    out = np.abs(columns - 0.4)
    cover = smoothstep(rows - (0.44 + 0.5 * out**1.35), 0, 0.012) * smoothstep(
        0.34 + 0.22 * rows - out, 0, 0.012
    )
    folds = np.sin(
        26 * (columns - 0.4) / (0.4 + rows)
        + 2.2 * noise(rng, shape, max(shape) / 4, max(shape) / 7)
    )
    light = 0.42 + 0.3 * folds - 0.3 * (columns - 0.4) + 0.1 * fractal(rng, shape, max(shape) / 12)
    return blended(image, tinted(*stops, at=np.clip(light, 0, 1)), cover)


@hard_work
def white_collar_and_lace(rng: np.random.Generator, size_px: int) -> Image:
    """A black dress with a white collar edged with needle lace, and with cuffs."""
    shape = shape_of(size_px, 0.8)
    study = dress(rng, dark_room(rng, shape), (0, "070707"), (0.7, "161516"), (1, "2b2a2c"))
    study = head(rng, study, 0.4, 0.27, 0.26)
    for x in (0.21, 0.57):
        hand, light = ball(shape, x, 0.91, 0.05, 0.062)
        study = blended(study, tinted(*SKIN, at=0.9 * light), hand)

    def draw(pen: Pen) -> None:
        features(pen, 0.4, 0.27, 0.26)
        edge = curve([(0.17, 0.47), (0.24, 0.56), (0.4, 0.615), (0.56, 0.56), (0.63, 0.47)], 90)
        neck = curve([(0.5, 0.41), (0.46, 0.44), (0.4, 0.455), (0.34, 0.44), (0.3, 0.41)], 30)
        pen.area(np.concatenate([edge, neck]), "e6e2d8")
        for place in np.linspace(0.08, 0.92, 13):  # folds of fine linen
            low, high = edge[int(place * 89)], neck[int((1 - place) * 29)]
            bend = (low + high) / 2 + rng.normal(0, 0.006, 2)
            pen.stroke(curve([high, bend, low], 16), 0.004, "cfc9bd", 0.1)
        pen.line(edge, 0.0016, "f6f3ea")
        lace(pen, edge, 0.047)
        for x, y, lean in ((0.2, 0.88, 0.3), (0.58, 0.9, -0.3)):
            cuff = np.array([(x - 0.05, y), (x, y - 0.01), (x + 0.05, y + 0.02 * lean)])
            pen.area(
                np.concatenate([curve(cuff, 20), curve(cuff[::-1] - (0, 0.045), 20)]), "e3dfd5"
            )
            lace(pen, curve(cuff, 60), 0.022)

    return oil(rng, study, 1.2, FINE, draw)


def lace(pen: Pen, edge: Points, deep: float) -> None:
    """Draw scallops, rosettes and a mesh of white thread along `edge`, to a depth of `deep`."""
    way = np.asarray(edge)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    count = max(int(length[-1] / (0.85 * deep)), 3)
    thread, white = 0.03 * deep, "efece2"
    for place in (np.arange(count) + 0.5) / count * length[-1]:
        centre = np.array([np.interp(place, length, part) for part in way.T])
        ahead = np.array([np.interp(place + 0.01, length, part) for part in way.T]) - centre
        turn = np.arctan2(ahead[1], ahead[0])
        down = np.array([-np.sin(turn), np.cos(turn)])
        middle = centre + 0.52 * deep * down
        for radius in (0.42, 0.36, 0.2, 0.08):
            pen.line(arc(middle, radius * deep, 0, 2 * np.pi), thread, white)
        for spoke in np.linspace(0, 2 * np.pi, 13):
            toward = np.array([np.cos(spoke), np.sin(spoke)])
            pen.line([middle + 0.08 * deep * toward, middle + 0.36 * deep * toward], thread, white)
        for part in np.linspace(0.2, np.pi - 0.2, 6):  # picots
            pen.spot(
                tuple(middle + 0.47 * deep * np.array([np.cos(part + turn), np.sin(part + turn)])),
                0.05 * deep,
                white,
            )
        along = np.array([down[1], -down[0]])
        for step in np.linspace(-0.42, 0.42, 7):
            start = centre + step * deep * along
            for lean in (-0.12, 0.12):
                pen.line([start, start + deep * (0.2 * down + lean * along)], thread, white)


@hard_work
def pearls(rng: np.random.Generator, size_px: int) -> Image:
    """Strings of pearls on skin and on dark velvet, each pearl with a highlight."""
    shape = shape_of(size_px, 0.8)
    study = dress(rng, dark_room(rng, shape), (0, "0e0a14"), (0.6, "2a1426"), (1, "5b2c45"))
    study = head(rng, study, 0.4, 0.26, 0.26)
    chest, light = ball(shape, 0.4, 0.5, 0.2, 0.13)
    study = blended(study, tinted(*SKIN, at=0.9 * light), chest)
    strings = [
        (curve([(0.31, 0.4), (0.35, 0.44), (0.41, 0.455), (0.46, 0.44), (0.49, 0.4)], 200), 0.0095),
        (curve([(0.25, 0.46), (0.31, 0.58), (0.4, 0.63), (0.5, 0.58), (0.56, 0.46)], 300), 0.0085),
        (curve([(0.18, 0.52), (0.27, 0.75), (0.42, 0.84), (0.56, 0.74), (0.62, 0.52)], 400), 0.011),
        (curve([(0.26, 0.17), (0.33, 0.125), (0.42, 0.115), (0.52, 0.15)], 200), 0.006),
    ]

    def draw(pen: Pen) -> None:
        features(pen, 0.4, 0.26, 0.26)
        for way, radius in strings:
            length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
            for place in np.arange(0, length[-1], 2.02 * radius):
                x, y = (float(np.interp(place, length, part)) for part in way.T)
                pearl(pen, (x, y), radius * rng.uniform(0.92, 1.03))
        pearl(pen, (0.283, 0.335), 0.014)
        pearl(pen, (0.4, 0.485), 0.017)

    return oil(rng, study, 1.2, FINE, draw)


def pearl(pen: Pen, centre: tuple[float, float], radius: float) -> None:
    """Draw a pearl: its shadow, its body in steps from the dark rim, a reflection, and a
    highlight.
    """
    x, y = centre
    pen.spot((x + 0.25 * radius, y + 0.35 * radius), 1.02 * radius, "1a1016")
    for part, colour in (
        (1, "6f675f"),
        (0.9, "948b80"),
        (0.78, "b5ac9f"),
        (0.62, "cfc7ba"),
        (0.44, "e2dcd0"),
    ):
        shift = 0.28 * (1 - part) * radius
        pen.spot((x - shift, y - shift), part * radius, colour)
    pen.stroke(arc(centre, 0.72 * radius, 0.3, 1.5, 10), 0.2 * radius, "c9c0b4")
    pen.spot((x - 0.33 * radius, y - 0.36 * radius), 0.17 * radius, "fffdf6")


@hard_work
def signature(rng: np.random.Generator, size_px: int) -> Image:
    """A painter's name and the year, thin and dark on paint, and also pale on a dark table."""
    shape = height, _ = shape_of(size_px, 1.3)
    top = height / size_px
    rows, _ = grid_of(shape)
    wall = 0.55 + 0.3 * glow(shape, 0.3, 0.2, 0.5) + 0.1 * fractal(rng, shape, size_px / 7)
    study = tinted((0, "6f5f45"), (1, "c9b183"), at=np.clip(wall, 0, 1))
    table = tinted(
        (0, "231812"),
        (1, "5a3a24"),
        at=np.clip(0.4 + 0.25 * noise(rng, shape, size_px / 50, size_px / 4), 0, 1),
    )
    study = blended(study, table, np.broadcast_to(smoothstep(rows, 0.6 * top, 0.61 * top), shape))
    for x, y, wide, dark, pale in (
        (0.5, 0.52, 0.11, "3a1712", "c9553a"),
        (0.7, 0.55, 0.085, "4a4a18", "c5b04a"),
        (0.33, 0.56, 0.07, "3b2a10", "dfa848"),
    ):
        study = blended(study, "140d0a", 0.7 * glow(shape, x + 0.06, (y + wide) * top, wide))
        cover, light = ball(shape, x, y * top, wide, 0.95 * wide)
        study = blended(study, tinted((0, dark), (1, pale), at=light), cover)

    def draw(pen: Pen) -> None:
        write(rng, pen, (0.05, 0.12), 0.045, 0.003, "3a2a1c", 9)
        write(rng, pen, (0.08, 0.19), 0.024, 0.002, "47361f", 4)
        write(rng, pen, (0.66, 0.92 * top), 0.034, 0.0024, "cdb98d", 10)

    return oil(rng, study, 0.2, FREE, draw)


def write(
    rng: np.random.Generator,
    pen: Pen,
    place: tuple[float, float],
    tall: float,
    width: float,
    colour: str,
    letters: int,
) -> None:
    """Draw a line of meaningless handwriting with a larger capital, and a flourish below."""
    x, y = place
    knots = [
        (x - 0.3 * tall, y - 0.3 * tall),
        (x + 0.15 * tall, y - 1.3 * tall),
        (x + 0.2 * tall, y),
        (x + 0.45 * tall, y - 0.9 * tall),
    ]
    for _ in range(letters):
        x += rng.uniform(0.38, 0.6) * tall
        high = rng.choice([0.45, 0.5, 0.95], p=[0.45, 0.3, 0.25]) * tall
        deep = rng.choice([0.0, 0.4], p=[0.8, 0.2]) * tall
        knots += [
            (x + 0.22 * tall, y - high),
            (x + 0.02 * tall, y - 0.55 * high),
            (x + 0.12 * tall, y + deep),
            (x + 0.3 * tall, y - 0.08 * tall),
        ]
    pen.line(curve(knots, 24 * letters), width, colour)
    end = knots[-1]
    sweep = [
        end,
        moved(end, 0.4 * tall, 0.3 * tall),
        (place[0] + tall, y + 0.55 * tall),
        (place[0] + 0.2 * tall, y + 0.7 * tall),
    ]
    pen.stroke(curve(sweep, 40), 1.3 * width, colour)


@hard_work
def age_cracks(rng: np.random.Generator, size_px: int) -> Image:
    """An old portrait on a panel, with a network of craquelure that belongs to the work."""
    shape = shape_of(size_px, 0.8)
    study = dress(rng, dark_room(rng, shape), (0, "200808"), (0.6, "561712"), (1, "9c3d2a"))
    study = head(rng, study, 0.4, 0.28, 0.3)
    cracks = craquelure(rng, shape, size_px / 38, upright=1.6)
    cups = cv2.GaussianBlur(cracks, (0, 0), max(size_px / 700, 0.8))
    light = 1.1 * raking(cups) - 0.62 * cracks + 0.004 * wood(rng, shape)

    def draw(pen: Pen) -> None:
        features(pen, 0.4, 0.28, 0.3)
        edge = curve([(0.27, 0.5), (0.33, 0.56), (0.41, 0.58), (0.49, 0.56), (0.53, 0.5)], 40)
        pen.area(np.concatenate([edge, edge[::-1] - (0, 0.05)]), "d9cfb8")

    return oil(rng, study, 1.0, FINE, draw, np.clip(light, -0.75, 0.3))
