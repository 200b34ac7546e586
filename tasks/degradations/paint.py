"""Ageing of the paint, in the order in which it happens; losses are in `losses`."""

from collections.abc import Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.cracking import crack_network, sample, trace
from patina.tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split

# Long sides at which fine cracks, and the wide openings of drying cracks, are drawn
FINE_PX, COARSE_PX = 1600, 512


@degradation()
def fading(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Fade `image` as light does: reds and yellows first; blacks become lighter, contrast falls.

    The channels that a pigment absorbs are raised towards the channel that it reflects, which
    reduces chroma. Pigments that reflect red (organic lakes, from rose to yellow) fade most; those
    that absorb red (mineral blues and greens) are stable. A frame or a curtain shaded some parts,
    so the loss is uneven.
    Source: ours; the order of fugitiveness after Saunders & Kirby, "Light-induced Colour Changes in
    Red and Yellow Lake Pigments", National Gallery Technical Bulletin 15 (1994).
    """
    exposure = severity * (0.85 + 0.15 * smooth_noise(rng, image.shape, waves=2))
    exposure = enlarge(exposure, image.shape)
    red, green, blue = planes = split(image)
    brightest = cv2.max(cv2.max(red, green), blue)
    darkest = cv2.min(cv2.min(red, green), blue)
    fugitive = (red - darkest) / (brightest - darkest + 1e-6)
    over(planes, (brightest, brightest, brightest), exposure * (0.25 + 0.4 * fugitive))
    over(planes, (0.64, 0.62, 0.58), 0.3 * exposure)
    return cv2.merge(planes), None


@degradation(local=True)
def drying_cracks(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add drying cracks to `image` ("alligatoring"), as in paint on a layer that dries more slowly.

    The dark, oil-rich passages slide apart on a soft layer. The openings are wide and branched with
    rounded corners, and show the lighter layer below. Severity sets their width and branching.
    Source: ours; after Keck, "Mechanical Alteration of the Paint Film", Studies in Conservation 14
    (1969), 9-30: drying cracks beside age cracks.
    """
    island, pallor = rng.uniform(0.015, 0.032), rng.random()
    distance = _distance_to_apertures(rng, image.shape, island)
    strain, skin = (
        enlarge(smooth_noise(rng, image.shape, waves=waves), distance.shape) for waves in (25, 9)
    )
    opening = severity**0.7 * (_richness(image, rng) + 0.12 * strain) - 0.24 + 0.04 * strain
    half_width = 0.16 * island * np.tanh(2 * opening)
    # In places a skin of paint remains, which hides a part of the layer below
    depth = np.clip((half_width - distance) / 0.001, 0, 0.75 + 0.1 * skin)
    cover = np.clip(enlarge(depth, image.shape), 0, 1)
    beneath = [a + pallor * (b - a) for a, b in ((0.46, 0.80), (0.33, 0.73), (0.21, 0.60))]
    return _uncover(image, cover, beneath)


def _distance_to_apertures(
    rng: np.random.Generator, shape: tuple[int, ...], island: float
) -> Image:
    """Distance to the border between islands in long sides, less where three meet; COARSE_PX.

    All cracks open at the same time, where the stress between two islands is highest: the borders
    are those of a Voronoi diagram.
    """
    size = fit(shape, COARSE_PX)
    pitch = max(1, round(island * COARSE_PX))
    rows, columns = np.mgrid[: size[0] : pitch, : size[1] : pitch]
    jitter = rng.integers(0, pitch, (2, *rows.shape))
    rows, columns = (
        np.minimum(rows + jitter[0], size[0] - 1),
        np.minimum(columns + jitter[1], size[1] - 1),
    )
    centres = np.ones(size, np.uint8)
    # Some centres are left out, which makes larger islands
    centres[rows, columns] = rng.random(rows.shape) < 0.3
    centres[0, 0] = 0
    _, nearest = cv2.distanceTransformWithLabels(
        centres, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    film = np.ones(size, np.uint8)
    film[1:][nearest[1:] != nearest[:-1]] = 0
    film[:, 1:][nearest[:, 1:] != nearest[:, :-1]] = 0
    distance = cv2.distanceTransform(film, cv2.DIST_L2, cv2.DIST_MASK_5)
    bends = [island / 4 * enlarge(smooth_noise(rng, shape, waves=n), size) for n in (12, 13)]
    return cv2.GaussianBlur(_warp(distance, bends), (0, 0), 1) / COARSE_PX


def _warp(field: Image, bends: Sequence[Image]) -> Image:
    """`field` sampled at places displaced by `bends` (right, down), in long sides."""
    rows, columns = np.indices(field.shape, np.float32)
    right, down = (max(field.shape) * bend for bend in bends)
    return cv2.remap(
        field, columns + right, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _richness(image: Image, rng: np.random.Generator) -> Image:
    """Tendency of each passage of `image` to drying cracks, about 1 at most; COARSE_PX.

    It is higher for dark passages, and partly random.
    """
    size = fit(image.shape, COARSE_PX)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.01 * COARSE_PX)
    darkness = np.clip((grey.mean() - grey) / 0.25, -1, 1)
    chance = enlarge(smooth_noise(rng, image.shape, waves=3), size)
    return 0.45 + 0.4 * darkness + 0.3 * chance


def _uncover(image: Image, cover: Image, beneath: Sequence[float]) -> Damaged:
    """Show the colour `beneath` with the opacity `cover`, and the thickness of the paint at its
    rim.
    """
    relief = _relief(cover, max(image.shape))
    planes = split(image)
    for share, bank, *parts in bands(cover, relief, *planes):
        over(parts, beneath, share)
        _shade(parts, bank, light=0.2, shadow=0.35)
        np.maximum(share, np.abs(bank), out=share)
    return cv2.merge(planes), cover


def _relief(cover: Image, long_px: int) -> Image:
    """Light on the slopes of recesses: positive if they face the light at the top left."""
    reach = max(1, round(0.001 * long_px))
    soft = cv2.blur(cover, (2 * reach + 1, 2 * reach + 1))
    relief: Image = np.zeros_like(soft)
    if min(cover.shape) > 2 * reach:
        middle = relief[reach:-reach, reach:-reach]
        np.subtract(soft[: -2 * reach, : -2 * reach], soft[2 * reach :, 2 * reach :], out=middle)
        # In a small image the slope would be narrower than a pixel: weaken it instead
        relief *= min(1, long_px / 800)
        relief *= np.abs(relief, out=soft) >= 0.02
    return relief


def _shade(planes: Sequence[Image], relief: Image, *, light: float, shadow: float) -> None:
    """Brighten and darken the slopes in `planes`, in place."""
    gain = light * np.maximum(relief, 0)
    gain += shadow * np.minimum(relief, 0)
    for plane in planes:
        plane += (plane + 0.06) * gain


@degradation(local=True)
def craquelure(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Add age cracks to `image`: a connected network, dark with dirt, with raised edges.

    Old cracks are wide; later ones divide their islands and are finer. The network ends in parts of
    the layer that did not crack. Severity adds finer cracks, spreads the network, and widens the
    cracks.
    Source: ours; after Bucklow, "The Description of Craquelure Patterns", Studies in Conservation
    42 (1997), 129-140: size and shape of islands, their direction, hierarchy, width.
    """
    island, grain, step_px = rng.uniform(0.013, 0.028), 2 ** rng.uniform(-0.5, 1), 1.1
    size = fit(image.shape, min(FINE_PX, max(image.shape)))
    cracks = crack_network(rng, image.shape, island=island, grain=grain, step=step_px / max(size))
    hold = sample(smooth_noise(rng, image.shape, waves=2.5), cracks.points)
    uneven = sample(smooth_noise(rng, image.shape, waves=40), cracks.points)
    opening = np.clip((1.25 * severity - 0.3 - 0.45 * (cracks.age + hold)) / 0.4, 0, 1)
    opening *= cracks.gape * (1 - 0.6 * cracks.age) * (1 + 0.3 * uneven)
    width = 0.0013 * severity**0.5 * max(size)
    cover = 1 - np.exp(-width * step_px * trace(cracks, opening, size))
    cover = enlarge(cover - 0.02, image.shape)
    np.clip(cover, 0, 0.92, out=cover)
    relief = _relief(cover, max(image.shape))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    planes = split(image)
    for share, bank, tone, *parts in bands(cover, relief, grey, *planes):
        _shade(parts, bank, light=0.28, shadow=0.28)
        # Dirt is dark on light paint, but looks dusty on the darkest paint
        dust = np.maximum(0.2 - tone, 0)
        over(parts, (dirt + dust for dirt in (0.13, 0.10, 0.08)), share)
        np.maximum(share, np.abs(bank), out=share)
    return cv2.merge(planes), cover
