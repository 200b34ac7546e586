"""Reads image files with libvips and colour management, and encodes PNG and JPEG with OpenCV.

Arrays are uint8 (H, W, 3), sRGB, unless a name says otherwise.
"""

from functools import reduce
from pathlib import Path

import cv2
import numpy as np

from patina.tasks.imaging.faults import ImageError

# Masks consist of runs of equal bytes. Paintings have no such runs; for them the best filter is the
# mean of the neighbours, as benchmarks/storage.py shows
MASK_PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
)
IMAGE_PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
)


def load_srgb(path: Path, *, long_side_px: int | None = None) -> np.ndarray:
    """Decode `path` to the end: oriented by EXIF, ICC -> sRGB, alpha on white, 8 bit.

    long_side_px: shrink to this long side; never enlarged. None keeps the size.
    Raises ImageError if the file cannot be read or is truncated.
    """
    import pyvips  # not at the top: training does not need it

    from patina.tasks.imaging.shown import shown_image

    try:
        image = shown_image(path, long_side_px or 10**7)
        return np.ascontiguousarray(image.cast("uchar").numpy()[..., :3])
    except (pyvips.Error, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path.name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "cannot be decoded"


def png_bytes(image: np.ndarray) -> bytes:
    """Lossless PNG of a uint8 image (H, W, 3) or mask (H, W)."""
    is_mask = image.ndim == 2
    pixels = image if is_mask else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, buffer = cv2.imencode(".png", pixels, MASK_PNG if is_mask else IMAGE_PNG)
    if not done:
        raise ImageError(f"an image of the shape {image.shape} cannot be encoded as PNG")
    return buffer.tobytes()


def jpeg_bytes(image: np.ndarray) -> bytes:
    """JPEG of a uint8 image (H, W, 3), sRGB, of quality 88, with full colour resolution."""
    options = (cv2.IMWRITE_JPEG_QUALITY, 88)
    full = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options + full)
    if not done:
        raise ImageError(f"an image of the shape {image.shape} cannot be encoded as JPEG")
    return buffer.tobytes()


def read_png(path: Path) -> np.ndarray:
    """Decode a PNG that Patina wrote, uint8 (H, W, 3). Raises ImageError if it cannot be read."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ImageError(f"{path}: cannot be read as PNG; remove it and run the stage again")
    return pixels


def largest(values: np.ndarray) -> np.ndarray:
    """The maximum of each pixel's channels, (H, W, C) -> (H, W).

    np.max takes twenty times as long along such a short axis.
    """
    return reduce(np.maximum, np.moveaxis(values, 2, 0))


def mean_of_channels(values: np.ndarray) -> np.ndarray:
    """The mean of each pixel's channels, (H, W, C) -> (H, W).

    np.mean gives the same, and takes ten times as long along such a short axis.
    """
    return reduce(np.add, np.moveaxis(values, 2, 0)) / values.dtype.type(values.shape[2])


def to_float(image: np.ndarray) -> np.ndarray:
    """uint8 [0, 255] -> float32 [0, 1]."""
    return image.astype(np.float32) / 255


def to_uint8(image: np.ndarray) -> np.ndarray:
    """float [0, 1] -> uint8 [0, 255], clipped and rounded."""
    steps = np.clip(image, 0, 1)
    steps *= 255
    return np.rint(steps, out=steps).astype(np.uint8)


def view_of(image: np.ndarray, side_px: int) -> np.ndarray:
    """`image` (H, W, C) resized to a square by averaging; its proportions are not kept."""
    return cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)


def reduced(image: np.ndarray, long_px: int) -> np.ndarray:
    """`image` (H, W, C) reduced by averaging, if a side is longer than `long_px` pixels."""
    height, width = image.shape[:2]
    share = min(1, long_px / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
