"""Still lifes and figures of the sample museum, in a room or in front of hills."""

import numpy as np

from patina.crawler.sample.landscapes import ground, hills, sky
from patina.crawler.sample.study import Study, blob, ramp, turned

VESSELS = {  # height in shorter sides of the picture, and the outline for `turned`
    "a bottle": (0.62, (0.15, 0.16, 0.16, 0.15, 0.14, 0.06, 0.05, 0.055)),
    "a jug": (0.42, (0.2, 0.3, 0.36, 0.33, 0.22, 0.18, 0.24)),
    "a bowl": (0.17, (0.4, 0.45, 0.85, 1.1, 1.2)),
    "a goblet": (0.36, (0.28, 0.05, 0.04, 0.05, 0.2, 0.27, 0.26)),
    "a stone jar": (0.34, (0.3, 0.38, 0.42, 0.42, 0.4, 0.28, 0.3)),
}
FRUITS = {  # height divided by width, two colours, and their mixture
    "Apples": (0.92, "accent", "leaf", 0.15),
    "Pears": (1.35, "haze", "leaf", 0.5),
    "Lemons": (0.8, "light", "accent", 0.25),
    "Plums": (0.9, "dark", "accent", 0.4),
    "Peaches": (0.95, "skin", "accent", 0.4),
}


def room(study: Study, edge: int, hanging: float) -> None:
    """Paint a wall in side light down to `edge`, a table or floor below, and sometimes a
    curtain.
    """
    hue, width, height = study.hue, study.width, study.height
    rows, columns = np.ogrid[:height, -1 : 1 : 1j * width]
    fall = 0.5 + 0.33 * study.sun * columns.astype(np.float32) - 0.15 * (rows / edge)
    wall = study.mix("shade", study.rng.choice(["earth", "sky", "leaf"]), 0.55)
    rough = study.noise(2, 3)
    tone = (fall + 0.1 * rough).astype(np.float32)
    study.lay(np.ones_like(tone), ramp(tone, hue["dark"], wall, hue["haze"]), 0.9 + 0.4 * rough)
    if study.rng.random() < hanging:
        side = width * (0.5 - study.sun * 0.5)
        hem = side + study.sun * width * study.rng.uniform(0.2, 0.35)
        cloth = study.mix("accent", study.rng.choice(["shade", "leaf", "earth"]), 0.6)
        study.drape([(side, -2), (hem, -2), (hem, edge), (side, edge)], cloth, width * 0.05)
    board = study.mix("earth", study.rng.choice(["shade", "haze"]), 0.4)
    colour = ramp(tone[edge:] + 0.25, hue["dark"], board, hue["light"])
    study.lay(np.ones_like(tone[edge:]), colour, 0.1 * rough[edge:], edge)


def vessel(study: Study, x: float, base: float, kind: str) -> None:
    """Paint a turned vessel with its rim and the reflection of a window."""
    share, radii = VESSELS[kind]
    size = share * study.unit * study.rng.uniform(0.9, 1.1)
    rim, top, wide = radii[-1] * size, base - size, max(radii) * size
    study.shadow(x, base, wide, 0.05 * study.unit)
    body = study.blend("shade", "leaf", "earth", "sky", "haze", "accent")
    study.solid(turned(x, base, size, *radii), body, gloss=0.8)
    study.fill(blob(x, top, rim, rim * 0.2), study.mix("light", "haze", 0.7))
    study.fill(blob(x, top + 0.6, rim * 0.88, rim * 0.14), study.hue["dark"])
    glint, light = x + study.sun * wide * 0.5, study.hue["light"]
    study.line((glint, base - size * 0.5), (glint, base - size * 0.3), wide * 0.12, light)


def fruit(study: Study, x: float, base: float, size: float, kind: str) -> None:
    """Paint a fruit with its stem, from `size` left to `size` right of x."""
    tall, one, other, share = FRUITS[kind]
    skin = study.mix(one, other, np.clip(share + study.rng.normal(0, 0.15), 0, 1))
    high = 2 * tall * size
    study.shadow(x, base - high * 0.05, size, size * 0.35)
    round_ = np.array((0.5, 0.9, 1.04, 1.04, 0.9, 0.5))
    pear = np.array((0.6, 0.96, 1, 0.8, 0.44, 0.34, 0.2))
    outline = (pear if tall > 1 else round_) * size / high
    study.solid(turned(x, base, high, *outline), skin, rough=0.1, gloss=0.7)
    top, tip = base - 0.95 * high, x + study.rng.normal(0, size * 0.2)
    study.line((x, top), (tip, top - 0.2 * high), 1.2, study.hue["dark"])
    glint, up = x + study.sun * size * 0.4, base - 0.7 * high
    study.line((glint, up), (glint + size * 0.15, up + size * 0.1), size * 0.14, study.hue["light"])


