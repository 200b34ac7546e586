"""Holes in the support of a work."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import enlarge, fit, over, smooth_noise, split
from patina.tasks.degradations.shapes import aged_tone, any_tone, around, ragged
from patina.tasks.degradations.textures import GRID_PX, ramp, rough_noise, spread

LEAST, MOST = 0.017, 0.07  # share of the work that is missing at severity 1, from – to


@degradation(local=True)
def hole(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Make holes through the support of `image`: the background shows, with a torn edge around it.

    The background is dark, pale or of any colour, and is shaded by the edge. Torn paper shows its
    core, a burnt edge is charred, and insect holes are round with clean edges. Severity sets the
    missing area.
    Source: ours.
    """
    kind = ("torn", "burnt", "eaten")[rng.integers(3)]
    share = severity * np.exp(rng.uniform(np.log(LEAST), np.log(MOST)))
    depth = _shapes(rng, image.shape, kind, share)
    fibres = spread(rough_noise(rng, image.shape, waves=48, fade=0.8), image.shape)
    np.clip(fibres, -1.5, 1.5, out=fibres)
    cover = ramp(depth + 0.0004 * fibres, 0, 0.0014)
    # Paper tears obliquely: one side of the hole shows more of the core
    aslant = enlarge(0.7 + 0.5 * smooth_noise(rng, image.shape, waves=7), image.shape)
    widest = {"torn": 0.009, "burnt": 0.014, "eaten": 0.002}[kind] * rng.uniform(0.5, 1.3)
    band = widest * min(1, 3 * severity) * np.clip(aslant, 0.12, 1.3)
    rim = ramp(depth / band + 0.25 * fibres, -1, -0.55)
    rim *= 0.92 if kind == "torn" else 0.8
    core = _core(rng, kind)
    behind = any_tone(rng, dark=0.45, pale=0.3)
    shade = 1 - rng.uniform(0.3, 0.6) * np.clip(cover - _shifted(cover, 0.004), 0, 1)
    planes = split(image)
    over(planes, [part * (1 + 0.08 * fibres) for part in core], rim)
    over(planes, [part * shade for part in behind], cover)
    return cv2.merge(planes), np.maximum(cover, rim)


def _core(rng: np.random.Generator, kind: str) -> list[float]:
    """The colour of the bared edge: from white paper to brown board or canvas, or charred."""
    charred = 0.16 if kind == "burnt" else 1
    return [charred * part for part in aged_tone(rng, (0.90, 0.62), (0.86, 0.50), (0.78, 0.36))]


def _shapes(rng: np.random.Generator, shape: tuple[int, ...], kind: str, share: float) -> Image:
    """Depth inside a hole in long sides, negative outside; of size `shape`."""
    eaten = kind == "eaten"
    mains, followers = (int(rng.integers(3, 12)), 12) if eaten else (int(rng.integers(1, 4)), 5)
    middles, radii = around(rng, shape, mains, followers)
    rough = rough_noise(rng, shape, waves=9, fade=0.7)
    depth = ragged(rng, rough, middles, radii, share=share, wander=0.1 if eaten else 0.26)
    inside = (depth > 0).astype(np.uint8)
    within, beyond = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_5) for side in (inside, 1 - inside)
    )
    # Without any hole the distances are huge; the clipping keeps them finite
    signed = np.clip((within - beyond) / GRID_PX, -1, 1)
    return spread(cv2.GaussianBlur(signed, (0, 0), 1), shape)


def _shifted(cover: Image, away: float) -> Image:
    """`cover` moved by `away` long sides to the right and down, and blurred: the lit part."""
    height, width = fit(cover.shape, 512)
    small = cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA)
    move = np.array(((1, 0, 512 * away), (0, 1, 512 * away)), np.float32)
    small = cv2.warpAffine(small, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.GaussianBlur(small, (0, 0), 0.3 * 512 * away)
    return cv2.resize(soft, cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
