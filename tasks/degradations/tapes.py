"""Adhesive tape on a work."""

from typing import NamedTuple

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import over, split
from patina.tasks.degradations.textures import rough_noise, spread, stain_with

STRIPS = 3
LEAST, MOST = 0.02, 0.075  # share of the work that is covered at severity 1, from – to
# Transmittance of red, green and blue; opacity of the tape's own colour; that colour
TAPES = (
    ((0.93, 0.80, 0.50), 0.2, (0.78, 0.66, 0.42)),  # clear, yellowed
    ((0.80, 0.58, 0.26), 0.28, (0.62, 0.44, 0.20)),  # clear, old: brown
    ((0.97, 0.95, 0.90), 0.30, (0.90, 0.90, 0.87)),  # frosted
    ((0.90, 0.80, 0.62), 0.72, (0.82, 0.72, 0.52)),  # masking tape
    ((0.92, 0.88, 0.80), 0.85, (0.88, 0.85, 0.77)),  # paper or linen
    ((0.70, 0.50, 0.34), 0.80, (0.58, 0.42, 0.27)),  # gummed, brown
)


class Strip(NamedTuple):
    """A strip of tape; lengths in long sides, `middle` is (x, y), `turn` is in radians."""

    middle: tuple[float, float]
    turn: float
    length: float
    width: float
    # Outline of each end: how far it extends beyond the length, in widths
    ends: tuple[Image, Image]


@degradation(local=True)
def tape(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Put up to three strips of tape on `image`: straight, translucent, yellowed, with torn ends.

    Clear tape becomes yellow, then brown, and its adhesive spreads at the sides. Masking tape,
    linen and gummed paper are more opaque. Some strips have a glossy rim. All are patchy where they
    have come off. Severity sets the covered area and the yellowing.
    Source: ours; the stages after Smith et al., "Pressure-Sensitive Tape and Techniques for its
    Removal From Paper", Journal of the American Institute for Conservation 23 (1984).
    """
    passed, hiding, tone = TAPES[rng.integers(len(TAPES))]
    share = severity * np.exp(rng.uniform(np.log(LEAST), np.log(MOST)))
    strips = _strips(rng, image.shape, share)
    gloss, creep = max(0.0, rng.uniform(-0.3, 0.4)), rng.uniform(0, 0.6)
    loose = spread(rough_noise(rng, image.shape, waves=10, fade=0.6), image.shape)
    body, rim = _laid(strips, image.shape)
    body *= (0.55 + 0.45 * severity) * np.clip(1 - 0.12 * np.maximum(loose, 0), 0, 1)
    rim *= body
    planes = split(image)
    stain_with(planes, passed, body)
    over(planes, [part * (1 + 0.05 * loose) for part in tone], hiding * body)
    stain_with(planes, (0.72, 0.52, 0.3), creep * rim)
    over(planes, (0.96, 0.95, 0.92), gloss * rim)
    return cv2.merge(planes), body


def _strips(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> list[Strip]:
    """Up to STRIPS strips that together cover the share `share` of an image of size `shape`."""
    height, width = np.array(shape[:2]) / max(shape[:2])
    count = int(rng.integers(1, STRIPS + 1))
    parts = rng.dirichlet(np.full(count, 4.0)) * share * height * width
    strips = []
    for area in parts.tolist():
        middle = rng.uniform(0.2, 0.8, 2) * (width, height)
        turn = float(np.pi / 2 * rng.integers(2) + rng.normal(0, 0.05))
        turn = rng.uniform(0, np.pi) if rng.random() < 0.4 else turn
        # A strip longer than 0.8 of the long side becomes wider instead
        wide = max(rng.uniform(0.022, 0.06), area / 0.8)
        ends = _end(rng), _end(rng)
        strips.append(Strip(tuple(middle.tolist()), turn, area / wide, wide, ends))
    return strips


def _end(rng: np.random.Generator) -> Image:
    """Outline of an end of a strip, in widths, at 60 places across it: torn, serrated or cut."""
    across = np.linspace(-0.5, 0.5, 60)
    slant, kind = rng.normal(0, 0.25), rng.random()
    torn = 0.03 * np.cumsum(rng.normal(0, 1, 60))
    teeth = 0.06 * np.abs((across * rng.uniform(9, 16)) % 1 - 0.5)
    end = slant * across
    if kind < 0.45:
        end = end + torn - torn.mean()
    elif kind < 0.75:
        end = end + teeth - 0.015
    return np.asarray(end, np.float32)


def _laid(strips: list[Strip], shape: tuple[int, ...]) -> tuple[Image, Image]:
    """Opacity of the tape, 0 to 1, and of its rims along the sides, 0 to 1."""
    height, width = shape[:2]
    long_px = max(height, width)
    body, rim = np.zeros((2, height, width), np.float32)
    for strip in strips:
        reach = 0.75 * strip.length + 1.2 * strip.width
        rows, columns = (
            slice(max(0, int((at - reach) * long_px)), max(0, int((at + reach) * long_px) + 2))
            for at in strip.middle[::-1]
        )
        window = body[rows, columns]
        down = (np.arange(height)[rows, None] + 0.5) / long_px - strip.middle[1]
        right = (np.arange(width)[columns] + 0.5) / long_px - strip.middle[0]
        along = (right * np.cos(strip.turn) + down * np.sin(strip.turn)).astype(np.float32)
        across = (down * np.cos(strip.turn) - right * np.sin(strip.turn)).astype(np.float32)
        first, second = (
            strip.width * np.interp(across / strip.width, np.linspace(-0.5, 0.5, len(end)), end)
            for end in strip.ends
        )
        beside = strip.width / 2 - np.abs(across)
        before = strip.length / 2 + np.where(along < 0, first, second) - np.abs(along)
        inside = np.clip(np.minimum(beside, before) * long_px + 0.5, 0, 1).astype(np.float32)
        np.maximum(window, inside, out=window)
        edge = np.exp(-np.clip(beside / 0.0022, 0, 9)).astype(np.float32) * inside
        np.maximum(rim[rows, columns], edge, out=rim[rows, columns])
    return body, rim
