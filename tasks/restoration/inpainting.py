"""Damage is filled by two that know nothing of each other, and only where they agree.

A network fills by what works look like, inpainting by what lies around. What is no damage, such as
a highlight or a string of pearls, each of them paints over in a way of its own.
"""

import cv2
import numpy as np

from patina.models import DAMAGE, FILL
from patina.tasks.restoration.tiling import Network

AGREED = slice(7, 8)
DOUBT = 0.5  # damage that is less likely is none
DISTRUST = 1.5  # the power of their agreement by which damage is taken for less likely
FILLED = 0.35, 0.8  # damage less likely than the first, then, stays; as likely as the second, goes
AREA_PX = 96  # as far from its edge a tile counts: so areas are judged alike in two tiles
RADIUS_PX = 3
WHITE = 255  # OpenCV's inpainting of floats fails in [0, 1]
SLIGHT = 1 / 255**2  # squared change of an area below which nothing can be said of it


def doubted(network: Network) -> Network:
    """`network`, and how far inpainting agrees with its fills.

    network: (N, h, w, 3 and more) -> (N, h, w, 7), see `heads.apart`. The result gives an
    eighth channel, AGREED, in [0, 1], see `agreement`, 0 where there is no damage to fill; and the
    fill there is the mean of both.
    """

    def judged(images: np.ndarray) -> np.ndarray:
        return np.stack(
            [_judged(parts, image) for parts, image in zip(network(images), images, strict=True)]
        )

    return judged


def likelihood(parts: np.ndarray) -> np.ndarray:
    """Of damage, in [0, 1], as the network sees it: (…, 1)."""
    return 1 / (1 + np.exp(-parts[..., DAMAGE]))


def filled(likely: np.ndarray, agreed: np.ndarray) -> np.ndarray:
    """How much of its fill a pixel is given, in [0, 1], as its arguments are; all of one shape."""
    trusted = likely * agreed**DISTRUST
    return np.clip((trusted - FILLED[0]) / (FILLED[1] - FILLED[0]), 0, 1)


def _judged(parts: np.ndarray, image: np.ndarray) -> np.ndarray:
    judged = np.concatenate([parts, np.zeros_like(parts[..., :1])], axis=2)
    likely = likelihood(parts)[..., 0]
    doubtful = likely > DOUBT
    if doubtful.any():
        image = image[..., :3]
        fill, inpainted = parts[..., FILL], _inpainted(image, doubtful) - image
        agreed = agreement(fill, inpainted, np.where(doubtful, likely - DOUBT, 0))
        judged[..., AGREED.start][doubtful] = agreed[doubtful]
        judged[..., FILL][doubtful] = (fill[doubtful] + inpainted[doubtful]) / 2
    return judged


def agreement(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """How alike two changes (h, w, 3) of an image are, where weights (h, w) are above 0: (h, w).

    Twice their product, of the sum of their squares: 1 where they are the same, 0 where they have
    nothing in common or next to nothing is changed. An area no longer than AREA_PX is judged as
    one; of a longer one, each pixel by what lies no farther than half of that.
    """
    both = 2 * weights * np.einsum("hwc,hwc->hw", one, other)
    each = weights * (np.einsum("hwc,hwc->hw", one, one) + np.einsum("hwc,hwc->hw", other, other))
    _, areas, boxes, _ = cv2.connectedComponentsWithStats((weights > 0).astype(np.uint8))
    sizes = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    sizes[0] = 0  # what is around the areas
    long = sizes[areas] > AREA_PX
    both, each = (_sums(values, areas, long) for values in (both, each))
    return np.clip(both / (each + SLIGHT), 0, 1)


def _sums(values: np.ndarray, areas: np.ndarray, long: np.ndarray) -> np.ndarray:
    """For each pixel the sum over its area, or over what is near in the long ones."""
    sums = np.bincount(areas.ravel(), values.ravel())[areas].astype(np.float32)
    if long.any():
        near = (AREA_PX + 1, AREA_PX + 1)
        sums[long] = cv2.boxFilter(
            values * long, cv2.CV_32F, near, normalize=False, borderType=cv2.BORDER_CONSTANT
        )[long]
    return sums


def _inpainted(image: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """`image` with what is doubtful replaced, from its rim inwards.

    Source: Telea, "An image inpainting technique based on the fast marching method" (2004).
    """
    mask = doubtful.astype(np.uint8)
    channels = [
        cv2.inpaint(channel, mask, RADIUS_PX, cv2.INPAINT_TELEA)
        for channel in cv2.split(image * np.float32(WHITE))
    ]
    return cv2.merge(channels) / WHITE
