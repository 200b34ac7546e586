"""More models of dried liquids, beside `water_spill` and `stain`: rims, damp, patches."""

import cv2
import numpy as np

from patina.tasks.degradations.accidents import puddle_depth
from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, over, split
from patina.tasks.degradations.shapes import around, ragged
from patina.tasks.degradations.textures import GRID_PX, ramp, rough_noise, spread, stain_with

RINGS = 5
KINDS = 4  # maximum number of kinds of patches in one work


@degradation(local=True)
def tideline(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add the rims of dried puddles to `image`: up to five rings, soft or hard, dark or pale.

    A liquid carries dissolved matter to its shore, and to the next shore when it shrinks; inside it
    changes little. A rim is brown, grey or has the colour of the liquid. It is pale if the liquid
    washed out size or dye.
    Source: ours; the rim after Deegan et al., "Capillary flow as the cause of ring stains from
    dried liquid drops", Nature 389 (1997).
    """
    mottle = spread(rough_noise(rng, image.shape, waves=6, fade=0.6), image.shape)
    depth = spread(puddle_depth(rng, image.shape, severity), image.shape)
    lines, inside = _rings(rng, depth, mottle)
    tint = rng.uniform((0.35, 0.26, 0.12), (0.75, 0.62, 0.52))
    pale = rng.random() < 0.3
    tone = rng.uniform((0.75, 0.72, 0.62), (0.92, 0.91, 0.86))
    wash = rng.uniform(0, 0.3)
    body = severity * wash * inside
    lines *= severity
    planes = split(image)
    if pale:
        over(planes, tone.tolist(), 0.35 * body + 0.8 * lines)
    else:
        stain_with(planes, tuple(tint.tolist()), np.clip(lines + 0.4 * body, 0, 1))
        over(planes, (0.6 * tint).tolist(), 0.5 * lines)
    return cv2.merge(planes), np.clip(np.maximum(lines, body), 0, 1)


def _rings(rng: np.random.Generator, depth: Image, mottle: Image) -> tuple[Image, Image]:
    """Strength of the rims, and the area of the liquid, both 0 to 1; `depth` in long sides."""
    soft = 0.0012 * 6 ** rng.random()
    places = np.cumsum(rng.exponential(0.016, RINGS)) - 0.002
    places -= places[0]
    dark = rng.uniform((0.7, 0.3, 0.3, 0.3, 0.3), 1) * (rng.random(RINGS) < (1, 0.7, 0.6, 0.5, 0.5))
    fade = rng.uniform(0.004, 0.02)
    lines = np.zeros_like(depth)
    for place, strong in zip(places.tolist(), dark.tolist(), strict=True):
        for line, deep, uneven in bands(lines, depth, mottle):
            if strong and (deep > -0.03).any():
                inland = np.clip(deep - place - 0.25 * place * uneven, -0.05, 0.15)
                # Sharp on the outside, soft on the inside
                ring = np.exp(-np.where(inland < 0, -inland / (0.5 * soft), inland / (soft + fade)))
                ring *= strong * np.clip(0.75 + 0.3 * uneven, 0, 1)
                np.maximum(line, ring, out=line)
    lines -= 0.02
    np.maximum(lines, 0, out=lines)
    return lines, ramp(depth, 0, 0.01 + fade)


@degradation(local=True)
def damp_stain(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Let damp creep into `image` from an edge: a broad stain with a soft, darker front.

    The stain is brown, grey or bleached. Damp came several times, so that fronts overlap. Severity
    sets how far the fronts reach.
    Source: ours.
    """
    front = spread(_fronts(rng, image.shape, severity), image.shape)
    rough = spread(rough_noise(rng, image.shape, waves=12, fade=0.7), image.shape)
    soft, rim = rng.uniform(0.004, 0.05), rng.uniform(0.1, 0.8)
    tint = rng.uniform((0.6, 0.48, 0.3), (0.85, 0.8, 0.72))
    bleach = rng.random() < 0.25
    body = ramp(front, 0, soft)
    edge = np.exp(-np.clip(front, 0, 0.5) / (0.4 * soft + 0.006)) * body
    cover = (0.55 + 0.12 * rough) * body
    cover += rim * edge
    cover = np.clip(cover, 0, 1)
    cover *= 0.55 + 0.45 * severity
    planes = split(image)
    if bleach:
        over(planes, (0.80, 0.78, 0.71), 0.5 * cover)
    else:
        stain_with(planes, tuple(tint.tolist()), cover)
        over(planes, (0.8 * tint).tolist(), 0.15 * cover)
    return cv2.merge(planes), cover


def _fronts(rng: np.random.Generator, shape: tuple[int, ...], severity: float) -> Image:
    """How far damp has passed each place, in long sides, negative where dry; GRID_PX."""
    rough = rough_noise(rng, shape, waves=3, fade=0.58)
    height, width = rough.shape
    rows, columns = np.indices((height, width), np.float32) / GRID_PX
    reached = np.full((height, width), -1, np.float32)
    for number in range(2):
        side, place = int(rng.integers(4)), rng.random()
        inward = (rows, columns, (height - 1) / GRID_PX - rows, (width - 1) / GRID_PX - columns)[
            side
        ]
        along, length = (columns, width) if side % 2 == 0 else (rows, height)
        beside = (along - place * length / GRID_PX) / rng.uniform(0.2, 0.6)
        reach = rng.uniform(0.14, 0.36) * (0.25 + 0.75 * severity) * (1 if number == 0 else 0.7)
        reach *= np.exp(-0.5 * beside * beside)
        np.maximum(reached, reach * (1 + 0.4 * rough) - inward, out=reached)
    return reached


@degradation(local=True)
def discoloured_patches(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Discolour patches of `image`: old retouching, glue, fumes, light through a gap.

    Each kind of patch is darker, paler, browner or greener in its own way, with hard or soft edges.
    The painting below remains visible.
    Source: ours; after Nicolaus, "The Restoration of Paintings" (1999), on altered retouching.
    """
    planes = split(image)
    mask = np.zeros(image.shape[:2], np.float32)
    count = int(rng.integers(1, KINDS + 1))
    for _ in range(count):
        rough = rough_noise(rng, image.shape, waves=6, fade=0.6)
        middles, radii = around(rng, image.shape, int(rng.integers(1, 5)), 8)
        share = severity**0.5 * np.exp(rng.uniform(np.log(0.03), np.log(0.16))) / count**0.5
        wander = rng.uniform(0.25, 0.6)
        depth = ragged(rng, rough, middles, radii, share=share, wander=wander)
        soft = 0.002 * 15 ** rng.random()
        cover = ramp(spread(depth, image.shape), 0, soft)
        cover *= severity**0.7 * rng.uniform(0.6, 1)
        base, tint, veil = (
            rng.uniform(0.35, 0.85),
            rng.normal((0.04, 0, -0.05), 0.07),
            rng.uniform(0, 0.35),
        )
        passed = np.clip(base + tint, 0.15, 1)
        tone = np.clip(rng.uniform(0.15, 0.9) + rng.normal(0, 0.08, 3), 0, 1)
        stain_with(planes, tuple(passed.tolist()), cover)
        over(planes, tone.tolist(), veil * cover)
        np.maximum(mask, cover, out=mask)
    return cv2.merge(planes), mask
