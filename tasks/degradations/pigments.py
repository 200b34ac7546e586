"""More models of fading, beside `fading`: loss of contrast or saturation, and by pigment."""

import cv2
import numpy as np

from patina.tasks.degradations.contract import Damaged, Image, degradation
from patina.tasks.degradations.fields import bands, enlarge, over, smooth_noise, split


@degradation()
def contrast_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Reduce the contrast of `image`: blacks become lighter and whites darker, in all colours.

    This happens in weak prints, through a hazy lens, or when paper darkens. It is random which end
    of the scale loses more, and towards which tint. The loss is slightly uneven.
    Source: ours.
    """
    lift, sink = rng.uniform(0.08, 0.38), rng.uniform(0.04, 0.3)
    tone = lift / (lift + sink) + rng.normal(0, 0.04, 3)
    loss = 1 + 0.12 * smooth_noise(rng, image.shape, waves=2)
    planes = split(image)
    over(planes, np.clip(tone, 0, 1), enlarge(severity * (lift + sink) * loss, image.shape))
    return cv2.merge(planes), None


@degradation()
def saturation_loss(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Reduce the saturation of `image`, of all hues equally; the lightness stays.

    Each pixel moves towards the grey of its own luminance, which has a slight tint.
    Source: ours; the luminance of ITU-R BT.601.
    """
    share = rng.uniform(0.8, 1)
    tint = 1 + rng.normal(0, 0.03, 3)
    loss = 1 + 0.1 * smooth_noise(rng, image.shape, waves=2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    planes = split(image)
    over(planes, [grey * part for part in tint], enlarge(severity * share * loss, image.shape))
    return cv2.merge(planes), None


@degradation()
def pigment_fading(image: Image, rng: np.random.Generator, *, severity: float) -> Damaged:
    """Fade the lakes in `image`, each at its own speed: reds and yellows first, greens become blue.

    The model of a colour is a stable grey with three colourants that absorb red, green and blue.
    Light reduces the density of each colourant. Greens that contain a yellow lake, and purples that
    contain a red one, become blue. A frame or a neighbour shaded some parts, so the loss is uneven.
    Source: ours; lakes after Saunders & Kirby, "Light-induced Colour Changes in Red and Yellow Lake
    Pigments", National Gallery Technical Bulletin 15 (1994); densities as in the Beer-Lambert law.
    """
    # Speeds of the colourants that absorb red, green and blue; one of the last two may be stable
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
