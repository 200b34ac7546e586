"""More models of layers on the paint, beside `coats`: tinted varnish, bloom, soot."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, over, smooth_noise, split
from patina.tasks.degradations.textures import ramp

# Absorbance of aged coats for red, green and blue, scaled to about the same strength
COATS = np.array(
    (
        (0.30, 0.75, 1.7),  # dammar, amber
        (0.15, 0.40, 1.5),  # mastic, lemon
        (0.75, 1.10, 1.7),  # oil, brown
        (0.25, 0.95, 1.5),  # shellac, orange
        (0.65, 0.60, 1.3),  # copal, olive
        (0.85, 0.95, 1.1),  # tinted gallery varnish, grey
    )
)


@degradation()
def toned_varnish(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cover `image` with a varnish of a random tint and uneven thickness.

    The tint is a mixture of two of these: dammar (amber), mastic (lemon), oil (brown), shellac
    (orange), copal (olive), tinted gallery varnish (grey). The coat ran and gathered before it
    dried, and scatters a little light.
    Source: ours; absorbance as in the Beer-Lambert law, tints after de la Rie, "The Influence of
    Varnishes on the Appearance of Paintings", Studies in Conservation 32 (1987).
    """
    one, other = rng.choice(len(COATS), 2, replace=False)
    part = rng.random()
    absorbance = (part * COATS[one] + (1 - part) * COATS[other]) * rng.uniform(0.95, 1.5)
    fields = [smooth_noise(rng, image.shape, waves=waves) for waves in (2, 6)]
    down = np.linspace(-1, 1, len(fields[0]), dtype=np.float32)[:, None]
    coat = 1 + 0.22 * fields[0] + 0.1 * fields[1] + rng.uniform(-0.1, 0.3) * down
    scatter = rng.uniform(0.02, 0.16)
    planes = split(image)
    passed = np.exp(-severity / 2.4 * absorbance[:, None, None] * np.clip(coat, 0.1, None))
    for plane, gain in zip(planes, passed.astype(np.float32), strict=True):
        for piece, light in bands(plane, enlarge(gain, image.shape)):
            piece *= light
    over(planes, (0.5 * passed.mean(axis=(1, 2))).tolist(), scatter * severity)
    return cv2.merge(planes), None


@degradation()
def haze(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add bloom to the varnish of `image`: a whitish, cloudy veil, thicker on one side.

    Damp opens fine pores in the varnish. They scatter light like fog, which is most visible in dark
    colours.
    Source: ours; bloom as in Nicolaus, "The Restoration of Paintings" (1999).
    """
    clouds, wisps = (smooth_noise(rng, image.shape, waves=waves) for waves in (2.5, 9))
    rows, columns = np.indices(clouds.shape, np.float32) / 128 - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    side = rows * np.sin(angle) + columns * np.cos(angle)
    veil = np.clip(0.23 + 0.13 * clouds + 0.03 * wisps + 0.17 * side, 0.01, 0.7)
    tone = rng.uniform(0.6, 0.86) + np.array((-1, 0, 1)) * rng.normal(0.01, 0.025)
    planes = split(image)
    over(planes, np.clip(tone, 0, 1), enlarge(severity * veil, image.shape))
    return cv2.merge(planes), None


@degradation()
def soot(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Blacken `image` with the smoke of candles or a fire: a rising plume, and a thin layer
    elsewhere.

    Soot absorbs light and scatters little: light colours become brown-grey, and details in dark
    colours disappear. The smoke rises in billows and is densest at the top.
    Source: ours.
    """
    billows, wisps = (smooth_noise(rng, image.shape, waves=waves) for waves in (3, 10))
    height, width = billows.shape
    rows, columns = np.indices((height, width), np.float32)
    up = 1 - rows / height
    place, wide = rng.uniform(0, width), 128 * rng.uniform(0.12, 0.3)
    away = (columns - place + 10 * billows) / (wide * (0.5 + up))
    plume = np.exp(-0.5 * away * away) * ramp(up, 0.0, rng.uniform(0.3, 0.9))
    film = rng.uniform(0.35, 0.75) + 0.12 * billows + 0.06 * wisps + 0.2 * (up - 0.5)
    density = np.clip(film + rng.uniform(0.1, 0.9) * plume, 0.05, None)
    planes = split(image)
    for plane, absorbance in zip(planes, (0.30, 0.34, 0.40), strict=True):
        passed = enlarge(np.exp(-severity * absorbance * density), image.shape)
        for part, gain in bands(plane, passed):
            part *= gain
    over(
        planes, (0.10, 0.09, 0.075), enlarge(0.16 * severity * np.clip(density, 0, 1), image.shape)
    )
    return cv2.merge(planes), None
