"""What happens to an object once: it is scratched, wetted, folded, eaten at."""

import cv2
import numpy as np

from tasks.degradations.contract import Damaged, Image, degradation
from tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split, white_noise
from tasks.degradations.textures import GRID_PX, draw_line, ramp, rough_noise, spread, stain_with

THREADS = 220  # of the canvas, along the long side
SCRATCHES, CLUSTERS, POINTS = 90, 6, 24
COCKLES = 7
DROPLETS = 70
LIQUIDS = (  # what share of red, green and blue passes where it lies thickest, and how dark its rim
    ((0.78, 0.66, 0.38), 0.15),  # oil
    ((0.10, 0.13, 0.30), 0.35),  # ink
    ((0.52, 0.20, 0.30), 0.55),  # red wine
    ((0.50, 0.32, 0.16), 0.75),  # coffee
)


@degradation(local=True)
def abrasion(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Rub the high points of `image` down to the ground, in soft patches and along its edges.

    What stands up goes first: the knuckles of the weave, the ridges of the strokes; a cloth leaves
    streaks in the direction in which it went. Between them the paint is only thinned.
    Source: ours.
    """
    level = spread(_wear(rng, image.shape) + 2.5 * severity**0.7 - 2.5, image.shape)
    grain = spread(_grain(rng, image.shape), image.shape)
    grain += _weave(rng, image.shape, rng.uniform(0, 1.2))
    ground = np.array((0.54, 0.40, 0.28)) + rng.random() ** 0.5 * np.array((0.28, 0.37, 0.40))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    around = cv2.blur(grey, (1 + max(image.shape) // 80,) * 2)
    planes = split(image)
    cover = np.zeros_like(level)
    for worn, wear, rough, tone, mean, *parts in bands(cover, level, grain, grey, around, *planes):
        high = ramp(0.7 * wear + 0.5 * rough + 4 * (tone - mean), 0.1, 2)
        worn[:] = ramp(wear, 0, 1.2) * (0.06 + 0.66 * high)
        shade = 1 - 0.06 * rough
        over(parts, [channel * shade for channel in ground.tolist()], worn)
    return cv2.merge(planes), cover


def _wear(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """How much a place was rubbed, of deviation about 1 and more along the edges; on GRID_PX."""
    wear = rough_noise(rng, shape, waves=4, fade=0.5)
    height, width = wear.shape
    rows, columns = np.ogrid[:height, :width]
    edge = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    edge = edge.astype(np.float32) / GRID_PX
    return wear + (0.8 + 0.6 * wear) * np.exp(-edge / 0.015, dtype=np.float32)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """A grain of deviation about 1 with the streaks of a cloth in it; on GRID_PX."""
    rough = rough_noise(rng, shape, waves=64, fade=1)
    height, width = rough.shape
    streaks = white_noise(rng, (GRID_PX, GRID_PX))
    streaks = cv2.blur(cv2.GaussianBlur(streaks, (0, 0), 0.8), (41, 1))
    turn = cv2.getRotationMatrix2D((GRID_PX / 2, GRID_PX / 2), rng.uniform(0, 180), 1)
    streaks = cv2.warpAffine(streaks, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    return 0.8 * rough + 4 * streaks


def _weave(rng: np.random.Generator, shape: tuple[int, ...], peak: float) -> Image:
    """The height of a plain weave, `peak` at most: each thread passes over one, under the next."""
    height, width = shape[:2]
    pitch_px = max(height, width) / THREADS
    # A thread's width varies, and none lies straight
    spacing = np.cumsum(rng.normal(np.pi, 0.25 * np.pi, (2, THREADS + 1)), axis=1)
    along, across = (
        np.interp(np.arange(side) / pitch_px, np.arange(THREADS + 1), phases).astype(np.float32)
        for side, phases in zip((width, height), spacing, strict=True)
    )
    bend, slack = (enlarge(2 * smooth_noise(rng, shape, waves=4), shape) for _ in range(2))
    for field, phase in ((bend, along), (slack, across[:, None])):
        field += phase
        np.sin(field, out=field)
    bend *= slack
    # Below two pixels a thread there is no weave to be seen
    bend *= peak * np.clip(pitch_px - 1.5, 0, 1)
    return bend


@degradation(local=True)
def scratches(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cut hairlines into `image`: light where the ground shows, dark where dirt has filled them.

    Severity uncovers one scratch after the other and deepens all. Source: ours.
    """
    height, width = image.shape[:2]
    paths_px, radii_px = _scratch_paths(rng, max(height, width))
    paths_px += np.array((width, height)) / 2
    depth = rng.uniform(0.4, 1, SCRATCHES) * (0.7 + 0.3 * severity)
    depth *= np.clip(severity * SCRATCHES - np.arange(SCRATCHES), 0, 1)
    skips = np.clip(rng.normal(0.8, 0.35, (SCRATCHES, POINTS)), 0, 1)
    dirty = rng.random(SCRATCHES) < 0.3
    planes = split(image)
    mask = np.zeros((height, width), np.float32)
    for chosen, tone in ((~dirty, (0.90, 0.87, 0.79)), (dirty, (0.11, 0.08, 0.06))):
        layer = np.zeros((height, width), np.uint8)
        for path, radius, opacity in zip(
            paths_px[chosen], radii_px[chosen], (depth[:, None] * skips)[chosen], strict=True
        ):
            draw_line(layer, path, radius, opacity)
        cover = layer.astype(np.float32) / 255
        over(planes, tone, cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask


def _scratch_paths(rng: np.random.Generator, long_px: int) -> tuple[Image, Image]:
    """Points (SCRATCHES, POINTS, 2) about the image's centre and half widths, both in pixels.

    What rubs once rubs along: scratches come in clusters that share a place and a direction.
    """
    cluster = rng.integers(CLUSTERS, size=SCRATCHES)
    centre = rng.uniform(-0.5, 0.5, (CLUSTERS, 2))[cluster] + rng.normal(0, 0.15, (SCRATCHES, 2))
    angle = rng.uniform(0, np.pi, CLUSTERS)[cluster] + rng.normal(0, 0.15, SCRATCHES)
    length = 0.02 * 30 ** (rng.random(SCRATCHES) ** 1.5)
    bend = rng.normal(0, 0.25, SCRATCHES)
    along = np.linspace(-0.5, 0.5, POINTS)
    wobble = np.cumsum(rng.normal(0, 0.02, (SCRATCHES, POINTS)), axis=1)
    heading = angle[:, None] + bend[:, None] * along + wobble
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=-1) * length[:, None, None] / POINTS
    paths = np.cumsum(steps, axis=1)
    paths += (centre - paths.mean(axis=1))[:, None]
    taper = np.sqrt(1 - (2 * along) ** 2)
    radius = rng.uniform(0.0003, 0.0012, SCRATCHES)[:, None] * (0.2 + 0.8 * taper)
    return paths * long_px, radius * long_px


@degradation(local=True)
def water_spill(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Leave puddles that dried on `image`: washed out inside, a brown tideline at the rim.

    Drying, it carries what it dissolved to its edge, and pauses on the way: a fainter line.
    Source: ours; the rim after Deegan et al., "Capillary flow as the cause of ring stains from
    dried liquid drops", Nature 389 (1997).
    """
    depth = enlarge(_puddle_depth(rng, image.shape, severity), image.shape)
    mottle = enlarge(smooth_noise(rng, image.shape, waves=9), image.shape)
    planes = split(image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    extent = np.zeros_like(depth)
    for wet, shore, uneven, tone, *parts in bands(extent, depth, mottle, grey, *planes):
        if (shore > 0).any():
            wet[:] = severity * np.clip(shore / 0.003, 0, 1)
            over(parts, (tone, tone, tone), 0.3 * wet)
            over(parts, (0.70, 0.63, 0.50), wet * (0.17 + 0.04 * uneven))
            over(parts, (0.35, 0.22, 0.09), wet * _tidelines(shore, uneven))
    return cv2.merge(planes), extent


def _tidelines(depth: Image, mottle: Image) -> Image:
    """How dark the rim of a puddle and the line where it paused are, at `depth`: 0 to 0.9."""
    # Past 60 nothing is to be seen, and it takes long to reckon with numbers so small
    depth = np.clip(depth, 0, 0.36)
    pause = np.clip((depth - 0.04 - 0.01 * mottle) / 0.005, -7, 7)
    rim = np.exp(-depth / 0.006) + 0.22 * np.exp(-pause * pause) + 0.25 * np.exp(-depth / 0.05)
    return np.clip(rim * (0.85 + 0.12 * mottle), 0, 0.9)


def _puddle_depth(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """Distance to the nearest shore of up to three puddles in long sides, negative on dry land.

    On 256 px: a shoreline is smooth, and distances are dear.
    """
    height, width = fit(shape, 256)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / 256
    noise = [enlarge(smooth_noise(rng, shape, waves=n), (height, width)) for n in (3, 8, 24)]
    warp = 0.3 * noise[0] + 0.12 * noise[1] + 0.05 * noise[2]
    level = np.full((height, width), -1, np.float32)
    centres = rng.uniform(0.1, 0.9, (3, 2)) * (height, width) / 256
    radii = np.sort(rng.uniform(0.06, 0.28, 3))[::-1] * (0.7 + 0.3 * severity)
    # The largest is always there; the others join it as the spill grows
    radii *= np.clip(3 * severity - np.array((-1, 0.8, 1.6)), 0.02, 1)
    for (row, column), radius in zip(centres.tolist(), radii.tolist(), strict=True):
        distance = np.hypot(rows - row, columns - column)
        np.maximum(level, radius * (1 + warp) - distance, out=level)
    wet = (level > 0).astype(np.uint8)
    inland, offshore = (  # DIST_MASK_PRECISE does not always give the same bytes
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_5) for side in (wet, 1 - wet)
    )
    return cv2.GaussianBlur((inland - offshore) / 256, (0, 0), 1.5)


@degradation(colour=True)
def cockling(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Light the waves that wetting left in the sheet or canvas of `image`, from one side.

    Only the light changes, not the place: slopes towards it brighten, slopes away darken.
    Source: ours; Lambert's cosine law under a raking light.
    """
    sun = rng.uniform(0, 2 * np.pi)
    relief = _cockles(rng, image.shape, sun)
    right, down = (cv2.Sobel(relief, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    slope = np.cos(sun) * right + np.sin(sun) * down
    slope = np.tanh(slope / (2 * slope.std() + 1e-6))
    # sRGB is about the 2.4th root of light
    gain = enlarge((1 + 0.7 * severity * slope) ** (1 / 2.4), image.shape)
    planes = split(image)
    for plane in planes:
        plane *= gain
    return cv2.merge(planes), None


def _cockles(rng: np.random.Generator, shape: tuple[int, ...], heading: float) -> Image:
    """The height of a sheet that has dried in waves, most across `heading`; on 128 px."""
    height, width = fit(shape, 128)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / 128
    bend = enlarge(smooth_noise(rng, shape, waves=2), (height, width))
    place = enlarge(smooth_noise(rng, shape, waves=3), (height, width))
    relief = np.zeros((height, width), np.float32)
    for wave in range(COCKLES):
        angle, cycles = heading + rng.normal(0, 0.5), rng.uniform(2, 6)
        phase = columns * np.cos(angle) + rows * np.sin(angle) + 0.05 * bend
        swell = np.clip(0.6 + 0.5 * place * (-1) ** wave, 0, None)
        relief += swell * np.sin(2 * np.pi * (cycles * phase + rng.random())) / cycles
    return relief


@degradation(local=True)
def stain(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Spill oil, ink, wine or coffee on `image`: a glaze with a darker rim, and splashes about it.

    Source: ours; the rim after Deegan et al., see `water_spill`.
    """
    tint, rim = LIQUIDS[rng.integers(len(LIQUIDS))]
    shore = spread(_splash(rng, image.shape, severity), image.shape)
    mottle = spread(rough_noise(rng, image.shape, waves=4, fade=0.6), image.shape)
    cover = np.zeros_like(shore)
    for part, inland, uneven in bands(cover, shore, mottle):
        if (inland > 0).any():
            edge = rim * np.exp(-np.clip(inland, 0, 0.48) / 0.008)
            body = np.clip((1 - rim) * (0.8 + 0.1 * uneven) + edge, 0, 1)
            part[:] = severity**0.5 * ramp(inland, 0, 0.004) * body
    planes = split(image)
    stain_with(planes, tint, cover)
    return cv2.merge(planes), cover


def _splash(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """Distance to the shore in long sides, negative where it is dry; on GRID_PX."""
    rough = rough_noise(rng, shape, waves=4, fade=0.55)
    height, width = rough.shape
    middle = rng.uniform(0.2, 0.8, 2) * (width, height) / GRID_PX
    heading, length = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8)
    radius = rng.uniform(0.09, 0.2) * (0.5 + 0.5 * severity)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / GRID_PX
    rows -= middle[1]
    columns -= middle[0]
    # An ellipse, for what is thrown lands aslant
    along = (columns * np.cos(heading) + rows * np.sin(heading)) / (1 + length)
    across = rows * np.cos(heading) - columns * np.sin(heading)
    wet = (radius * (1 + 0.3 * rough) > np.hypot(along, across)).astype(np.uint8)
    angles = rng.normal(heading, 0.5 + rng.exponential(1), DROPLETS)
    reach = radius * (1 + rng.exponential(0.7, DROPLETS))
    drops = np.stack((np.cos(angles), np.sin(angles)), axis=1) * reach[:, None] + middle
    sizes = (
        0.0025
        * rng.lognormal(0, 0.7, DROPLETS)
        * np.clip(severity * DROPLETS - np.arange(DROPLETS), 0, 1)
    )
    for (x, y), size in zip((drops * GRID_PX * 16).astype(int).tolist(), sizes, strict=True):
        cv2.circle(wet, (x, y), round(size * GRID_PX * 16), 1, cv2.FILLED, cv2.LINE_8, shift=4)
    inland, offshore = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_3) for side in (wet, 1 - wet)
    )
    return cv2.GaussianBlur((inland - offshore) / GRID_PX, (0, 0), 1) + 0.0008 * rough
