"""Rough random fields and fine lines: what wears, spreads and grows is never smooth."""

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.degradations.contract import Image
from tasks.degradations.fields import fit

GRID_PX = 512  # the long side that fields are made at: a threshold after `spread` is sharp anyway


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
        field = coarse + height * rng.standard_normal(coarse.shape, dtype=np.float32)
    field /= field.std()
    rows, columns = fit(shape, GRID_PX)
    return field[:rows, :columns]


def spread(field: Image, shape: tuple[int, ...]) -> Image:
    """`field` at the height and width of `shape`; what is finer than a pixel is averaged."""
    shrinks = max(shape[:2]) < max(field.shape)
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(field, (shape[1], shape[0]), interpolation=how)


def ramp(field: Image, start: float, end: float) -> Image:
    """0 where `field` is below `start`, 1 above `end`, smooth between."""
    share = np.clip((field - start) * (1 / (end - start)), 0, 1)
    return share * share * (3 - 2 * share)


def stain_with(planes: Sequence[Image], tint: tuple[float, float, float], cover: Image) -> None:
    """Lay a glaze over `planes`, in place: where `cover` is 1 each passes its `tint` of light."""
    for plane, passed in zip(planes, tint, strict=True):
        plane *= 1 - (1 - passed) * cover


def draw_line(layer: Image, path_px: Image, radius_px: Image, opacity: Image) -> None:
    """Draw a line into the 8-bit `layer`, where the stronger of two that cross wins."""
    margin = 3 + int(radius_px.max())
    left, top = np.maximum(np.floor(path_px.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.ceil(path_px.max(axis=0)).astype(int) + margin
    window = layer[top : max(bottom, 0), left : max(right, 0)]
    if not window.size or not opacity.any():
        return
    line = np.zeros_like(window)
    points = np.round((path_px - (left, top)) * 16).astype(int).tolist()
    for start, end, width, cover in zip(
        points, points[1:], (2 * radius_px).tolist(), opacity.tolist(), strict=False
    ):
        # cv2 draws no line thinner than a pixel: a thinner one is a fainter one
        level = round(255 * cover * min(1, width))
        cv2.line(line, start, end, level, max(1, round(width)), cv2.LINE_AA, shift=4)
    np.maximum(window, line, out=window)
