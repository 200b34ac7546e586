"""Accidents with liquids: spilled water, buckled sheets, stains."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split
from patina.tasks.degradations.textures import GRID_PX, ramp, rough_noise, spread, stain_with

COCKLES = 7
DROPLETS = 70
LIQUIDS = (  # transmittance of red, green and blue at full thickness; darkness of the rim
    ((0.78, 0.66, 0.38), 0.15),  # oil
    ((0.10, 0.13, 0.30), 0.35),  # ink
    ((0.52, 0.20, 0.30), 0.55),  # red wine
    ((0.50, 0.32, 0.16), 0.75),  # coffee
)


@degradation(local=True)
def water_spill(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add dried puddles of water to `image`: pale inside, with brown tidelines at the rim.

    Drying water carries dissolved dirt to its edge. The edge is scalloped, sharp on the outside and
    soft on the inside. Where the water paused, fainter lines remain. Inside a puddle, colours are
    washed out and the surface has bloomed.
    Source: ours; the rim after Deegan et al., "Capillary flow as the cause of ring stains from
    dried liquid drops", Nature 389 (1997).
    """
    mottle = spread(rough_noise(rng, image.shape, waves=5, fade=0.6), image.shape)
    depth = spread(puddle_depth(rng, image.shape, severity), image.shape)
    dirt = rng.uniform(0.6, 1)
    planes = split(image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    extent = np.zeros_like(depth)
    for wet, shore, uneven, tone, *parts in bands(extent, depth, mottle, grey, *planes):
        if (shore > 0).any():
            wet[:] = severity * np.clip(shore / 0.0015, 0, 1)
            line = wet * dirt * _tidelines(shore, uneven)
            over(parts, (tone, tone, tone), 0.45 * wet)
            # Bloom is patchy, and weakest at the shore, which dried first
            bloom = ramp(0.6 * uneven + 12 * np.clip(shore, 0, 0.2), -0.6, 2.2)
            over(parts, (0.74, 0.71, 0.64), wet * (0.03 + 0.25 * bloom))
            for part, passed in zip(parts, (0.62, 0.45, 0.24), strict=True):
                part *= 1 - (1 - passed) * (line + 0.06 * wet)
            over(parts, (0.40, 0.28, 0.15), 0.6 * line)
    return cv2.merge(planes), extent


def _tidelines(depth: Image, mottle: Image) -> Image:
    """Darkness of the rim, and of the lines where a puddle paused, 0 to 1.

    depth: distance to the shore, in long sides. Each line is sharp outwards and fades inwards.
    """
    lines = 0.12 * np.exp(np.clip(depth, 0, 0.5) / -0.04)
    for place, wander, dark in ((0, 0, 1), (0.022, 0.006, 0.3), (0.06, 0.014, 0.45)):
        inland = np.clip(depth - place - wander * mottle, -0.02, 0.2)
        inland = np.where(inland < 0, -inland / 0.0012, inland / 0.005)
        lines += dark * np.exp(-inland)
    return np.clip(lines * (0.8 + 0.25 * mottle), 0, 1)


def puddle_depth(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """Distance to the nearest shore of up to three puddles, in long sides; negative outside.

    Float32, GRID_PX pixels on the long side. The shores are scalloped, because water spreads in
    tongues.
    """
    height, width = fit(shape, GRID_PX)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / GRID_PX
    noise = [enlarge(smooth_noise(rng, shape, waves=n), (height, width)) for n in (3, 8, 12, 30)]
    warp = 0.3 * noise[0] + 0.12 * noise[1]
    tongues = 0.018 * np.sqrt(np.abs(noise[2])) + 0.005 * np.sqrt(np.abs(noise[3]))
    level = np.full((height, width), -1, np.float32)
    centres = rng.uniform(0.1, 0.9, (3, 2)) * (height, width) / GRID_PX
    radii = np.sort(rng.uniform(0.06, 0.28, 3))[::-1] * (0.7 + 0.3 * severity)
    # The largest puddle is always there; the others appear as severity grows
    radii *= np.clip(3 * severity - np.array((-1, 0.8, 1.6)), 0.02, 1)
    for (row, column), radius in zip(centres.tolist(), radii.tolist(), strict=True):
        distance = np.hypot(rows - row, columns - column)
        reach = radius * (1 + warp) + min(1, radius / 0.05) * (tongues - 0.02)
        np.maximum(level, reach - distance, out=level)
    wet = (level > 0).astype(np.uint8)
    inland, offshore = (  # DIST_MASK_PRECISE is not deterministic to the byte
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_5) for side in (wet, 1 - wet)
    )
    return cv2.GaussianBlur((inland - offshore) / GRID_PX, (0, 0), 1)


@degradation()
def cockling(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add buckles to the sheet or canvas of `image`, as after wetting, lit from one side.

    The buckles start at the edges, which dry first, and fade inwards. Crests are narrower than
    troughs. Slopes that face the light become brighter, the others darker; the brightest slopes
    have a sheen. Only the light changes; no pixel moves.
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
    over(
        planes, (0.9, 0.9, 0.88), enlarge(0.06 * severity * np.maximum(slope, 0) ** 3, image.shape)
    )
    return cv2.merge(planes), None


def _cockles(rng: np.random.Generator, shape: tuple[int, ...], heading: float) -> Image:
    """The height of a sheet with buckles, mostly across `heading`; 256 pixels on the long side."""
    height, width = fit(shape, 256)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    edge = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    swell = 0.35 + 0.9 * np.exp(-edge / 256 / 0.12)
    bend, place = (enlarge(smooth_noise(rng, shape, waves=n), (height, width)) for n in (2, 3))
    relief = np.zeros((height, width), np.float32)
    for wave in range(COCKLES):
        angle, cycles = heading + rng.normal(0, 0.35), rng.uniform(2, 7)
        phase = (columns * np.cos(angle) + rows * np.sin(angle)) / 256 + 0.05 * bend
        phase = np.sin(np.pi * (cycles * phase + rng.random()))
        here = np.clip(0.5 + 0.8 * place * (-1) ** wave, 0, None)
        # The square root makes crests narrower than troughs
        relief -= here * np.sqrt(phase * phase + 0.03) / cycles
    return relief * swell


@degradation(local=True)
def stain(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Spill oil, ink, wine or coffee on `image`: a glaze with a darker rim, and splashes around it.

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
    """Distance to the shore in long sides, negative where it is dry; GRID_PX on the long side."""
    rough = rough_noise(rng, shape, waves=4, fade=0.55)
    height, width = rough.shape
    middle = rng.uniform(0.2, 0.8, 2) * (width, height) / GRID_PX
    heading, length = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8)
    radius = rng.uniform(0.09, 0.2) * (0.5 + 0.5 * severity)
    rows, columns = np.mgrid[:height, :width].astype(np.float32) / GRID_PX
    rows -= middle[1]
    columns -= middle[0]
    # An ellipse, because a thrown liquid lands at an angle
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
