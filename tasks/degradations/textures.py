"""Rough random fields and fine lines: what wears, spreads and grows is never smooth."""

from collections.abc import Sequence

import cv2
import numpy as np

from patina.tasks.degradations.contract import Image
from patina.tasks.degradations.fields import bands, fit, white_noise

GRID_PX = 512  # the long side that fields are made at: a threshold after `spread` is sharp anyway
THREADS = 360  # of a canvas, along the long side


def rough_noise(
    rng: np.random.Generator, shape: tuple[int, ...], *, waves: int, fade: float
) -> Image:
    """Noise of deviation 1 on GRID_PX: `waves` swells, and finer ones each `fade` times as high.

    Octave upon octave on a square, of which `shape` takes its part: the same numbers for any image.
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
    """`field` at the height and width of `shape`; what is finer than a pixel is averaged."""
    shrinks = max(shape[:2]) < max(field.shape)
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(field, (shape[1], shape[0]), interpolation=how)


def weave(rng: np.random.Generator, shape: tuple[int, ...], peak: float) -> Image:
    """The light on a plain weave, about 0: each thread passes over one, under the next.

    Threads are unevenly spaced, some thicker and paler than others. peak: on most of them.
    """
    pitch_px = max(shape) / THREADS
    # Below two pixels a thread there is no weave to be seen
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
    """0 where `field` is below `start`, 1 above `end`, smooth between."""
    share: Image = field - np.float32(start)
    share *= 1 / (end - start)
    np.clip(share, 0, 1, out=share)
    curve: Image = -2 * share
    curve += 3
    curve *= share
    curve *= share
    return curve


def stain_with(planes: Sequence[Image], tint: tuple[float, float, float], cover: Image) -> None:
    """Lay a glaze over `planes`, in place: where `cover` is 1 each passes its `tint` of light."""
    for plane, passed in zip(planes, tint, strict=True):
        for part, share in bands(plane, cover):
            part *= 1 - (1 - passed) * share


def draw_line(layer: Image, path_px: Image, radius_px: Image, opacity: Image) -> None:
    """Draw a line into the 8-bit `layer`, where the stronger of two that cross wins.

    path_px: (..., points, 2), half widths and opacities (..., points): of several lines that are
    drawn as one, a later one covers those before it.
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
    # cv2 draws no line thinner than a pixel: a thinner one is a fainter one
    level = np.rint(255 * opacity[..., :-1] * np.minimum(1, width_px)).astype(int)
    width = np.maximum(1, np.rint(width_px)).astype(int)
    for start, end, wide, strong in zip(
        starts, ends, width.ravel().tolist(), level.ravel().tolist(), strict=True
    ):
        if strong:
            cv2.line(line, start, end, strong, wide, cv2.LINE_AA, shift=4)
    np.maximum(window, line, out=window)
