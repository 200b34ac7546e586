"""Abstract works of the sample museum: planes, sweeps, squares and bands."""

from itertools import pairwise

import numpy as np

from patina.crawler.sample.indoors import room
from patina.crawler.sample.study import ROLES, Study, ramp


def planes(study: Study) -> str:
    """Overlapping planes and discs, each with its own gradient and direction."""
    rng, width, height = study.rng, study.width, study.height
    room(study, height, 0)
    for share in np.linspace(0.6, 0.08, 22):
        x, y, angle = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0, np.pi)
        radius, corners = share * study.unit * 0.8, rng.choice([3, 4, 4, 24])
        turns = angle + np.arange(corners) * (2 * np.pi / corners) * rng.uniform(0.9, 1)
        outline = [(x + radius * np.cos(t), y + radius * np.sin(t) * 0.8) for t in turns]
        cover, top, left = study.cover(outline)
        across = np.linspace(0.15, 0.85, cover.shape[1])[None] + 0.12 * study.noise(
            2, 2, cover.shape
        )
        low, middle, high = (study.hue[role] for role in rng.choice(ROLES, 3, replace=False))
        study.lay(
            cover * np.float32(rng.uniform(0.7, 1)),
            ramp(across, low, middle, high),
            angle,
            top,
            left,
        )
    for _ in range(rng.integers(4)):
        x, y = rng.uniform(0, 1, (2, 2)) * ((width,), (height,))
        study.line((x[0], y[0]), (x[1], y[1]), rng.uniform(1, 3), study.hue["dark"])
    return f"Planes and discs, No. {rng.integers(2, 40)}"


def bands(study: Study) -> str:
    """Soft rectangles of colour, one above the other."""
    rng, width, height = study.rng, study.width, study.height
    study.lay(np.ones((height, width), np.float32), study.mix("shade", "earth", 0.4), 0.3)
    cuts = np.cumsum(rng.uniform(0.5, 2, rng.integers(3, 5)))
    tops = np.concatenate([[0], cuts / cuts[-1]]) * 0.92 + 0.04
    for top, bottom in pairwise(tops):
        y, x = np.array([top + 0.015, bottom - 0.015]) * height, np.array([0.07, 0.93]) * width
        cover, up, left = study.cover([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])], 4.0)
        low, middle, high = (study.hue[role] for role in rng.choice(ROLES, 3, replace=False))
        tone = 0.5 + 0.11 * study.noise(2, 2, cover.shape)
        study.lay(cover, ramp(tone, low, middle, high), 0.5 * tone, up, left)
    return f"{['Three', 'Four'][len(cuts) - 3]} fields at dusk"


def mosaic(study: Study) -> str:
    """An irregular grid of colours that change across the picture."""
    rng, width, height = study.rng, study.width, study.height
    count = int(rng.integers(5, 10))
    x, y = np.meshgrid(np.linspace(-0.05, 1.05, count + 1), np.linspace(-0.05, 1.05, count + 1))
    x, y = (x + rng.normal(0, 0.02, x.shape)) * width, (y + rng.normal(0, 0.02, y.shape)) * height
    drift, chosen = study.noise(2, 2, (count, count)), rng.choice(ROLES[1:8], 3, replace=False)
    for i, j in np.ndindex(count, count):
        corners = ((i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j))
        tone = np.asarray(0.5 + 0.35 * drift[i, j] + rng.normal(0, 0.18), np.float32)
        colour = ramp(tone, *(study.hue[role] for role in chosen))
        study.fill([(x[c], y[c]) for c in corners], colour, (i + j) % 2 * np.pi / 2)
    return f"{rng.choice(['Window', 'Garden', 'Harbour', 'Market'])} in {count} by {count} squares"


def gesture(study: Study) -> str:
    """Broad strokes over a clouded ground."""
    rng, unit = study.rng, study.unit
    tone = 0.5 + 0.3 * study.noise(2, 2)
    hues = [study.hue[role] for role in rng.choice(ROLES[:8], 3, replace=False)]
    study.lay(np.ones_like(tone), ramp(tone, *hues), tone)
    for wide in np.linspace(0.09, 0.012, 14) * unit:
        angles = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.09) * np.arange(22)
        ahead = 0.035 * unit * np.exp(1j * angles)
        middle = complex(*rng.uniform(0.1, 0.9, 2) * (study.width, study.height)) + ahead.cumsum()
        side = 1j * np.exp(1j * angles) * wide * np.linspace(1, 0.3, 22)
        quads = np.stack([-ahead - side, -ahead + side, ahead + side, ahead - side], axis=1)
        colour = study.hue[str(rng.choice(ROLES))]
        for angle, quad in zip(angles, quads + middle[:, None], strict=True):
            study.fill(np.column_stack([quad.real, quad.imag]), colour, angle, dense=0.85)
    return f"{rng.choice(['Gesture', 'Storm', 'Dance', 'Letter'])} No. {rng.integers(2, 60)}"


def abstract(study: Study) -> str:
    """Paint an abstract work; returns its title."""
    return (planes, gesture, mosaic, bands)[study.number // 5 % 4](study)
