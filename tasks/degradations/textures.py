"""Rough random fields and thin lines, for wear, liquids and growth."""

from collections.abc import Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Image
from patina.tasks.degradations.fields import bands, fit, white_noise

GRID_PX = 512  # long side at which fields are made; a threshold after `spread` is sharp anyway
THREADS = 360  # number of canvas threads along the long side


def rough_noise(
    rng: np.random.Generator, shape: tuple[int, ...], *, waves: int, fade: float
) -> Image:
    """Noise with the standard deviation 1, float32, GRID_PX pixels on the long side.

    waves: number of the coarsest waves. fade: amplitude of each finer octave, relative to the one
    before. The noise is made for a square, of which `shape` gets its part, so that the same random
    numbers serve any shape.
    """
    field: Image = rng.standard_normal((2 * waves, 2 * waves), dtype=np.float32)
    height = 1.0
    while len(field) < GRID_PX:
        coarse = cv2.pyrUp(field)
        height *= fade
        field = white_noise(rng, coarse.shape)
        field *= height
        field += coarse
    field /= field.std()
    rows, columns = fit(shape, GRID_PX)
    return field[:rows, :columns]


def spread(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` resized to the height and width of `shape`; averaged if it becomes smaller."""
    shrinks = max(shape[:2]) < max(field.shape)
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(field, (shape[1], shape[0]), interpolation=how)


def weave(rng: np.random.Generator, shape: tuple[int, ...], peak: float) -> Image:
    """Light on a plain weave, with the mean 0: each thread passes over one thread, under the next.

    Threads are unevenly spaced, and differ in thickness and brightness. peak: amplitude of most of
    them.
    """
    pitch_px = max(shape) / THREADS
    # Threads of less than about two pixels are invisible
    peak *= min(max(pitch_px - 1.5, 0), 1)
    waves, slubs = [], []
    for side in shape[:2]:
        place = np.arange(side) / pitch_px
        phases = np.cumsum(rng.normal(np.pi, 0.25 * np.pi, THREADS + 1))
        waves.append(np.sin(np.interp(place, np.arange(THREADS + 1), phases)).astype(np.float32))
        slubs.append(rng.normal(0, 0.3 * peak, THREADS + 1).astype(np.float32)[place.astype(int)])
    light = np.multiply.outer(peak * waves[0], waves[1])
    light += slubs[0][:, None]
    light += slubs[1]
    return light


def ramp(field: Image, start: float, end: float) -> Image:
    """0 where `field` is below `start`, 1 above `end`, a smooth step between."""
    share: Image = field - np.float32(start)
    share *= 1 / (end - start)
    np.clip(share, 0, 1, out=share)
    curve: Image = -2 * share
    curve += 3
    curve *= share
    curve *= share
    return curve


def stain_with(planes: Sequence[Image], tint: tuple[float, float, float], cover: Image) -> None:
    """Lay a transparent colour over `planes`, in place.

    tint: transmittance of each plane where `cover` is 1. cover: 0 (no change) to 1.
    """
    for plane, passed in zip(planes, tint, strict=True):
        for part, share in bands(plane, cover):
            part *= 1 - (1 - passed) * share


def draw_line(layer: Image, path_px: Image, radius_px: Image, opacity: Image) -> None:
    """Draw lines into the 8-bit `layer`; where two lines cross, the higher opacity counts.

    path_px: (..., points, 2), x and y in pixels. radius_px: half widths, opacity: 0 to 1, both
    (..., points). Of several lines in one call, later ones cover earlier ones.
    """
    if not opacity.any():
        return
    margin = 3 + int(radius_px.max())
    every = path_px.reshape(-1, 2)
    left, top = np.maximum(np.floor(every.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.ceil(every.max(axis=0)).astype(int) + margin
    window = layer[top : max(bottom, 0), left : max(right, 0)]
    if not window.size:
        return
    line = np.zeros_like(window)
    points = np.round((path_px - (left, top)) * 16).astype(int)
    starts, ends = (
        points[..., part, :].reshape(-1, 2).tolist() for part in (np.s_[:-1], np.s_[1:])
    )
    width_px = 2 * radius_px[..., :-1]
    # cv2 draws no line thinner than a pixel: a thinner line becomes a fainter one
    level = np.rint(255 * opacity[..., :-1] * np.minimum(1, width_px)).astype(int)
    width = np.maximum(1, np.rint(width_px)).astype(int)
    for start, end, wide, strong in zip(
        starts, ends, width.ravel().tolist(), level.ravel().tolist(), strict=True
    ):
        if strong:
            cv2.line(line, start, end, strong, wide, cv2.LINE_AA, shift=4)
    np.maximum(window, line, out=window)
