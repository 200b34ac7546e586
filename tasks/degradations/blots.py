"""Opaque layers on a work: ink, tar, paint and thick growths."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import over, split
from patina.tasks.degradations.shapes import any_tone, around, ragged
from patina.tasks.degradations.textures import ramp, rough_noise, spread

LEAST, MOST = 0.018, 0.08  # share of the work that is covered at severity 1, from – to


@degradation(local=True)
def blot(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Cover parts of `image` with ink, tar, paint or mould colonies: opaque, ragged, of any colour.

    Thrown blots have sharp edges and small drops around them. Thick blots have a raised, shiny
    edge. Colonies are round and granular, with soft edges. Severity sets the covered area.
    Source: ours; the shapes after the splashes of `stain`, the colonies after `mould`.
    """
    kind = ("thrown", "thick", "colony")[rng.integers(3)]
    share = severity * np.exp(rng.uniform(np.log(LEAST), np.log(MOST)))
    depth, rough = _shapes(rng, image.shape, kind, share)
    fine = spread(rough_noise(rng, image.shape, waves=96, fade=0.8), image.shape)
    tone, opacity = any_tone(rng, dark=0.5, pale=0.2), rng.uniform(0.86, 1)
    soft = 0.009 if kind == "colony" else 0.0016 * rng.uniform(0.6, 2.5)
    grain = 0.5 if kind == "colony" else 0.05
    cover = opacity * ramp(depth + grain * soft * fine, 0, soft)
    thin = np.clip(1 - 0.05 * np.maximum(rough, 0) - 0.2 * grain * np.maximum(fine, 0), 0, 1)
    cover *= thin
    light = 1 + (0.22 * fine * grain) + 0.06 * rough
    shine = _shine(depth) if kind == "thick" else 0
    planes = split(image)
    over(planes, [part * light + shine for part in tone], cover)
    return cv2.merge(planes), cover


def _shapes(
    rng: np.random.Generator, shape: tuple[int, ...], kind: str, share: float
) -> tuple[Image, Image]:
    """Depth inside the blot in long sides (negative outside), and noise; both of size `shape`."""
    colony = kind == "colony"
    mains, followers = (int(rng.integers(5, 14)), 40) if colony else (int(rng.integers(1, 4)), 45)
    middles, radii = around(rng, shape, mains, followers)
    if colony:
        radii[:mains] *= rng.lognormal(-0.3, 0.5, mains)
    rough = rough_noise(rng, shape, waves=6, fade=0.68)
    depth = ragged(rng, rough, middles, radii, share=share, wander=0.14 if colony else 0.38)
    return spread(depth, shape), spread(rough, shape)


def _shine(depth: Image) -> Image:
    """Light that is reflected by the raised edge of a thick blot, from a lamp at the top left."""
    height = cv2.GaussianBlur(ramp(depth, 0, 0.016), (0, 0), 0.0025 * max(depth.shape) + 0.1)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + cv2.Sobel(height, cv2.CV_32F, 0, 1)
    slope *= max(depth.shape) * 0.0018
    return 0.45 * np.clip(slope - 0.12, 0, 1) + 0.1 * np.clip(slope, -0.5, 0.5)
