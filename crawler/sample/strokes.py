"""Paints the invented works of the built-in sample museum.

A work is composed as a study of half the size, with colours and the direction of the strokes. Then
strokes are painted over it, from broad to fine; each layer is painted where the last one differs
from the study. Studies are float32 RGB in [0, 1]. Lengths are pixels of the study unless a name
says otherwise, angles are radians, and all random numbers of a work come from one generator.
Source: the method of Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes"
(SIGGRAPH 1998); the code is ours.
"""

from typing import NamedTuple

import cv2
import numpy as np

from patina.crawler.sample.abstract import abstract
from patina.crawler.sample.indoors import figures, still_life
from patina.crawler.sample.landscapes import landscape
from patina.crawler.sample.study import Array, Study

LONG_SIDE_PX = 640
SHORT_SIDES_PX = (420, 448, 480, 512, 560, 600)


class Brushes(NamedTuple):
    """The brushes of a manner of painting."""

    widths_px: tuple[int, ...]  # widths in the finished work, from broad to fine
    aspect: float  # length of a stroke divided by its width
    jitter: float  # standard deviation of the colours of strokes
    impasto: float  # relief of the paint, 0 to 1
    glaze: float  # share of the smooth study in the finished paint


BROAD = Brushes((44, 24, 12, 7), 3.6, 0.035, 0.9, 0.0)
MIXED = Brushes((36, 17, 9, 5), 3.8, 0.03, 0.7, 0.1)
FINE = Brushes((28, 12, 6, 3), 4.5, 0.018, 0.35, 0.35)
GLAZED = Brushes((30, 13, 6, 3), 4.0, 0.012, 0.2, 0.6)
DABS = Brushes((30, 12, 8, 5), 1.8, 0.06, 0.8, 0.0)
KNIFE = Brushes((54, 32, 18, 9), 2.2, 0.03, 1.0, 0.0)
FLAT = Brushes((48, 22, 10, 5), 3.2, 0.012, 0.18, 0.2)

OIL = "Oil on canvas"
STYLES = {  # a colour for each role, the first year, the medium, the brushes
    "Old master": ("100 321 753 442 678 cb8 feb 932 da7", 1635, "Oil on panel", (FINE, GLAZED)),
    "Impressionist": ("225 458 b86 695 7ae edc ffd e73 eca", 1874, OIL, (MIXED, DABS)),
    "Fauvist": ("114 24a d63 296 39d fba fe7 c25 fa7", 1905, OIL, (BROAD, KNIFE)),
    "Nocturne": ("012 124 444 244 247 79a fec d83 ca8", 1870, OIL, (MIXED, GLAZED)),
    "Gouache": ("334 87a db9 9b8 bde fed fff d77 fca", 1921, "Gouache on paper", (FLAT, MIXED)),
    "Realist": ("112 455 875 564 8ab ddc ffe b53 db9", 1846, "Oil on panel", (FINE, MIXED)),
    "Post-Impressionist": ("213 535 b53 773 d86 fc8 ffc 278 ea7", 1887, OIL, (BROAD, DABS)),
    "Symbolist": ("012 144 874 385 5aa cda ffc c43 db9", 1890, OIL, (GLAZED, BROAD)),
}  # fmt: skip
SCENES = (landscape, still_life, figures, landscape, abstract)


def structure(study: Study) -> Array:
    """The direction of strokes, as in `Study.flow`: along edges, or as composed if there are
    none.
    """
    grey = cv2.GaussianBlur(study.image.mean(-1), (0, 0), 1.5)
    gradient = cv2.Sobel(grey, cv2.CV_32F, 1, 0) + 1j * cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    edges = (-60 * gradient**2).astype(np.complex64).view(np.float32).reshape(*grey.shape, 2)
    edges = cv2.GaussianBlur(edges, (0, 0), 3)
    return np.asarray(edges.view(np.complex64)[..., 0] + study.flow)


def look(field: Array, at: Array) -> Array:
    """The values of `field` (H, W, ...) at the nearest pixels to the points x + iy of `at`."""
    rows, columns = np.clip(at.imag, 0, len(field) - 1), np.clip(at.real, 0, field.shape[1] - 1)
    return np.asarray(field[rows.astype(np.intp), columns.astype(np.intp)])


