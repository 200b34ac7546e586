"""The half-size study on which a sample work is composed: shapes, solids and cloth."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]  # float32 unless stated otherwise
Point = tuple[float, float]  # (x, y), x to the right and y down

ROLES = ("dark", "shade", "earth", "leaf", "sky", "haze", "light", "accent", "skin")


def ramp(tone: Array, low: Array, middle: Array, high: Array) -> Array:
    """Colours (..., 3) for a tone (...) in [0, 1], from `low` over `middle` to `high`."""
    below = np.clip(tone * 2, 0, 1)[..., None]
    above = np.clip(tone * 2 - 1, 0, 1)[..., None]
    return np.asarray(low + below * (middle - low) + above * (high - middle))


def blob(x: float, y: float, rx: float, ry: float, wobble: Array | float = 0.0) -> Array:
    """The outline (24, 2) of an ellipse; `wobble` (24,) moves points out or in by that share."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = 1 + wobble
    return np.column_stack([x + rx * radius * np.cos(turn), y + ry * radius * np.sin(turn)])


def turned(x: float, base: float, height: float, *radii: float) -> Array:
    """The outline of an object turned on a lathe; `radii`, base to top, are shares of its
    height.
    """
    levels = np.linspace(0, 1, 4 * len(radii))
    reach = np.interp(levels, np.linspace(0, 1, len(radii)), radii) * height
    x_both = np.concatenate([x + reach, x - reach[::-1]])
    return np.column_stack([x_both, base - height * np.concatenate([levels, levels[::-1]])])


