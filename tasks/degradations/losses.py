"""Where the paint has fallen off."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.cracking import Cracks, crack_network, islands, sample, trace
from patina.tasks.degradations.fields import bands, enlarge, fit, over, smooth_noise, split
from patina.tasks.degradations.textures import rough_noise, spread, weave

# Long sides on which cracks are drawn: finer ones, and those that only bound an area
FINE_PX, FLAKES_PX, CRUMBS_PX = 1600, 600, 512
CANVAS = 0.46, 0.37, 0.26
# Chalk or lead white, grey, a brown bole
GROUNDS = np.array(((0.88, 0.83, 0.73), (0.64, 0.60, 0.53), (0.53, 0.33, 0.22)))


@degradation(local=True)
def paint_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Flake paint off `image`: down to the ground, and amid large losses to the canvas.

    Whole islands of the craquelure fall, first in a few clusters and near the lower edge, where
    damp rises; around them the cracks stand open. Their edges crumble, the thickness of the paint
    shows as a hairline of light or shade, scraps of the lowest layer hold on the soiled ground.
    Severity lets more islands fall, and deeper.
    Source: ours; after Nicolaus, "The Restoration of Paintings" (1999), on flaking and loss.
    """
    ground = GROUNDS[rng.integers(len(GROUNDS))] + rng.normal(0, 0.03)
    size = fit(image.shape, min(FINE_PX, max(image.shape)))
    # Close enough to part the islands on FLAKES_PX
    step = min(0.7 / FLAKES_PX, 1.1 / max(size))
    cracks = crack_network(rng, image.shape, island=rng.uniform(0.013, 0.026), grain=1, step=step)
    hold, deep = _hold(rng, image.shape), rng.uniform(0.25, 0.7)
    lasting = _island_hold(rng, cracks, hold)
    crumbly = spread(rough_noise(rng, image.shape, waves=16, fade=0.75), image.shape)
    level = 1.2 * severity - 0.2
    loss = _sharp(_share(lasting < level), crumbly)
    bare = cv2.resize(_share(lasting < level - deep), image.shape[1::-1])
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
    crumbs = rng.random(fit(hold.shape, CRUMBS_PX), dtype=np.float32) - 0.5
    lasting += enlarge(0.35 * cv2.GaussianBlur(crumbs, (0, 0), 1), hold.shape)
    return lasting


def _share(where: Image) -> Image:
    return cv2.GaussianBlur(where.astype(np.float32), (0, 0), 1.2)


def _sharp(soft: Image, crumbly: Image) -> Image:
    """`soft`, of fewer pixels, as 0 or 1 but at the bounds, which `crumbly` frays."""
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
    """What the thickness of the paint around a `loss` adds to its light, which falls from top left.

    The bank towards the light lies in shade, the one across from it catches it: a pixel or two.
    """
    long_px = max(loss.shape)
    reach = max(1, round(0.0007 * long_px))
    bank = np.zeros_like(loss)
    np.subtract(loss[:-reach, :-reach], loss[reach:, reach:], out=bank[reach:, reach:])
    for (edge,) in bands(bank):
        edge *= np.where(edge < 0, np.float32(0.45), np.float32(0.3))
        # On few pixels a bank is narrower than the one that it takes
        edge *= min(1, long_px / 800)
    return bank


def _beneath(bare: Image, thread: Image, rough: Image, ground: Sequence[float]) -> Iterator[Image]:
    """The ground, soiled and with a trace of the weave, and where it is `bare` the canvas."""
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
