"""Landscapes of the sample museum: sky, hills, fields, water, trees and houses."""

import numpy as np

from patina.crawler.sample.study import Study, blob, ramp, turned

LANDSCAPES = (  # title, number of trees, houses and boats, whether there is water, height of hills
    ("Orchard", "round", 7, 0, 0, False, 0.08),
    ("Poplars by the river", "tall", 8, 1, 0, True, 0.05),
    ("Village below the hills", "round", 4, 5, 0, False, 0.2),
    ("Boats in the bay", "round", 0, 0, 4, True, 0.1),
    ("Mountain lake", "pine", 7, 0, 1, True, 0.32),
    ("Bare trees on the heath", "bare", 4, 1, 0, False, 0.07),
    ("Houses across the water", "round", 3, 5, 1, True, 0.1),
    ("Pines above the valley", "pine", 6, 0, 0, False, 0.26),
)
LIGHTS = ("in late light", "at first light", "before rain", "under high cloud", "in October")


def sky(study: Study, horizon: float) -> None:
    """Paint the sky down to the horizon: a gradient, clouds lit by the sun, and a glow."""
    rng, hue = study.rng, study.hue
    shape = (int(horizon) + 2, study.width)
    rows, columns = (axis.astype(np.float32) for axis in np.ogrid[: shape[0], : shape[1]])
    tone = 0.85 / horizon * rows + 0.08 * study.noise(2, 3, shape)
    study.lay(np.ones_like(tone), ramp(tone, hue["sky"] * 0.8, hue["sky"], hue["haze"]))
    rise = study.noise(rng.uniform(2, 5), rng.uniform(2, 4), shape)
    lit = 0.55 + 0.5 * (rise - np.roll(rise, (5, int(-4 * study.sun)), (0, 1)))
    body = np.clip((rise - rng.uniform(-0.5, 0.9)) * 0.9, 0, 0.9)
    study.lay(
        body, ramp(lit, study.mix("shade", "sky", 0.6), hue["haze"], hue["light"]), 0.4 * rise
    )
    x, y = (0.5 + study.sun * rng.uniform(0.1, 0.4)) * study.width, horizon * rng.uniform(0.2, 0.85)
    away = ((columns - x) ** 2 + (rows - y) ** 2) / (rng.uniform(0.25, 0.5) * study.width) ** 2
    study.lay(np.float32(0.75) * np.exp(-4 * away).astype(np.float32), hue["light"], 0.4 * rise)
    disc = study.unit * rng.choice([0.01, 0.035])
    study.fill(blob(x, y, disc, disc), hue["light"], soft=0.6)


def hills(study: Study, horizon: float, height: float) -> None:
    """Paint hills from the farthest to the nearest; haze covers far hills more."""
    x = np.linspace(0, study.width, 80)
    for near in np.linspace(0, 1, int(study.rng.integers(2, 5))):
        crest = 1.4 - np.abs(study.noise(0, study.rng.uniform(1, 3), (1, 80))[0])
        y = horizon - height * study.unit * np.maximum(crest, 0) * (1.1 - 0.7 * near)
        outline = [(0.0, horizon + 4), *zip(x, y, strict=True), (study.width, horizon + 4)]
        cover, top, left = study.cover(outline)
        tone = 0.5 + 0.22 * study.noise(3, 8, cover.shape)
        air = 0.85 - 0.75 * near
        low, high = study.mix("shade", "sky", air), study.mix("earth", "haze", air)
        slope = study.rng.uniform(-0.5, 0.5)
        study.lay(cover, ramp(tone, low, study.mix("leaf", "sky", air), high), slope, top, left)


def ground(study: Study, top: int) -> None:
    """Paint fields below the line `top` in perspective: near patches are larger."""
    shape = (study.height - top, study.width)
    near = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    far = (np.sqrt(near[:, 0]) * (shape[0] - 1)).astype(int)
    blades = study.noise(10, 40, shape)
    tone = 0.65 - 0.35 * near + 0.2 * study.noise(4, 3, shape)[far] + 0.1 * near * blades
    warm = np.clip(0.5 + 0.7 * study.noise(3, 3, shape)[far], 0, 1)[..., None]
    middle = study.hue["leaf"] + warm * (study.hue["earth"] - study.hue["leaf"])
    low, high = study.mix("dark", "leaf", 0.25), study.mix("haze", "light", 0.4)
    study.lay(np.ones_like(tone), ramp(tone, low, middle, high), near * (1.2 + 0.3 * blades), top)


def water(study: Study, top: int) -> None:
    """Paint still water below the line `top`: the reflection of the picture above it, with
    ripples.
    """
    shape = (study.height - top, study.width)
    near = np.linspace(0.1, 1, shape[0], dtype=np.float32)[:, None]
    ripple = study.noise(shape[0] / 5, 5, shape) * near
    rows = np.clip(top - 1 - np.arange(shape[0])[:, None] * 0.9 + 7 * ripple, 0, top - 1)
    mirror = study.image[rows.astype(int), np.arange(shape[1])]
    mirror += (0.25 + 0.3 * near)[..., None] * (study.mix("shade", "sky", 0.4) - mirror)
    mirror += np.clip(ripple - 0.9, 0, 0.5)[..., None] * (study.hue["light"] - mirror)
    study.lay(np.ones_like(ripple), mirror, 0.1 * ripple, top)


