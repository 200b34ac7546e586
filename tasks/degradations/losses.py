"""Losses of paint."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.cracking import Cracks, crack_network, islands, sample, trace
from patina.tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split
from patina.tasks.degradations.textures import rough_noise, spread, weave

# Long sides at which cracks, flakes and crumbling edges are drawn
FINE_PX, FLAKES_PX, CRUMBS_PX = 1600, 600, 512
CANVAS = 0.46, 0.37, 0.26
# Chalk or lead white, grey, a brown bole
GROUNDS = np.array(((0.88, 0.83, 0.73), (0.64, 0.60, 0.53), (0.53, 0.33, 0.22)))


@degradation(local=True)
def paint_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Remove flakes of paint from `image`: the ground shows, and in large losses the canvas.

    Whole islands of the craquelure fall off, first in a few clusters and near the lower edge, where
    damp rises. Around them the cracks are open. The edges crumble, and the thickness of the paint
    is visible as a thin line of light or shadow. Scraps of the lowest layer stay on the soiled
    ground. Severity sets the number of fallen islands and the depth of the losses.
    Source: ours; after Nicolaus, "The Restoration of Paintings" (1999), on flaking and loss.
    """
    ground = GROUNDS[rng.integers(len(GROUNDS))] + rng.normal(0, 0.03)
    size = fit(image.shape, min(FINE_PX, max(image.shape)))
    # Small enough for the points to separate the islands at FLAKES_PX
    step = min(0.7 / FLAKES_PX, 1.1 / max(size))
    cracks = crack_network(rng, image.shape, island=rng.uniform(0.013, 0.026), grain=1, step=step)
    hold, deep = _hold(rng, image.shape), rng.uniform(0.25, 0.7)
    lasting = _island_hold(rng, cracks, hold)
    crumbly = spread(rough_noise(rng, image.shape, waves=16, fade=0.75), image.shape)
    level = 1.2 * severity - 0.2
    loss = _sharp(_soft_mask(lasting < level), crumbly)
    bare = cv2.resize(_soft_mask(lasting < level - deep), image.shape[1::-1])
    loose = np.clip(severity + 0.15 - sample(hold, cracks.points), 0, 0.3)
    opening = step * max(size) ** 2 * trace(cracks, 0.003 * loose * cracks.gape, size)
    crack = enlarge(1 - np.exp(-opening), image.shape)
    bank = _bank(loss)
    threads = weave(rng, image.shape, 1)
    planes = split(image)
    for share, canvas, gap, edge, rough, thread, *parts in bands(
        loss, bare, crack, bank, crumbly, threads, *planes
    ):
        np.clip(gap, 0, 0.9, out=gap)
        over(parts, (0.15, 0.12, 0.09), gap)
        if share.any():
            share *= 1 - 0.5 * np.clip(rough - 1.1, 0, 1 - canvas)
            over(parts, _beneath(canvas, thread, rough, ground.tolist()), share)
        if edge.any():
            for part in parts:
                part += (part + 0.04) * edge
        np.maximum(share, np.maximum(gap, np.abs(edge)), out=share)
    return cv2.merge(planes), loss


def _hold(rng: np.random.Generator, shape: tuple[int, ...]) -> Image:
    """Severity at which the paint falls off; above 1 for 78% of it; 128 pixels."""
    clusters, ragged = (smooth_noise(rng, shape, waves=waves) for waves in (4, 14))
    above = np.linspace(1, 0, len(clusters), dtype=np.float32)[:, None]
    weakness = clusters + 0.5 * ragged + 0.8 * np.exp(-above / 0.08)
    # Ranks instead of values: every seed loses the same area
    rank = np.empty(weakness.size, np.float32)
    rank[np.argsort(-weakness, axis=None)] = np.linspace(0, 1, weakness.size)
    return np.sqrt(rank / 0.22).reshape(weakness.shape)


def _island_hold(rng: np.random.Generator, cracks: Cracks, hold: Image) -> Image:
    """`hold` with a random part for each island, so that most islands fall whole; FLAKES_PX."""
    hold = enlarge(hold, fit(hold.shape, FLAKES_PX))
    numbers = islands(cracks, hold.shape)
    chance = 0.26 * rng.standard_normal(1 << 14, dtype=np.float32)
    # Cracks have number 0: they fall with the weaker of their islands
    chance[0] = np.inf
    lasting: Image = chance.take(numbers, mode="clip")
    lasting += hold
    lasting = cv2.erode(lasting, np.ones((3, 3), np.uint8))
    crumbs = rng.random(fit(hold.shape, CRUMBS_PX), dtype=np.float32) - 0.5
    lasting += enlarge(0.35 * cv2.GaussianBlur(crumbs, (0, 0), 1), hold.shape)
    return lasting


def _soft_mask(where: Image) -> Image:
    """The boolean `where` as float32, its border softened over about a pixel."""
    return cv2.GaussianBlur(where.astype(np.float32), (0, 0), 1.2)


def _sharp(soft: Image, crumbly: Image) -> Image:
    """`soft`, enlarged and sharpened to 0 or 1; the noise `crumbly` makes its border ragged."""
    cover = enlarge(soft, crumbly.shape)
    steepness = 3 * max(1, max(cover.shape) / max(soft.shape))
    for share, rough in bands(cover, crumbly):
        frayed = 0.48 * rough
        frayed *= share - share * share
        share += frayed
        share *= steepness
        share += 0.5 - 0.5 * steepness
        np.clip(share, 0, 1, out=share)
    return cover


def _bank(loss: Image) -> Image:
    """Light and shadow at the edge of the paint around a `loss`, for light from the top left.

    The edge on the side of the light is in shadow, the opposite edge is lit, one or two pixels
    wide.
    """
    long_px = max(loss.shape)
    reach = max(1, round(0.0007 * long_px))
    bank = np.zeros_like(loss)
    np.subtract(loss[:-reach, :-reach], loss[reach:, reach:], out=bank[reach:, reach:])
    for (edge,) in bands(bank):
        edge *= np.where(edge < 0, np.float32(0.45), np.float32(0.3))
        # In a small image the edge would be narrower than a pixel: weaken it instead
        edge *= min(1, long_px / 800)
    return bank


def _beneath(bare: Image, thread: Image, rough: Image, ground: Sequence[float]) -> Iterator[Image]:
    """The planes of the soiled ground, with a trace of the weave, and of the `bare` canvas."""
    light: Image = 0.2 * bare
    light += 0.04
    light *= thread
    light += 0.09 * rough
    light += 0.96
    for tone, fibre in zip(ground, CANVAS, strict=True):
        plane = (fibre - tone) * bare
        plane += tone
        plane *= light
        yield plane
