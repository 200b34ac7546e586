"""Damage by handling a sheet: creases and tears."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, fit, over, split
from patina.tasks.degradations.shapes import aged_tone
from patina.tasks.degradations.textures import draw_line, ramp, rough_noise, spread

FOLDS, CREASES, WRINKLES, CREASE_POINTS = 2, 12, 5, 50
TEARS, TEAR_POINTS, FIBRES = 3, 200, 150
# Colour of the inside of a sheet: from white paper to brown board or canvas
SHEET = (0.86, 0.66), (0.82, 0.55), (0.74, 0.42)
# Bands of a slope: share of its width, and strength; a slope is steepest at the ridge
SLOPE = ((1, 0.14), (0.5, 0.35), (0.15, 0.9))


@degradation(local=True)
def creases(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Fold and crease the sheet of `image`: relief in light from one side, with the colour worn
    off.

    The first two creases run from edge to edge, as in a folded sheet. The others are shorter dents
    from handling. Small wrinkles branch from all of them. Severity sets their number and sharpness.
    Source: ours; Lambert's cosine law under a raking light.
    """
    height, width = image.shape[:2]
    long_px = max(height, width)
    power = (0.45 + 0.55 * severity) * np.clip(severity * CREASES - np.arange(CREASES), 0, 1)
    lit, dim, worn, broken = np.zeros((4, height, width), np.uint8)
    sun = rng.uniform(0, 2 * np.pi)
    for crease in range(CREASES):
        path, strength = _crease(rng, image.shape, is_fold=crease < FOLDS)
        strength *= power[crease]
        _relief((lit, dim), path[None, ::2], strength[None, ::2], sun, 0.012 * long_px, SLOPE)
        wrinkles, depth = _wrinkles(rng, path, strength, long_px)
        _relief((lit, dim), wrinkles, depth, sun, 0.005 * long_px, SLOPE[1:])
        wear = strength * rng.uniform(0.5, 1) * (0.25 + 0.75 * _uneven(rng, 24))
        draw_line(worn, path, 0.004 * long_px * wear, wear)
        draw_line(broken, path, 0.0006 * long_px * (0.5 + wear), wear * _uneven(rng, 40))
    light = cv2.GaussianBlur(lit, (0, 0), 0.0008 * long_px).astype(np.float32)
    light -= cv2.GaussianBlur(dim, (0, 0), 0.0008 * long_px)
    grain = spread(rough_noise(rng, image.shape, waves=40, fade=0.6), image.shape)
    # Paint flakes off where the sheet was bent most, and at weak places around it
    torn: Image = cv2.GaussianBlur(worn, (0, 0), 0.0018 * long_px)
    core = aged_tone(rng, *SHEET)
    light *= 0.6 / 255
    planes = split(image)
    mask = np.empty_like(light)
    for changed, slope, wear, rough, dirt, *parts in bands(
        mask, light, torn, grain, broken, *planes
    ):
        bare = wear * np.float32(1 / 255)
        bare = ramp(bare, 0, 0.3) * (0.15 + 0.85 * ramp(bare + 0.2 * rough, 0.25, 0.8))
        shade = 1 + 0.07 * rough
        over(parts, (tone * shade for tone in core), bare)
        for part in parts:
            part += slope * part
        crack = dirt * np.float32(0.75 / 255)
        over(parts, (0.16, 0.12, 0.09), crack)
        np.clip(np.abs(slope) + bare + crack, 0, 1, out=changed)
    return cv2.merge(planes), mask


def _uneven(rng: np.random.Generator, stretches: int) -> Image:
    """Random shares (0 to 1) along a crease, with `stretches` changes."""
    return np.interp(
        np.linspace(0, 1, CREASE_POINTS), np.linspace(0, 1, stretches), rng.random(stretches)
    )


def _crease(
    rng: np.random.Generator, shape: tuple[int, ...], *, is_fold: bool
) -> tuple[Image, Image]:
    """The points of a crease in pixels (CREASE_POINTS, 2), and its sharpness at each, 0 to 1."""
    height, width = shape[:2]
    along = np.linspace(-0.5, 0.5, CREASE_POINTS)
    wobble = np.cumsum(rng.normal(0, 0.015, CREASE_POINTS)) + rng.normal(0, 0.06, CREASE_POINTS)
    turn, bend, length = rng.uniform(0, np.pi), rng.normal(0, 0.5), rng.exponential(0.2) + 0.06
    middle = rng.uniform(0, 1, 2)
    side = rng.random(CREASE_POINTS)
    strength = np.sqrt(1 - (2 * along) ** 2) * (0.6 + 0.4 * side)
    if is_fold:
        middle = 0.5 + 0.3 * (middle - 0.5)
        turn = np.pi / 2 * (turn > np.pi / 2) + 0.01 * bend
        bend, length = 0.02 * bend, 1.6
        strength = 0.7 + 0.3 * side
    heading = turn + bend * along + wobble
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=1) * (length / CREASE_POINTS)
    path = np.cumsum(steps, axis=0)
    path -= path.mean(axis=0)
    # A pixel's coordinates are those of its centre
    return path * max(height, width) + middle * (width, height) - 0.5, strength