def trace(seeds: Array, flow: Array, target: Array, step: float) -> Array:
    """The centre lines of strokes, (N, 7) points x + iy, along `flow` in both directions from
    `seeds` (N,).

    A stroke ends where the study has another colour, so that edges stay sharp.
    """
    own, halves = look(target, seeds), []
    for sign in (1, -1):
        at, way, half = seeds, sign * np.sqrt(look(flow, seeds)), []
        pace = np.full(len(seeds), step, np.float32)
        for _ in range(3):
            way = way / (np.abs(way) + np.float32(1e-6))
            leaves = np.abs(look(target, at + pace * way) - own).max(-1) > 0.12
            pace = np.where(leaves, np.float32(0.1 * step), pace)
            at = at + pace * way
            half.append(at)
            ahead = np.sqrt(look(flow, at))
            way = np.where((ahead * way.conj()).real < 0, -ahead, ahead)
        halves.append(half)
    return np.stack([*halves[1][::-1], seeds, *halves[0]], axis=1)


def put(canvas: Array, spines: Array, widths_px: Array, colours: Array) -> None:
    """Draw tapered strokes on `canvas`, whose fourth channel is their angle in 1/256 half turns."""
    along = np.gradient(spines, axis=1)
    taper = np.interp(np.linspace(0, 1, spines.shape[1]), [0, 0.12, 0.8, 1], [0.55, 1, 0.9, 0.4])
    reach = 0.5j * along / (np.abs(along) + 1e-6) * taper * widths_px[:, None]
    outlines = np.concatenate([2 * spines + reach, (2 * spines - reach)[:, ::-1]], axis=1)
    corners = np.round(np.stack([outlines.real, outlines.imag], axis=-1) * 16).astype(
        np.int32, order="C"
    )
    tags = np.angle(spines[:, -1] - spines[:, 0]) / np.pi * 256 % 256
    paint = np.column_stack([np.clip(colours, 0, 1) * 255, tags]).astype(np.uint8).tolist()
    for outline, colour in zip(corners, paint, strict=True):
        cv2.fillPoly(canvas, [outline], colour, cv2.LINE_AA, 4)


