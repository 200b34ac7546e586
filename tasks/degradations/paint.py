"""What time does to the paint and its coats, in the order in which it happens."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from tasks.degradations.contract import Damaged, Image, degradation
from tasks.degradations.cracking import Cracks, crack_network, islands, sample, trace
from tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split

# Long sides on which cracks are drawn: finer ones, and those that only bound an area
FINE_PX, FLAKES_PX, COARSE_PX = 1600, 600, 512
CORNER = 0.006  # radius of cleaning windows' corners, in long sides
CANVAS = 0.50, 0.41, 0.29
# Chalk or lead white, grey, a red bole
GROUNDS = np.array(((0.86, 0.81, 0.71), (0.62, 0.59, 0.53), (0.55, 0.30, 0.20)))


@degradation(colour=True)
def fading(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Bleach `image` as light does: reds and yellows pale first, blacks lift, contrast falls.

    Chroma is lost by raising the channels that a pigment absorbs towards the one it reflects. What
    reflects red (organic lakes, from rose through orange to yellow) is fugitive, what absorbs it
    (mineral blues and greens) lasts. A frame or a curtain shades some parts: the loss is uneven.
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
    """Tear `image` open as paint does that dried faster than what lies under it ("alligatoring").

    The dark, oil-rich passages slide apart on a soft layer: wide, branched apertures with rounded
    corners, in which the lighter layer beneath shows. Severity widens them and lets them branch.
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
    # A skin is left here and there: it shows the layer beneath less
    depth = np.clip((half_width - distance) / 0.001, 0, 0.75 + 0.1 * skin)
    cover = np.clip(enlarge(depth, image.shape), 0, 1)
    beneath = [a + pallor * (b - a) for a, b in ((0.46, 0.80), (0.33, 0.73), (0.21, 0.60))]
    return _uncover(image, cover, beneath)