class Study:
    """A composition of half the size: colours (H, W, 3), directions of strokes, and lines to
    draw last.
    """

    def __init__(
        self, rng: np.random.Generator, number: int, size: tuple[int, int], palette: str
    ) -> None:
        self.rng, self.number = rng, number
        self.height, self.width = height, width = size
        self.unit = min(height, width)
        raw = np.array([[int(digit, 16) for digit in code] for code in palette.split()]) / 15
        hues = np.clip(raw + rng.normal(0, 0.025, raw.shape), 0, 1).astype(np.float32)
        self.hue: dict[str, Array] = dict(zip(ROLES, hues, strict=True))
        self.image = np.zeros((height, width, 3), np.float32)
        self.flow = np.ones(
            (height, width), np.complex64
        )  # twice the angle, so that angles can be mixed
        self.lines: list[tuple[Point, Point, float, Array]] = []  # start, end, width, colour
        self.sun = float(rng.choice([-1, 1]))  # light from the left or from the right

    def mix(self, one: str, other: str, share: float) -> Array:
        """The colour `one` with a `share` (0 to 1) of `other`; both are roles of the palette."""
        return self.hue[one] * np.float32(1 - share) + self.hue[other] * np.float32(share)

    def blend(self, *roles: str) -> Array:
        """A random mixture of two of the `roles`."""
        one, other = self.rng.permutation(roles)[:2]
        return self.mix(one, other, self.rng.uniform(0.3, 0.6))

    def line(self, start: Point, end: Point, wide: float, colour: Array) -> None:
        """Add a line that is drawn after everything else."""
        self.lines.append((start, end, wide, colour))

    def noise(self, rows: float, columns: float, shape: tuple[int, ...] = ()) -> Array:
        """Three octaves of smooth noise around 0; the first has `rows` × `columns` cells."""
        height, width = shape or (self.height, self.width)
        total = np.zeros((height, width), np.float32)
        for octave in range(3):
            cells = (int(rows * 2**octave) + 1, int(columns * 2**octave) + 1)
            grid = self.rng.standard_normal(cells, np.float32) / np.float32(1.7**octave)
            total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        return total

    def lay(
        self, cover: Array, colour: Array, angle: Array | float = 0.0, y: int = 0, x: int = 0
    ) -> None:
        """Blend `colour` into the picture with the opacity `cover` (0 to 1); its corner is at
        (x, y). angle: direction of the strokes.
        """
        place = np.s_[y : y + cover.shape[0], x : x + cover.shape[1]]
        self.image[place] += cover[..., None] * (colour - self.image[place])
        double = 2 * np.asarray(angle, np.float32)
        run = np.empty(double.shape, np.complex64)
        run.real, run.imag = (
            np.cos(double),
            np.sin(double),
        )  # much faster than a complex exponential function
        self.flow[place] += cover * (run - self.flow[place])

    def cover(self, points: ArrayLike, soft: float = 0.0) -> tuple[Array, int, int]:
        """The opacity of a polygon in each pixel of its box, and the corner (y, x) of the box."""
        outline = np.array(points)
        edge = np.array((self.width, self.height))
        margin = 3 * soft + 1
        low = np.clip(np.floor(outline.min(0) - margin), 0, edge - 1).astype(int)
        high = np.clip(np.ceil(outline.max(0) + margin), low + 1, edge).astype(int)
        mask = np.zeros(tuple(high - low)[::-1], np.uint8)
        cv2.fillPoly(mask, [np.round((outline - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        blurred = cv2.GaussianBlur(mask, (0, 0), soft) if soft else mask
        return blurred.astype(np.float32) / 255, int(low[1]), int(low[0])

    def fill(
        self,
        points: ArrayLike,
        colour: Array,
        angle: float = 0.0,
        soft: float = 0.0,
        dense: float = 1,
    ) -> None:
        """Paint a flat shape with the opacity `dense`, and edges blurred over `soft`."""
        cover, y, x = self.cover(points, soft)
        self.lay(cover * np.float32(dense), colour, angle, y, x)

    def solid(
        self, points: ArrayLike, colour: Array, rough: float = 0.06, gloss: float = 0.6
    ) -> None:
        """Paint a shape in relief; its height increases with the distance to its edge."""
        cover, y, x = self.cover(points)
        depth = cv2.distanceTransform((cover > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        radius = float(depth.max()) + 1
        bulge = np.sqrt(1 - (1 - depth / radius) ** 2) * radius
        bulge = cv2.GaussianBlur(bulge, (0, 0), radius * 0.22 + 0.5)
        across = cv2.Sobel(bulge, cv2.CV_32F, 1, 0, scale=0.125)
        down = cv2.Sobel(bulge, cv2.CV_32F, 0, 1, scale=0.125)
        facing = 0.6 - 0.75 * self.sun * across + 0.55 * down
        rows, columns = (max(2.0 * n / max(radius, 6), 1) for n in cover.shape)
        tone = 0.85 * facing / np.sqrt(1 + across**2 + down**2)
        tone += rough * self.noise(rows, columns, cover.shape)
        low = self.hue["dark"] + np.float32(0.3) * (colour - self.hue["dark"])
        high = colour + np.float32(gloss) * (self.hue["light"] - colour)
        self.lay(cover, ramp(tone, low, colour, high), np.arctan2(down, across) + np.pi / 2, y, x)

    def drape(self, points: ArrayLike, colour: Array, fold: float) -> None:
        """Paint hanging cloth in folds that are about `fold` wide."""
        cover, y, x = self.cover(points)
        columns = np.arange(cover.shape[1], dtype=np.float32) * np.float32(np.pi / fold)
        sway = self.noise(1, 2, cover.shape)
        wave = np.sin(columns * self.rng.uniform(0.7, 1.3) + 1.3 * sway)
        across = np.linspace(-0.18, 0.18, cover.shape[1], dtype=np.float32) * self.sun
        low = self.hue["dark"] + np.float32(0.2) * (colour - self.hue["dark"])
        high = colour + np.float32(0.6) * (self.hue["light"] - colour)
        tone = 0.45 + across + np.clip(0.2 + 0.12 * sway, 0.05, 0.4) * wave
        self.lay(cover, ramp(tone, low, colour, high), np.pi / 2 + 0.25 * wave, y, x)

    def shadow(self, x: float, base: float, rx: float, ry: float) -> None:
        """Paint the shadow of an object that stands at (x, base)."""
        centre = (x - self.sun * rx * 0.6, base)
        self.fill(blob(*centre, rx * 1.2, ry), self.hue["dark"], soft=ry * 0.35, dense=0.6)