def tree(study: Study, x: float, base: float, size: float, form: str) -> None:
    """Paint a tree of the height `size`: round, tall, a pine, or bare."""
    study.shadow(x, base, size * 0.35, size * 0.06)
    if form == "bare":
        branch(study, x, base, size * 0.3, -np.pi / 2)
        return
    study.solid(turned(x, base, size * 0.6, 0.07, 0.04, 0.03), study.mix("dark", "earth", 0.5))
    tint = study.mix("leaf", "earth", study.rng.uniform(0, 0.5))
    squat, reach, wide = {
        "round": (0.8, 0.2, 0.2),
        "tall": (1.6, 0.02, 0.12),
        "pine": (0.5, 0, 0.24),
    }[form]
    for level in np.linspace(0, 1, 7):
        radius = size * wide * (1.15 - (form != "round") * level)
        dx, dy = study.rng.normal(0, reach * size), size * (0.35 + 0.55 * level)
        wild = blob(x + dx * (1 - level / 2), base - dy, radius, radius * squat)
        wild += study.rng.normal(0, 0.018 * size, (24, 2))
        study.solid(wild, tint, rough=0.2)


def branch(study: Study, x: float, y: float, length: float, angle: float) -> None:
    """Draw forking twigs; they are painted last, so that they stay sharp."""
    end = (x + length * np.cos(angle), y + length * np.sin(angle))
    study.line((x, y), end, length * 0.11 + 0.2, study.mix("dark", "earth", 0.25))
    if length > study.unit * 0.03:
        for turn in study.rng.normal([-0.5, 0.1, 0.55], 0.2):
            branch(study, *end, length * study.rng.uniform(0.5, 0.8), angle + turn)


def house(study: Study, x: float, base: float, size: float) -> None:
    """Paint a house: two walls, one of them in the light, a roof and windows."""
    wide, gable, eave = size * study.rng.uniform(0.7, 1.2), size * 0.45, base - size * 0.6
    walls = (study.mix("haze", "light", 0.6), study.mix("shade", "haze", 0.45))[:: int(study.sun)]
    roof = study.mix("accent", "earth", study.rng.uniform(0, 0.8))
    corner, end, peak = x + wide, x + wide + gable, (x + wide + gable / 2, base - size)
    study.shadow(x + wide / 2, base, size * 0.8, size * 0.08)
    study.fill([(x, base), (corner, base), (corner, eave), (x, eave)], walls[1], np.pi / 2)
    study.fill(
        [(corner, base), (end, base), (end, eave), peak, (corner, eave)], walls[0], np.pi / 2
    )
    study.fill([(x - 1, eave), (corner, eave), peak, (x + gable / 2, base - size)], roof, 0.5)
    for left in (*(x + wide * np.array([0.15, 0.45, 0.75])), corner + gable * 0.4):
        pane = turned(left + size * 0.05, base - size * 0.2, size * 0.2, 0.25, 0.25)
        study.fill(pane, study.mix("dark", "shade", 0.4), np.pi / 2)


def boat(study: Study, x: float, base: float, size: float) -> None:
    """Paint a sailing boat and its reflection."""
    wide, up, sail = size * 0.35, base - size, study.mix("haze", "accent", study.rng.uniform(0, 1))
    study.fill(blob(x, base + size * 0.3, wide * 0.7, size * 0.3), sail, soft=2, dense=0.4)
    study.fill(blob(x, base + size * 0.04, wide, size * 0.07), study.hue["dark"], soft=1, dense=0.7)
    hull = [(x - wide, base - size * 0.12), (x + wide, base - size * 0.14), (x + wide * 0.7, base)]
    study.solid([*hull, (x - wide * 0.7, base)], study.mix("dark", "accent", 0.5))
    study.solid([(x, up), (x, base - size * 0.2), (x - study.sun * wide, base - size * 0.22)], sail)
    study.line((x, base - size * 0.1), (x, up), 1.5, study.hue["dark"])


def landscape(study: Study) -> str:
    """Paint sky, hills, water or fields, then the objects on them, far ones first; returns the
    title.
    """
    rng, unit, width = study.rng, study.unit, study.width
    title, form, trees, houses, boats, wet, height = LANDSCAPES[study.number % len(LANDSCAPES)]
    horizon = study.height * rng.uniform(0.42, 0.62)
    shore = horizon + 0.05 * unit if wet else study.height * 0.92
    sky(study, horizon)
    hills(study, horizon, height)
    ground(study, int(horizon))
    places = rng.permutation(np.linspace(0, 0.95, trees + houses)) * width
    homes = rng.permutation(trees + houses) < houses
    for x, near, home in zip(places, np.linspace(0.05, 1, len(places)), homes, strict=True):
        base = horizon + near**1.7 * (shore - horizon)
        size = unit * (rng.uniform(0.16, 0.26) if wet else 0.12 + 0.45 * near**1.7)
        house(study, x, base, size * 0.7) if home else tree(study, x, base, size * 1.3, form)
    if wet:
        water(study, int(shore))
    for near in np.linspace(0.05, rng.uniform(0.2, 0.7), boats):
        place = (rng.uniform(0.1, 0.9) * width, shore + near * (study.height - shore))
        boat(study, *place, unit * (0.1 + 0.4 * near))
    return f"{title} {rng.choice(LIGHTS)}"