def _distance_to_apertures(
    rng: np.random.Generator, shape: tuple[int, ...], island: float
) -> Image:
    """Distance to the bounds between islands in long sides, less where three meet; on COARSE_PX.

    All crack at once, where stress between two islands is highest: bounds of a Voronoi diagram.
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
    # Some islands take the place of several
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
    """`field` read beside each place, as far as `bends` (right, down) say, in long sides."""
    rows, columns = np.indices(field.shape, np.float32)
    right, down = (max(field.shape) * bend for bend in bends)
    return cv2.remap(
        field, columns + right, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _richness(image: Image, rng: np.random.Generator) -> Image:
    """How prone to drying cracks the passages of `image` are, about 1 at most; on COARSE_PX.

    The darkest of its passages; which of them, chance says.
    """
    size = fit(image.shape, COARSE_PX)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.01 * COARSE_PX)
    darkness = np.clip((grey.mean() - grey) / 0.25, -1, 1)
    chance = enlarge(smooth_noise(rng, image.shape, waves=3), size)
    return 0.45 + 0.4 * darkness + 0.3 * chance


def _uncover(image: Image, cover: Image, beneath: Sequence[float]) -> Damaged:
    """Show `beneath` where `cover` says, and at its rim the thickness of the paint."""
    relief = _relief(cover, max(image.shape))
    planes = split(image)
    for share, bank, *parts in bands(cover, relief, *planes):
        over(parts, beneath, share)
        _shade(parts, bank, light=0.2, shadow=0.35)
        np.maximum(share, np.abs(bank), out=share)
    return cv2.merge(planes), cover


def _relief(cover: Image, long_px: int) -> Image:
    """Light on the banks of what `cover` lowers: above 0 towards the light at the top left."""
    reach = max(1, round(0.001 * long_px))
    soft = cv2.blur(cover, (2 * reach + 1, 2 * reach + 1))
    relief: Image = np.zeros_like(soft)
    if min(cover.shape) > 2 * reach:
        middle = relief[reach:-reach, reach:-reach]
        np.subtract(soft[: -2 * reach, : -2 * reach], soft[2 * reach :, 2 * reach :], out=middle)
        # On few pixels a bank is narrower than the one that it takes
        relief *= min(1, long_px / 800)
        relief *= np.abs(relief, out=soft) >= 0.02
    return relief


def _shade(planes: Sequence[Image], relief: Image, *, light: float, shadow: float) -> None:
    """Light and darken the banks in `planes`, in place."""
    gain = light * np.maximum(relief, 0)
    gain += shadow * np.minimum(relief, 0)
    for plane in planes:
        plane += (plane + 0.06) * gain


@degradation(local=True)
def craquelure(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Crack `image` as age does: a connected network, dark with dirt, its islands' edges raised.

    Old cracks are wide, those that divide their islands finer; the network frays out into parts
    of the film that held. Severity adds the finer cracks, spreads the network, and opens it.
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
        # The dirt that looks dark on light paint looks dusty on the darkest
        dust = np.maximum(0.2 - tone, 0)
        over(parts, (dirt + dust for dirt in (0.13, 0.10, 0.08)), share)
        np.maximum(share, np.abs(bank), out=share)
    return cv2.merge(planes), cover


@degradation(local=True)
def paint_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Flake paint off `image`: down to the ground, and amid large losses to the canvas.

    Whole islands of the craquelure fall, first in a few clusters and near the lower edge, where
    damp rises; around them the cracks stand open. Severity lets more islands fall, and deeper.
    Source: ours; after Nicolaus, "The Restoration of Paintings" (1999), on flaking and loss.
    """
    ground = GROUNDS[rng.integers(len(GROUNDS))] + rng.normal(0, 0.03)
    size = fit(image.shape, min(FINE_PX, max(image.shape)))
    # Close enough to part the islands on FLAKES_PX
    step = min(0.7 / FLAKES_PX, 1.1 / max(size))
    cracks = crack_network(rng, image.shape, island=rng.uniform(0.013, 0.026), grain=1, step=step)
    hold, deep = _hold(rng, image.shape), rng.uniform(0.3, 0.9)
    lasting = _island_hold(rng, cracks, hold)
    level = 1.2 * severity - 0.2
    loss, bare = (_sharp(lasting < level - depth, image.shape) for depth in (0, deep))
    loose = np.clip(severity + 0.15 - sample(hold, cracks.points), 0, 0.3)
    opening = step * max(size) ** 2 * trace(cracks, 0.003 * loose * cracks.gape, size)
    crack = enlarge(1 - np.exp(-opening), image.shape)
    relief = _relief(loss, max(image.shape))
    down, across = _threads(rng, image.shape)
    planes = split(image)
    for share, canvas, gap, bank, wave, body, *parts in bands(
        loss, bare, crack, relief, *down, *planes
    ):
        np.clip(gap, 0, 0.9, out=gap)
        over(parts, (0.15, 0.12, 0.09), gap)
        if share.any():
            over(parts, _beneath(canvas, _weave((wave, body), across), ground.tolist()), share)
        _shade(parts, bank, light=0.12, shadow=0.4)
        np.maximum(share, np.maximum(gap, np.abs(bank)), out=share)
    return cv2.merge(planes), loss


