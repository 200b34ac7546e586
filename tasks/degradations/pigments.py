"""How colours go, by other ways than `fading`: alike, in contrast or saturation, or by pigment."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, over, smooth_noise, split


@degradation(colour=True)
def contrast_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Flatten `image`: blacks lift and whites sink, in all colours nearly alike.

    As a weak print, a veiled lens or the darkening of paper does; which end of the scale loses
    more, and towards which tint, is drawn. The loss is a little uneven.
    Source: ours.
    """
    lift, sink = rng.uniform(0.08, 0.38), rng.uniform(0.04, 0.3)
    tone = lift / (lift + sink) + rng.normal(0, 0.04, 3)
    loss = 1 + 0.12 * smooth_noise(rng, image.shape, waves=2)
    planes = split(image)
    over(planes, np.clip(tone, 0, 1), enlarge(severity * (lift + sink) * loss, image.shape))
    return cv2.merge(planes), None


@degradation(colour=True)
def saturation_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Take the colour from `image`, all hues alike; its lights and darks stay.

    Each place moves towards the grey of its own luminance, which has a faint tint.
    Source: ours; the luminance of ITU-R BT.601.
    """
    share = rng.uniform(0.8, 1)
    tint = 1 + rng.normal(0, 0.03, 3)
    loss = 1 + 0.1 * smooth_noise(rng, image.shape, waves=2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    planes = split(image)
    over(planes, [grey * part for part in tint], enlarge(severity * share * loss, image.shape))
    return cv2.merge(planes), None


@degradation(colour=True)
def pigment_fading(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Let lakes in `image` fade, each at its own pace: reds and yellows first, greens turn blue.

    A colour is taken for a grey that lasts and three colourants upon it, which absorb red, green
    and blue; light takes from the density of each. Where a yellow lake made greens, blue is left;
    where a red one made purples, blue is left as well. What a frame or a neighbour shaded keeps
    more: the loss is uneven.
    Source: ours; lakes after Saunders & Kirby, "Light-induced Colour Changes in Red and Yellow Lake
    Pigments", National Gallery Technical Bulletin 15 (1994); densities as in the Beer-Lambert law.
    """
    # Of the colourants that absorb red, green and blue: one of the last two may be lasting
    pace = rng.uniform((0, 0.45, 0.55), (0.3, 0.95, 1.0))
    if rng.random() < 0.4:
        pace[rng.integers(1, 3)] *= 0.3
    exposure = np.clip(0.9 + 0.3 * smooth_noise(rng, image.shape, waves=3), 0.2, 1.1)
    exposure = enlarge(severity * exposure, image.shape)
    planes = split(image)
    brightest: Image = cv2.max(cv2.max(planes[0], planes[1]), planes[2])
    brightest += np.float32(1e-3)
    for plane, speed in zip(planes, pace.tolist(), strict=True):
        for part, most, light in bands(plane, brightest, exposure):
            kept = 1 - 0.9 * speed * np.clip(light, 0, 1)
            part += 1e-3
            part[:] = most * (part / most) ** kept - 1e-3
    over(planes, (0.68, 0.65, 0.59), 0.28 * exposure)
    return cv2.merge(planes), None