def _wrinkles(
    rng: np.random.Generator, path: Image, strength: Image, long_px: int
) -> tuple[Image, Image]:
    """Short creases that branch from `path` to either side, in the form that `_relief` takes."""
    roots = rng.integers(2, len(path) - 2, WRINKLES)
    angles = rng.uniform(0.4, 1.3, WRINKLES) * rng.choice((-1, 1), WRINKLES)
    lengths = long_px * 0.022 * rng.lognormal(0, 0.5, WRINKLES)
    bends = rng.normal(0, 0.4, WRINKLES)
    share = np.linspace(0, 1, 6)
    run = path[roots + 1] - path[roots - 1]
    heading = (np.arctan2(run[:, 1], run[:, 0]) + angles)[:, None] + bends[:, None] * share
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1)
    steps *= (lengths[:, None] * share)[..., None]
    return path[roots][:, None] + steps, 0.8 * strength[roots][:, None] * (1 - share)


def _relief(
    layers: tuple[Image, Image],
    paths: Image,
    strength: Image,
    sun: float,
    width_px: float,
    slope: tuple[tuple[float, float], ...],
) -> None:
    """Draw the slopes of ridges, (ridges, points, 2), that are lit from the direction `sun`.

    layers: the slopes towards the sun are drawn into the first, the others into the second.
    width_px: width of a slope. slope: its bands, as in SLOPE.
    """
    normal = _normals(paths)
    facing = (normal @ (np.cos(sun), np.sin(sun))).mean(axis=-1)[:, None]
    ink = strength * (0.55 + 0.45 * np.abs(facing))
    radius, level = np.array(slope).T[..., None, None]
    radius = width_px / 2 * radius
    aside = np.sign(facing)[..., None] * normal
    for layer, side in zip(layers, (1, -1), strict=True):
        bands_px = paths + side * aside * radius[..., None]
        draw_line(layer, bands_px, radius * np.ones_like(ink), level * ink)


def _normals(path: Image) -> Image:
    """Unit vectors perpendicular to `path` (..., points, 2)."""
    run = np.gradient(path, axis=-2)
    run /= np.hypot(run[..., 0], run[..., 1])[..., None] + 1e-6
    return np.stack((-run[..., 1], run[..., 0]), axis=-1)