def _hold(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """At which severity the paint comes loose: 0 to 1 for a fifth of it, then more; on 128 px."""
    clusters, ragged = (smooth_noise(rng, shape, waves=waves) for waves in (4, 14))
    above = np.linspace(1, 0, len(clusters), dtype=np.float32)[:, None]
    weakness = clusters + 0.5 * ragged + 0.8 * np.exp(-above / 0.08)
    # By rank, so that every seed loses as much
    rank = np.empty(weakness.size, np.float32)
    rank[np.argsort(-weakness, axis=None)] = np.linspace(0, 1, weakness.size)
    return np.sqrt(rank / 0.22).reshape(weakness.shape)


def _island_hold(rng: np.random.Generator, cracks: Cracks, hold: Image) -> Image:
    """`hold` with a chance for each island of `cracks`, most of which fall whole; on FLAKES_PX."""
    hold = enlarge(hold, fit(hold.shape, FLAKES_PX))
    numbers = islands(cracks, hold.shape)
    chance = 0.26 * rng.standard_normal(1 << 14, dtype=np.float32)
    # No crack has a hold of its own: it goes with the weaker of its islands
    chance[0] = np.inf
    lasting: Image = chance.take(numbers, mode="clip")
    lasting += hold
    lasting = cv2.erode(lasting, np.ones((3, 3), np.uint8))
    crumbs = rng.random(fit(hold.shape, COARSE_PX), dtype=np.float32) - 0.5
    lasting += enlarge(0.35 * cv2.GaussianBlur(crumbs, (0, 0), 1), hold.shape)
    return lasting


def _sharp(where: Image, shape: tuple[int, ...]) -> Image:
    """Coverage by `where`, of fewer pixels, at `shape`: 0 or 1 but for the pixels on its bounds."""
    cover = enlarge(cv2.GaussianBlur(where.astype(np.float32), (0, 0), 0.8), shape)
    steepness = 2 * max(1, max(shape) / max(where.shape))
    cover *= steepness
    cover += 0.5 - 0.5 * steepness
    return np.clip(cover, 0, 1, out=cover)


def _beneath(bare: Image, weave: Image, ground: Sequence[float]) -> Iterator[Image]:
    """The ground, where threads show through faintly, and where it is `bare` the canvas."""
    light: Image = 0.88 * bare
    light += 0.12
    light *= weave
    light += 1
    for tone, thread in zip(ground, CANVAS, strict=True):
        plane = (thread - tone) * bare
        plane += tone
        plane *= light
        yield plane


def _threads(rng: np.random.Generator, shape: tuple[int, ...]) -> Sequence[Sequence[Image]]:
    """Which threads pass on top and the light on them: a column for each row, then a row."""
    threads = rng.uniform(220, 380)
    uneven = rng.normal(1, 0.08, (2, 400)).astype(np.float32)
    places = [np.arange(side, dtype=np.float32) * (threads / max(shape)) for side in shape[:2]]
    waves = [np.sin(np.pi * place) for place in places]
    bodies = [
        uneven[axis, place.astype(int)] * (0.7 + 0.3 * np.abs(wave)) - 1
        for axis, (place, wave) in enumerate(zip(places, waves, strict=True))
    ]
    down, across = zip(waves, bodies, strict=True)
    return [field[:, None] for field in down], [field[None] for field in across]


def _weave(down: Sequence[Image], across: Sequence[Image]) -> Image:
    """The light on a plain weave, about 0: threads that pass over and under each other."""
    (wave_y, body_y), (wave_x, body_x) = down, across
    up: Image = 2 * wave_y * wave_x
    up += 0.5
    np.clip(up, 0, 1, out=up)
    up *= body_y - body_x
    up += body_x
    return up


@degradation(colour=True)
def yellow_varnish(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Tint `image` as a coat of aged dammar does: amber, darker, with less contrast.

    A yellow filter whose absorbance grows with age (Beer-Lambert, in linear light) and a haze, for
    an aged varnish scatters too; the coat is brushed on unevenly. sRGB is 1.055 L^(1/2.4) - 0.055,
    so the linear product is taken on the encoded values; near black, where sRGB is a straight line,
    the larger of `plane` and `toe` stays within 1/255 of it.
    Source: Trumpy et al., "Experimental study on merits of virtual cleaning of paintings with aged
    varnish", Optics Express 23 (2015): filter and scattering; the coefficients are ours.
    """
    coat = 1 + 0.2 * smooth_noise(rng, image.shape, waves=4)
    planes = split(image)
    for plane, absorbance in zip(planes, (0.25, 0.65, 1.9), strict=True):
        passed = enlarge(np.exp(-severity * absorbance / 2.4 * coat), image.shape)
        for part, gain in bands(plane, passed):
            toe = part * gain * gain
            part += 0.055
            part *= gain
            part -= 0.055
            np.maximum(part, toe, out=part)
    over(planes, (0.42, 0.31, 0.13), 0.15 * severity)
    return cv2.merge(planes), None


@degradation(colour=True)
def cleaning_windows(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Coat `image` with aged varnish, but for the windows in which its removal was tried.

    Rectangles with soft corners, rubbed by hand: none quite straight nor evenly clean, with a
    brown tideline where the dissolved varnish was pushed to. Severity ages the varnish.
    Source: ours; cleaning tests as in Ruhemann, "The Cleaning of Paintings" (1968).
    """
    cleaned, tideline = _windows(rng, image.shape)
    planes = split(yellow_varnish(image, rng, severity=severity)[0])
    over(planes, split(image), enlarge(cleaned, image.shape))
    over(planes, (0.24, 0.16, 0.07), enlarge(0.4 * severity * tideline, image.shape))
    return cv2.merge(planes), None


def _windows(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Image, Image]:
    """How much of the coat is gone, and lies pushed to the windows' edges: 0 to 1; on COARSE_PX."""
    size = fit(shape, COARSE_PX)
    rows, columns = np.indices(size, np.float32) / COARSE_PX
    by_hand = [enlarge(smooth_noise(rng, shape, waves=n), size) for n in (6, 7, 20)]
    rows, columns = rows + 0.004 * by_hand[0], columns + 0.004 * by_hand[1]
    inside = np.full(size, -1, np.float32)
    cleaned = np.zeros(size, np.float32)
    for row, column, height, width, angle, clean in _tests(rng, shape).tolist():
        # What is far outside is not worth the reckoning
        near = _around((row, column), np.hypot(height, width) + 0.02, size)
        down, right, cosine, sine = (
            rows[near] - row,
            columns[near] - column,
            np.cos(angle),
            np.sin(angle),
        )
        # Beyond the sides, less the radius of the corners
        below = np.abs(cosine * down + sine * right) - (height - CORNER)
        beside = np.abs(cosine * right - sine * down) - (width - CORNER)
        depth = CORNER - cv2.magnitude(np.maximum(below, 0), np.maximum(beside, 0))
        depth += 0.0015 * by_hand[2][near]
        np.maximum(inside[near], depth, out=inside[near])
        np.maximum(cleaned[near], clean * np.clip(depth / 0.004, 0, 1), out=cleaned[near])
    swabs = 1 + 0.06 * by_hand[2]
    edge = np.clip((inside + 0.0015) / 0.002, -8, 8)
    tideline = np.exp(-edge * edge) * np.clip(0.6 + by_hand[0], 0, 1)
    return np.clip(cleaned * swabs, 0, 1), tideline


def _around(place: tuple[float, float], reach: float, size: tuple[int, int]) -> tuple[slice, slice]:
    """The pixels, of an image of `size`, that may lie within `reach` of `place`, in long sides."""
    rows, columns = (
        slice(*(min(max(round((at + way) * max(size)), 0), side) for way in (-reach, reach)))
        for at, side in zip(place, size, strict=True)
    )
    return rows, columns


def _tests(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Windows as rows of centre (row, column), half height, half width, angle and cleanness.

    Either a few where it matters, or a series of small ones with ever stronger solvents.
    """
    centre = rng.uniform(0.15, 0.85, (6, 2))
    half = 0.03 + 0.13 * rng.random((6, 2)) ** 1.5
    angle, clean = rng.normal(0, 0.03, 6), rng.uniform(0.75, 1, 6)
    count, place = int(rng.integers(2, 6)), rng.uniform((0.1, 0.08), (0.9, 0.25))
    if rng.random() < 0.4:
        centre = np.column_stack((np.full(6, place[0]), place[1] + 0.13 * np.arange(6)))
        half, clean, count = 0.012 + half[:, :1] * (0.15, 0.2), np.linspace(0.3, 1, 6), 6
    centre *= np.array(shape[:2]) / max(shape)
    return np.column_stack((centre, half, angle, clean))[:count]


@degradation(colour=True)
def grime(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Veil `image` with soot and dust: grey-brown, dull, heavier below and in hollows.

    Dirt settles on what leans back, clings in blotches, and is lodged in the furrows of brushwork
    and between the threads, where no wiping reaches: there it stays darkest.
    Source: ours; after Phenix & Burnstock, "The Removal of Surface Dirt on Paintings with Chelating
    Agents", The Conservator 16 (1992), on what surface dirt is.
    """
    blotches, clots = (smooth_noise(rng, image.shape, waves=waves) for waves in (3, 12))
    height = np.linspace(-0.5, 0.5, len(blotches), dtype=np.float32)[:, None]
    veil = enlarge(
        np.clip(0.52 + 0.24 * height + 0.07 * blotches + 0.04 * clots, 0.1, 1), image.shape
    )
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    hollows = cv2.GaussianBlur(grey, (0, 0), 0.0012 * max(image.shape) + 0.3) - grey
    soot = veil * (1 + np.clip(7 * hollows, -0.3, 0.5))
    planes = split(image)
    over(planes, (0.25, 0.22, 0.18), severity * soot)
    return cv2.merge(planes), None
