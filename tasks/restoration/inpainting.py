"""Fills damage: a classical fill, and the network that corrects this fill."""

import cv2
import numpy as np

from patina.models import STRIDE_PX
from patina.tasks.imaging.images import to_float, to_uint8
from patina.tasks.restoration.tiling import Network

RADIUS_PX = 3  # of the classical fill
CONTEXT_PX = 48  # context around damage for the network
# Channels of the input of `fill_residual`
IMAGE, MASK, STAIN, USER_MASK = slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6)
IMAGE_WEIGHT = 0.1  # see `patina.models.inpainting.compose`


def fill_residual(network: Network | None, tile: np.ndarray) -> np.ndarray:
    """The change that fills the damage of a tile.

    tile: float32 (1, h, w, 5 or 6): sRGB in [0, 1]; the pixels to fill; those of them where the
    work is still visible through the damage; and optionally those that a mask marks; all maps in
    [0, 1]. network: see `patina.models.inpainting.inpainting`; None gives the classical fill.
    Returns (1, h, w, 3), 0 where nothing is filled.
    """
    change = np.zeros((*tile.shape[:3], 3), np.float32)
    user_mask = (tile[0, ..., USER_MASK].sum(axis=2) > 0.5).astype(np.uint8)
    mask = np.maximum((tile[0, ..., 3] > 0.5).astype(np.uint8), user_mask)
    if not mask.any():
        return change
    part = _context(mask)
    image, masked = np.ascontiguousarray(tile[0][part][..., IMAGE]), mask[part]
    user_mask = user_mask[part]
    stain = (tile[0][part][..., STAIN] > 0.5) & (masked > user_mask)[..., None]
    opaque = cv2.dilate(masked * ~stain[..., 0] * (1 - user_mask), np.ones((3, 3), np.uint8))
    opaque = np.maximum(opaque, user_mask)
    fill = np.where(stain, image, to_float(classical_fill(to_uint8(image), opaque)))
    dilated = np.maximum(opaque, masked).astype(np.float32)[..., None]
    if network is not None:
        channels = np.concatenate([image, fill, dilated], axis=2).astype(np.float32)
        output = network(np.ascontiguousarray(channels[None]))[0]
        weight = np.clip(output[..., 3:] + IMAGE_WEIGHT, 0, 1)
        fill = fill + weight * (image - fill) + output[..., :3]
    change[0][part] = (np.clip(fill, 0, 1) - image) * dilated
    return change


def classical_fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`image` uint8 (h, w, 3), with the pixels of `mask` uint8 (h, w) filled from the rim inwards.

    Source: Telea, "An image inpainting technique based on the fast marching method" (2004).
    """
    return cv2.inpaint(np.ascontiguousarray(image), mask, RADIUS_PX, cv2.INPAINT_TELEA)


def _context(mask: np.ndarray) -> tuple[slice, ...]:
    """The part of `mask` (h, w) around all marked pixels; its sides are multiples of STRIDE_PX."""
    spans = []
    for axis, size in enumerate(mask.shape):
        masked = np.flatnonzero(mask.any(axis=1 - axis))
        first = max(int(masked[0]) - CONTEXT_PX, 0) // STRIDE_PX * STRIDE_PX
        last = min(-(-(int(masked[-1]) + 1 + CONTEXT_PX) // STRIDE_PX) * STRIDE_PX, size)
        spans.append(slice(first, last))
    return tuple(spans)