@degradation(local=True)
def tear(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Tear `image` from an edge inwards: a dark gap, the white core of the sheet, and fibres.

    A sheet tears obliquely through its thickness, so that one edge shows the core. One edge stands
    up and casts a shadow on the other. Severity sets the length, the width and the number of the
    tears (up to three).
    Source: ours.
    """
    height, width = image.shape[:2]
    gap, core, hairs = np.zeros((3, height, width), np.uint8)
    for number in range(TEARS):
        reach = min(1.0, max(0.0, 1.6 * severity - 0.5 * number))
        path, opening = _tear_path(rng, image.shape, reach)
        _rip(rng, gap, core, path, opening, max(height, width))
        _fray(rng, hairs, path, opening, max(height, width))
    # A torn edge is not flat: its fibres form clumps and become fewer towards the picture
    rough = spread(rough_noise(rng, image.shape, waves=64, fade=0.9), image.shape)
    shadow = _shadow(gap, (0.003, 0.004))
    shadow -= 0.4 * _shadow(gap, (-0.004, -0.005))
    shadow *= 0.6
    planes = split(image)
    for plane in planes:
        for part, dim in bands(plane, shadow):
            part -= dim * part
    mask = np.abs(shadow)
    paper = aged_tone(rng, *SHEET)
    felt = cv2.GaussianBlur(core, (0, 0), 0.0007 * max(height, width))
    layers = ((felt, paper, 1), (gap, (0.13, 0.10, 0.08), 0), (hairs, paper, 0))
    for layer, tone, felted in layers:
        for seen, clump, drawn, *parts in bands(mask, rough, layer, *planes):
            if drawn.any():
                cover = drawn * np.float32(1 / 255)
                if felted:
                    cover *= 0.35 + 0.65 * ramp(cover + 0.3 * clump, 0.2, 1.1)
                light = 1 + 0.12 * clump - 0.15 * (1 - cover) * felted
                over(parts, [light * channel for channel in tone], cover)
                np.maximum(seen, cover, out=seen)
    return cv2.merge(planes), np.clip(mask, 0, 1, out=mask)


def _tear_path(
    rng: np.random.Generator, shape: tuple[int, ...], reach: float
) -> tuple[Image, Image]:
    """The points of a tear from an edge inwards, and its width at each, in pixels."""
    height, width = shape[:2]
    side, place = rng.integers(4), rng.uniform(0.1, 0.9)
    start = np.array(((place, 0), (1, place), (place, 1), (0, place))[side])
    inward = np.pi / 2 * (side + 1) + rng.normal(0, 0.3)
    length = rng.uniform(0.2, 0.5)
    widest = rng.uniform(0.0035, 0.0095) * (0.3 + 0.7 * reach)
    share = np.linspace(-0.02, 1, TEAR_POINTS)
    # A tear changes its direction from time to time; between the changes it follows the fibres
    drift = _along(rng.normal(0, 0.35, 9))
    heading = inward + drift + rng.normal(0, 0.45, TEAR_POINTS)
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=1) * (length / TEAR_POINTS)
    path = np.cumsum(steps, axis=0)
    path -= path[4]
    opening = widest * _along(rng.uniform(0.3, 1.3, 25)) * np.sqrt(np.clip(reach - share, 0, 1))
    return path * max(height, width) + start * (width, height) - 0.5, opening * max(height, width)


def _along(values: Image) -> Image:
    """`values`, interpolated at the points of a tear."""
    return np.interp(np.linspace(0, 1, TEAR_POINTS), np.linspace(0, 1, len(values)), values)


def _rip(
    rng: np.random.Generator, gap: Image, core: Image, path: Image, opening: Image, long_px: int
) -> None:
    """Draw the gap of a tear into `gap`, and the bared core along its edges into `core`."""
    gape = opening[:, None]
    normal = _normals(path) * rng.choice((-1, 1))
    ragged = 0.5 + 0.15 * rng.normal(0, 1, (2, TEAR_POINTS, 1))
    torn, clean = path + ragged[0] * gape * normal, path - ragged[1] * gape * normal
    bevel = _along(rng.random(67)) * _along(rng.random(10)) * rng.normal(1, 0.15, TEAR_POINTS)
    bared = bevel[:, None] * np.minimum(7.5 * gape, 0.03 * long_px) * normal
    burr = 0.3 * rng.random((TEAR_POINTS, 1)) * gape * normal
    shown = np.count_nonzero(opening)
    for layer, one, other in ((core, torn + bared, clean - burr), (gap, torn, clean)):
        outline = np.concatenate((one[:shown], other[:shown][::-1]))
        if shown:
            points = np.round(outline * 16).astype(np.int32)
            cv2.fillPoly(layer, [points], 255, cv2.LINE_AA, shift=4)


def _fray(
    rng: np.random.Generator, hairs: Image, path: Image, opening: Image, long_px: int
) -> None:
    """Draw fibres that stand out of the edges of a tear into `hairs`."""
    roots = rng.integers(2, TEAR_POINTS - 2, FIBRES)
    lengths = 0.003 * long_px * rng.lognormal(0, 0.6, FIBRES)
    side = rng.choice((-1, 1), FIBRES)
    normal = _normals(path)[roots] * side[:, None]
    angle = np.arctan2(normal[:, 1], normal[:, 0]) + rng.normal(0, 1.1, FIBRES)
    share = np.linspace(-0.3, 0.7, 5)
    heading = angle[:, None] + rng.normal(0, 0.8, FIBRES)[:, None] * share
    runs = np.stack((np.cos(heading), np.sin(heading)), axis=-1) * lengths[:, None, None]
    lines = (path[roots] + normal * opening[roots, None] / 2)[:, None] + runs * share[:, None]
    lines = np.round(lines[opening[roots] > 0] * 16).astype(np.int32)
    width_px = 0.0005 * long_px
    level = round(130 * min(1, width_px))
    cv2.polylines(hairs, lines, False, level, max(1, round(width_px)), cv2.LINE_AA, shift=4)


def _shadow(layer: Image, shift: tuple[float, float]) -> Image:
    """The soft shadow, 0 to 1, of the shapes in `layer`, moved by `shift` long sides."""
    height, width = fit(layer.shape, 256)
    small = cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA)
    move = np.array(((1, 0, 256 * shift[0]), (0, 1, 256 * shift[1])), np.float32)
    small = cv2.warpAffine(small, move, (width, height))
    soft = cv2.GaussianBlur(small, (0, 0), 1.5)
    return enlarge(soft, layer.shape) * np.float32(1 / 255)