def brushwork(study: Study, brushes: Brushes) -> Array:
    """The study as strokes at full size: uint8 (2H, 2W, 4), RGB and the angle of the strokes."""
    rng, flow = study.rng, structure(study)
    ground = 0.6 * cv2.blur(study.image, (41, 41)) + 0.4 * study.mix("earth", "haze", 0.4)
    tags = rng.uniform(0, 1, (study.height, study.width, 1)).astype(np.float32)
    under = np.concatenate([ground, tags], axis=-1) * 255
    canvas: Array = cv2.resize(
        under.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST
    )
    for wide in brushes.widths_px:
        target = cv2.blur(study.image, (wide // 4 * 2 + 1,) * 2)
        spacing = max(wide * 0.45, 2.0)
        count = min(int(1.2 * study.height * study.width / spacing**2), 4000)
        seeds = (rng.random((count, 2)) * (study.width, study.height)).view(np.complex128)
        seeds = seeds[:, 0].astype(np.complex64)
        if wide != brushes.widths_px[0]:
            painted = look(canvas, 2 * seeds)[:, :3] / np.float32(255)
            miss = np.abs(painted - look(study.image, seeds)).max(-1)
            seeds = seeds[miss > 0.04 + rng.exponential(0.03, len(seeds))][:750]
        spines = trace(seeds, flow, target, wide * brushes.aspect / 12)
        spread = rng.normal(0, brushes.jitter, (len(seeds), 4))
        colours = look(target, seeds) + spread[:, :1] + 0.6 * spread[:, 1:]
        put(canvas, spines, wide * rng.uniform(0.7, 1.15, len(seeds)), colours)
    if brushes.glaze:
        thin = (study.image * 255).clip(0, 255).astype(np.uint8)
        smooth = cv2.resize(thin, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        glaze = cv2.merge([*cv2.split(smooth), cv2.extractChannel(canvas, 3)])
        canvas = np.asarray(cv2.addWeighted(canvas, 1 - brushes.glaze, glaze, brushes.glaze, 0))
    if study.lines:
        start, end, widths, colours = (np.array(part) for part in zip(*study.lines, strict=True))
        spines = np.linspace(start @ [1, 1j], end @ [1, 1j], 5, axis=1)
        put(canvas, spines, 2 * widths, colours)
    return canvas


def bristles(rng: np.random.Generator, tags: Array) -> Array:
    """The marks of bristles (H, W) along the stroke of each pixel, with the standard deviation
    1.
    """
    tile: Array = rng.standard_normal((256, 256), np.float32)
    tile = cv2.GaussianBlur(tile, (0, 0), sigmaX=5, sigmaY=0.8)
    tile = cv2.resize(tile / tile.std(), None, fx=2, fy=2)  # fine enough for the nearest pixel
    turn = np.arange(256) * (np.pi / 256)
    tables = [2 * np.cos(turn), 2 * np.sin(turn), *rng.uniform(0, 512, (2, 256))]
    cosine, sine, along, across = (cv2.LUT(tags, table.astype(np.float32)) for table in tables)
    y, x = (axis.astype(np.float32) for axis in np.ogrid[: tags.shape[0], : tags.shape[1]])
    along = along + (x * cosine + y * sine) * np.float32(0.5)
    across = across + y * cosine - x * sine
    place = (across.astype(np.int32) & 511) * 512 + (along.astype(np.int32) & 511)
    return np.asarray(tile.ravel()[place])


def grain(rng: np.random.Generator, shape: tuple[int, ...], medium: str) -> Array:
    """The relief of the support (H, W), with a standard deviation of about 1: threads, wood or
    paper.
    """
    if "canvas" in medium:
        pitch = rng.uniform(1.5, 1.8)
        waves = (np.sin(np.arange(n) * pitch + rng.normal(0, 0.3, n)) for n in shape)
        weft, warp = (wave.astype(np.float32) for wave in waves)
        return weft[:, None] * warp + 0.4 * (weft[:, None] + warp)
    noise = rng.standard_normal((shape[0], shape[1] // (8 if "panel" in medium else 1)), np.float32)
    return cv2.resize(cv2.blur(noise, (3, 3)) * 2, shape[::-1])


def finish(study: Study, canvas: Array, brushes: Brushes, medium: str) -> Array:
    """Add bristle marks and the relief of paint and support in raking light; use the full tonal
    range.
    """
    image: Array = canvas[..., :3].astype(np.float32) / 255
    tags = cv2.medianBlur(np.ascontiguousarray(canvas[..., 3]), 3)
    hairs = bristles(study.rng, tags)
    body = cv2.blur(cv2.LUT(tags, study.rng.standard_normal(256, np.float32)), (3, 3))
    relief: Array = brushes.impasto * (0.5 * hairs + 0.7 * body)
    relief += (0.65 - 0.55 * brushes.impasto) * grain(study.rng, tags.shape, medium)
    raking = np.array([[2, 1, 0], [1, 0, -1], [0, -1, -2]], np.float32) / 8
    light = 0.08 * np.clip(cv2.filter2D(relief, -1, raking), -2.5, 2.5)
    image *= (1 + light + (0.008 + 0.025 * brushes.impasto) * hairs)[..., None]
    low, high = np.quantile(image[::7, ::7], [0.005, 0.995])
    gain = 0.94 / (high - low)
    offset = 255 * (0.03 - low * gain)
    return np.asarray(cv2.convertScaleAbs(np.maximum(image, low), None, 255 * gain, offset))


def paint(number: int, seed: int = 0) -> tuple[Array, dict[str, str]]:
    """Work `number` of the sample museum; always the same bytes.

    Returns uint8 RGB (H, W, 3) with a long side of 640 pixels, and the record: "title", "artist",
    "date", "medium" and "style", all invented. `number` and `seed` are at least 0.
    """
    rng = np.random.default_rng([seed, number])
    scene = SCENES[number % len(SCENES)]
    style = list(STYLES)[(number + number // 8) % len(STYLES)]
    palette, year, medium, ways = STYLES[style]
    brushes: tuple[Brushes, ...] = ways
    short, long = int(rng.choice(SHORT_SIDES_PX)) // 2, LONG_SIDE_PX // 2
    upright = rng.random() < {landscape: 0.15, figures: 0.85}.get(scene, 0.5)
    study = Study(rng, number, (long, short) if upright else (short, long), palette)
    title = scene(study)
    if scene is abstract:
        style, year, medium, brushes = "Abstract", 1913, OIL, (BROAD, KNIFE, DABS, FLAT)
    brush = brushes[int(rng.integers(len(brushes)))]
    record = {
        "title": title,
        "artist": f"Sample Painter No. {rng.integers(1, 25)}",
        "date": str(year + int(rng.integers(0, 20))),
        "medium": medium,
        "style": style,
    }
    return finish(study, brushwork(study, brush), brush, medium), record
