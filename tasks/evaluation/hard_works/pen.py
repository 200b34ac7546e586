"""Draws sharp shapes in a work: lines, outlines and spots, including thin ones."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from patina.tasks.evaluation.hard_works.contract import Image
from patina.tasks.evaluation.hard_works.fields import rgb

FULL_PX = 1600  # smaller works are drawn at twice their size, then reduced, for thin lines
SHIFT = 4  # bits of the fraction of a pixel

Point = Sequence[float] | Image  # x, y
Points = Sequence[Any] | Image  # (N, 2)


class Pen:
    """Draws on `canvas`, uint8 (h, w, 3); places (x, y) and widths in units of its long side."""

    def __init__(self, canvas: Image) -> None:
        self.canvas = canvas
        self.long = max(canvas.shape[:2])

    def area(self, points: Points, colour: str) -> None:
        """Fill the outline `points` (N, 2) with `colour`, "rrggbb"."""
        cv2.fillPoly(self.canvas, [self._fixed(points)], _bytes(colour), cv2.LINE_AA, SHIFT)

    def line(self, points: Points, width: float, colour: str) -> None:
        """A line of even width through `points`."""
        thick = max(round(width * self.long), 1)
        fixed = [self._fixed(points)]
        cv2.polylines(self.canvas, fixed, False, _bytes(colour), thick, cv2.LINE_AA, SHIFT)

    def stroke(self, points: Points, width: float, colour: str, tip: float = 0.25) -> None:
        """A line that narrows to `tip` of its width at both ends, like the stroke of a loaded
        brush.
        """
        way = np.asarray(points, np.float64)
        side = np.gradient(way, axis=0)[:, ::-1] * (1, -1)
        side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
        swell = np.sin(np.linspace(0, np.pi, len(way)))[:, None] * (1 - tip) + tip
        reach = side * swell * max(width, 1.2 / self.long) / 2
        self.area(np.concatenate([way + reach, (way - reach)[::-1]]), colour)

    def spot(self, centre: Point, radius: float, colour: str, tall: float = 1.0) -> None:
        """A disc, or an ellipse whose height is `tall` times its width."""
        turn = np.linspace(0, 2 * np.pi, 28)
        ring = np.stack([np.cos(turn), tall * np.sin(turn)], axis=1)
        self.area(np.asarray(centre) + radius * ring, colour)

    def _fixed(self, points: Points) -> Image:
        places = np.asarray(points, np.float64) * (self.long * (1 << SHIFT))
        return np.asarray(np.round(places).astype(np.int32))


def drawn(image: Image, draw: Callable[[Pen], None]) -> Image:
    """`image`, float32 (H, W, 3), with the shapes that `draw` draws."""
    height, width = image.shape[:2]
    zoom = 1 if max(height, width) >= FULL_PX else 2
    large = cv2.resize(image, (zoom * width, zoom * height), interpolation=cv2.INTER_LINEAR)
    before = (np.clip(large, 0, 1) * 255 + 0.5).astype(np.uint8)
    after = before.copy()
    draw(Pen(after))
    touched = cv2.absdiff(before, after).max(axis=2) > 0
    if zoom == 1:
        cover, top = touched.astype(np.float32), after.astype(np.float32) / 255
    else:
        size = (width, height)
        cover = cv2.resize(touched.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        top = cv2.resize(after, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.where(cover[..., None] > 0, top, image)


def curve(points: Points, count: int = 40) -> Image:
    """Points (count, 2) on a smooth curve through `points` (Catmull-Rom)."""
    knots = np.asarray(points, np.float64)
    knots = np.concatenate([[2 * knots[0] - knots[1]], knots, [2 * knots[-1] - knots[-2]]])
    place = np.linspace(0, len(knots) - 3 - 1e-9, count)
    index = place.astype(int)
    t = (place - index)[:, None]
    before, start, end, after = (knots[index + step] for step in range(4))
    bend = 2 * before - 5 * start + 4 * end - after
    turn = 3 * start - before - 3 * end + after
    return np.asarray(0.5 * (2 * start + (end - before) * t + bend * t**2 + turn * t**3))


def arc(centre: Point, radius: float, start: float, end: float, count: int = 24) -> Image:
    """Points (count, 2) on a circle between two angles in radians."""
    turn = np.linspace(start, end, count)
    return np.asarray(centre) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def moved(points: Points | Point, right: float, down: float) -> Image:
    """`points`, or a single point, moved."""
    return np.asarray(points, np.float64) + np.array([right, down])


def _bytes(colour: str) -> tuple[int, int, int]:
    red, green, blue = (round(255 * part) for part in rgb(colour))
    return red, green, blue
