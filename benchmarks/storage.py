"""Compares lossless formats for clean works and twins: size, and time to encode and decode.

    python benchmarks/storage.py [FILE...]

FILEs are pictures; the default is painted works. Noisy twins of them are measured, too. Prints the
figures of each format on one thread, and their ratios to those of the format that Patina writes.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import imagecodecs
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from patina.crawler.sample.strokes import paint  # noqa: E402 -- found by the line above
from patina.tasks.degradations import DEGRADATIONS  # noqa: E402
from patina.tasks.imaging.images import load_srgb, png_bytes, to_float, to_uint8  # noqa: E402

PAINTED = 6
LONG_PX = 512


class Form(NamedTuple):
    """A file format with its options."""

    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes], np.ndarray]


def opencv(suffix: str, *options: int) -> Form:
    """The format with that suffix, as OpenCV writes it."""

    def encode(image: np.ndarray) -> bytes:
        return cv2.imencode(suffix, image[..., ::-1], options)[1].tobytes()

    def decode(data: bytes) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    return Form(encode, decode)


def png(level: int, strategy: int) -> Form:
    """PNG with a compression level and a strategy of zlib."""
    return opencv(".png", cv2.IMWRITE_PNG_COMPRESSION, level, cv2.IMWRITE_PNG_STRATEGY, strategy)


OURS = "PNG, as Patina writes it"
FORMS = {
    OURS: Form(png_bytes, opencv(".png").decode),
    "PNG 1, default": png(1, cv2.IMWRITE_PNG_STRATEGY_DEFAULT),
    "PNG 1, run lengths": png(1, cv2.IMWRITE_PNG_STRATEGY_RLE),
    "PNG 1, Huffman only": png(1, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY),
    "PNG 3, filtered": png(3, cv2.IMWRITE_PNG_STRATEGY_FILTERED),
    "PNG 6, filtered": png(6, cv2.IMWRITE_PNG_STRATEGY_FILTERED),
    "WebP, lossless": opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "TIFF, LZW": opencv(".tif", cv2.IMWRITE_TIFF_COMPRESSION, 5),
    "TIFF, deflate": opencv(".tif", cv2.IMWRITE_TIFF_COMPRESSION, 8),
    "QOI": Form(
        lambda image: imagecodecs.qoi_encode(np.ascontiguousarray(image)), imagecodecs.qoi_decode
    ),
    "JPEG XL 1, lossless": Form(
        lambda image: imagecodecs.jpegxl_encode(image, lossless=True, effort=1, numthreads=1),
        imagecodecs.jpegxl_decode,
    ),
}


def main() -> None:
    """Measure the formats and print the tables."""
    cv2.setNumThreads(1)
    files = [Path(name) for name in sys.argv[1:]]
    clean = [load_srgb(file, long_side_px=LONG_PX) for file in files] or [
        cv2.resize(paint(number)[0], (LONG_PX, LONG_PX * 3 // 4)) for number in range(PAINTED)
    ]
    noise = DEGRADATIONS["gaussian_noise"]
    twins = [
        to_uint8(noise(to_float(image), np.random.default_rng(number), severity=0.3)[0])
        for number, image in enumerate(clean)
    ]
    for name, pictures in (("clean works", clean), ("noisy twins", twins)):
        Console(width=110).print(compared(name, pictures))


def compared(name: str, pictures: list[np.ndarray]) -> Table:
    """A table with a line for each format, and ratios to OURS."""
    megapixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures) / 1e6
    found = {form: measured(FORMS[form], pictures) for form in FORMS}
    table = Table(name, "bytes a pixel", "encode MP/s", "decode MP/s", "size", "time", title=name)
    for form, (size, encoding, decoding) in found.items():
        ours = found[OURS]
        table.add_row(
            form,
            f"{size / megapixels / 1e6:.2f}",
            f"{megapixels / encoding:.1f}",
            f"{megapixels / decoding:.1f}",
            f"{size / ours[0]:.2f}",
            f"{(encoding + decoding) / (ours[1] + ours[2]):.2f}",
        )
    return table


def measured(form: Form, pictures: list[np.ndarray]) -> tuple[int, float, float]:
    """Bytes, and the seconds to encode and decode all pictures; the fastest of three runs.

    Raises AssertionError if the format is not lossless.
    """
    best = [np.inf, np.inf]
    for _ in range(3):
        started = time.perf_counter()
        encoded = [form.encode(picture) for picture in pictures]
        between = time.perf_counter()
        decoded = [form.decode(data) for data in encoded]
        spent = (between - started, time.perf_counter() - between)
        best = [min(pair) for pair in zip(best, spent, strict=True)]
    for picture, again in zip(pictures, decoded, strict=True):
        np.testing.assert_array_equal(picture, again)
    return sum(map(len, encoded)), *best


if __name__ == "__main__":
    main()
