"""Windows, which are parts of a work, and pictures of them that are cut or resized."""

from typing import NamedTuple

import cv2
import numpy as np

from patina.models import STRIDE_PX


class Window(NamedTuple):
    """A part of a work, in its pixels."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def whole(cls, size: tuple[int, ...]) -> "Window":
        """The window of a whole work, or of a picture of it, of `size` (height, width, ...)."""
        return cls(0, 0, size[1], size[0])


def window_around(across: float, down: float, size: tuple[int, int], px: tuple[int, int]) -> Window:
    """The window of `px` (height, width) around a place, 0 to 1 each way, within a work of `size`.

    It begins on JPEG's grid.
    """
    height, width = (min(side, whole) for side, whole in zip(px, size, strict=True))
    left, top = round(across * size[1] - width / 2), round(down * size[0] - height / 2)
    left, top = min(max(left, 0), size[1] - width), min(max(top, 0), size[0] - height)
    return Window(left // STRIDE_PX * STRIDE_PX, top // STRIDE_PX * STRIDE_PX, width, height)


def cut(
    picture: np.ndarray,
    covers: Window,
    window: Window,
    size: tuple[int, int],
    *,
    smooth: bool = True,
) -> np.ndarray:
    """The part of `picture` that shows `window`, resized to `size`.

    picture: (h, w, ...), of any scale; it shows the window `covers`. covers, window: in pixels of
    the work. size: (height, width) of the output. smooth: interpolate linearly and repeat the edge
    outside; otherwise use the nearest pixel, and 0 outside.
    """
    scale_x, scale_y = picture.shape[1] / covers.width, picture.shape[0] / covers.height
    step_x, step_y = window.width / size[1] * scale_x, window.height / size[0] * scale_y
    start_x = (window.left - covers.left) * scale_x + 0.5 * step_x - 0.5
    start_y = (window.top - covers.top) * scale_y + 0.5 * step_y - 0.5
    interpolation = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return cv2.warpAffine(
        picture,
        np.array([[step_x, 0, start_x], [0, step_y, start_y]]),
        size[::-1],
        flags=interpolation | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if smooth else cv2.BORDER_CONSTANT,
    )