def bouquet(study: Study, x: float, y: float, size: float) -> None:
    """Paint stems and leaves, then flowers with dark centres, around (x, y)."""
    places = study.rng.normal(0, (0.26, 0.17), (34, 2)) * size + (x, y)
    for px, py in places[:14]:
        stem = [(x, y + 0.35 * size), (px, py), (px + 2, py)]
        study.fill(stem, study.mix("dark", "leaf", 0.7), np.pi / 2)
        leaf = blob(1.2 * px - 0.2 * x, py, size * 0.13, size * 0.05)
        study.fill(leaf, study.mix("leaf", "dark", study.rng.uniform(0, 0.7)), (py - y) / size)
    for px, py in places[14:]:
        radius = size * study.rng.uniform(0.07, 0.15)
        ruffled = blob(px, py, radius, radius * 0.85, 0.15 * np.sin(np.arange(24) * 1.3))
        study.solid(ruffled, study.blend("accent", "light", "skin", "haze"), 0.15)
        study.fill(blob(px, py, radius * 0.22, radius * 0.2), study.hue["dark"], soft=0.5)


def still_life(study: Study) -> str:
    """Paint vessels, and fruit in front of them, on a table; returns the title."""
    rng, unit, width, height = study.rng, study.unit, study.width, study.height
    edge = int(height * rng.uniform(0.52, 0.66))
    room(study, edge, 0.5)
    base, middle = edge + 0.12 * unit, width * rng.uniform(0.38, 0.62)
    cloth = rng.random() < 0.5
    if cloth:
        left, right = middle - width * 0.36, middle + width * 0.3
        top = [(left, edge + 0.05 * unit), (right, edge + 0.04 * unit)]
        outline = [*top, (right + 30, height), (left - 20, height)]
        study.drape(outline, study.mix("haze", "light", 0.4), unit * 0.12)
    kinds = rng.permutation(list(VESSELS))[: rng.integers(1, 4)]
    for index, kind in enumerate(kinds):
        x = middle + (index - (len(kinds) - 1) / 2) * 0.34 * unit
        vessel(study, x, base + rng.uniform(-0.03, 0.05) * unit, kind)
        if kind == "a jug":
            bouquet(study, x, base - 0.55 * unit, 0.5 * unit)
    kind = str(rng.choice(list(FRUITS)))
    for near in np.sort(rng.uniform(0.1, 1, rng.integers(3, 9))):
        x, size = middle + rng.normal(0, 0.26) * unit, unit * rng.uniform(0.055, 0.075)
        fruit(study, x, base + near * (height * 0.93 - base), size * (1 + 0.3 * near), kind)
    what = "Flowers" if "a jug" in kinds else kind
    return f"{what} with {kinds[0]}" + " on a white cloth" * cloth


def face(study: Study, x: float, y: float, rx: float, ry: float) -> None:
    """Paint eyes, nose, mouth and cheeks around (x, y)."""
    hue, dark = study.hue, study.hue["dark"]
    for side in (-1, 1):
        eye, lid, cheek = x + side * rx * 0.42, y - ry * 0.06, x + side * rx * 0.5
        study.fill(blob(eye, y - ry * 0.08, rx * 0.28, ry * 0.13), dark, soft=2, dense=0.5)
        study.line((eye - rx * 0.16, lid), (eye + rx * 0.16, lid), rx * 0.1, dark)
        blush = blob(cheek, y + ry * 0.28, rx * 0.26, ry * 0.16)
        study.fill(blush, hue["accent"], soft=4, dense=0.25)
    tip = (x - study.sun * rx * 0.2, y + ry * 0.3)
    nose = [(x, y - ry * 0.05), tip, (x, y + ry * 0.34)]
    study.fill(nose, study.mix("dark", "skin", 0.35), np.pi / 2, 1, 0.6)
    study.fill(blob(x, y + ry * 0.62, rx * 0.3, ry * 0.06), dark, soft=2, dense=0.25)
    lips = study.mix("skin", "dark", 0.55) * (1.1, 0.8, 0.85)
    study.line((x - rx * 0.26, y + ry * 0.53), (x + rx * 0.26, y + ry * 0.53), rx * 0.09, lips)


def head(study: Study, x: float, y: float, rx: float, ry: float) -> None:
    """Paint the hair behind a head, the face, and hair or a hat above it."""
    rng = study.rng
    hair = study.mix("dark", rng.choice(["earth", "shade", "haze"]), 0.45)
    wild = 0.05 * np.sin(np.arange(24) * rng.uniform(0.8, 2.2))
    study.solid(blob(x, y, rx * 1.25, ry * rng.uniform(1.1, 1.7), wild), hair, 0.1)
    study.solid(
        turned(x, y + 1.8 * ry, 1.5 * ry, 0.34, 0.27, 0.25), study.mix("skin", "shade", 0.3)
    )
    chin = 0.05 * np.sin(np.linspace(0, 4 * np.pi, 24))
    study.solid(blob(x, y, rx, ry, chin), study.hue["skin"], 0.05, 0.5)
    face(study, x + rng.uniform(-0.3, 0.3) * rx, y, rx, ry)
    crown, part = blob(x, y - ry * 0.4, rx * 1.12, ry * 0.85, wild), rng.uniform(-0.5, 0.5)
    study.solid([(px, min(py, y - 0.5 * ry + part * (px - x))) for px, py in crown], hair, 0.1)
    if rng.random() < 0.35:
        hat = turned(x, y - ry * 0.5, ry * 1.05, 1.05, 0.8, 0.72, 0.7, 0.66, 0.5)
        study.solid(hat, study.blend("shade", "accent", "earth"), 0.03)


def bust(study: Study) -> str:
    """Paint a sitter, down to the shoulders, in front of a wall."""
    rng, height = study.rng, study.height
    room(study, height, 0.6)
    x, y = study.width * rng.uniform(0.42, 0.58), height * rng.uniform(0.36, 0.44)
    size = study.unit * rng.uniform(0.85, 1.05)
    coat = study.blend("shade", "accent", "leaf", "dark", "earth")
    rx, ry, neck = 0.145 * size, 0.2 * size, y + 0.3 * size
    shoulders = turned(x, height + 5, height - y - 0.26 * size, 1.15, 1.1, 1.05, 0.95, 0.5, 0.24)
    if rng.random() < 0.4:
        study.drape(shoulders, coat, size * 0.09)
    else:
        study.solid(shoulders, coat, 0.12, 0.35)
    head(study, x, y, rx, ry)
    collar = [(x - rx, neck), (x + rx, neck), (x + rx * 0.2, y + 0.52 * size)]
    study.solid(collar, study.mix("haze", "light", 0.4), 0.15)
    who = ["in half shadow", "of a neighbour", "of a quiet sitter", "of a young clerk"]
    return f"Portrait {rng.choice(who)}"


def figure(study: Study, x: float, base: float, size: float) -> None:
    """Paint a standing figure of the height `size` in a long gown."""
    rng, skin = study.rng, study.hue["skin"]
    gown = study.blend("accent", "light", "shade", "sky", "earth", "haze")
    study.shadow(x, base, size * 0.2, size * 0.03)
    body = turned(x, base, size * 0.84, 0.2, 0.18, 0.15, 0.11, 0.09, 0.13, 0.12, 0.04)
    study.drape(body, gown, size * 0.045)
    for side in (-size, size):
        elbow, bend = x + side * rng.uniform(0.14, 0.2), base - size * 0.56
        hand, low = x + side * rng.uniform(0.02, 0.2), base - size * rng.uniform(0.42, 0.6)
        outer = [(x + side * 0.09, base - size * 0.77), (elbow, bend), (hand, low + 3)]
        inner = [(hand, low), (elbow - side * 0.06, bend), (x + side * 0.05, base - size * 0.72)]
        study.solid(outer + inner, gown)
        study.solid(blob(hand, low, size * 0.02, size * 0.02), skin)
    hair = blob(x, base - size * 0.93, size * 0.065, size * 0.08)
    study.solid(hair, study.mix("dark", "earth", 0.5), 0.2)
    face_x = x + study.sun * size * 0.015
    study.solid(blob(face_x, base - size * 0.91, size * 0.045, size * 0.062), skin)


def figures(study: Study) -> str:
    """Paint one sitter, or a few people standing in a room or in front of hills; returns the
    title.
    """
    rng, height = study.rng, study.height
    if study.number // 5 % 2:
        return bust(study)
    outside = study.number // 10 % 2 == 1
    edge = height * rng.uniform(0.5, 0.65)
    if outside:
        sky(study, edge)
        hills(study, edge, 0.12)
        ground(study, int(edge))
    else:
        room(study, int(edge * 1.15), 0.7)
    count = int(rng.integers(1, 4))
    for index in range(count):
        x = study.width * (0.5 + 0.24 * (index - (count - 1) / 2) + rng.normal(0, 0.03))
        figure(study, x, height * rng.uniform(0.88, 0.95), height * rng.uniform(0.66, 0.76))
    who = ("A woman", "Two figures", "Three sisters")[count - 1]
    return f"{who} {'before the hills' if outside else 'in a bare room'}"
