"""JPEG 2000 gives the same arrays as imagecodecs, which wraps a newer OpenJPEG."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from test_scans import box

from patina.codestream import UnreadFormError, codestream_in, of_full_depth
from patina.codestream import decoded as samples_of
from patina.crawler.verify import examine
from patina.tasks.imaging.images import load_srgb
from patina.tasks.imaging.jpeg2000 import boxes, decoded

ROWS, COLUMNS = 120, 90
SRGB, YCC = 16, 18  # numbers of colour spaces
SIZ_AT = 42  # of a codestream, where its channels begin: bits, step across, step down


def noise(dtype: type, channels: int) -> np.ndarray:
    shape = (ROWS, COLUMNS, channels)[: 2 if channels == 1 else 3]
    return np.random.default_rng(channels).integers(0, np.iinfo(dtype).max, shape, dtype)


def encoded(pixels: np.ndarray, codec: str = "jp2", **options: object) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat=codec, mct=False, **options)
    )


def in_space(data: bytes, number: int) -> bytes:
    """The file with another colour space in its header."""
    colour = next(i for i in range(len(data)) if data[i : i + 5] == b"colr\1")
    return data[: colour + 7] + number.to_bytes(4) + data[colour + 11 :]


def with_siz(data: bytes, *changes: tuple[int, bytes]) -> bytes:
    """The codestream with other bytes at places of its header."""
    changed, start = bytearray(data), data.index(b"\xff\x4f\xff\x51")
    for at, content in changes:
        changed[start + at : start + at + len(content)] = content
    return bytes(changed)


@pytest.mark.parametrize("codec", ["jp2", "j2k"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_each_form_of_jpeg_2000_is_read_accepted_by_the_crawl_and_preprocessed(
    dtype: type, channels: int, codec: str, tmp_path: Path
) -> None:
    pixels = noise(dtype, channels)
    data = encoded(pixels, codec)
    np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(data), pixels)
    image = decoded(data)
    np.testing.assert_array_equal(image.numpy(), pixels)
    assert image.hasalpha() == (channels in (2, 4))
    path = tmp_path / "scan.jp2"
    path.write_bytes(data)
    assert examine(path) == (".jp2", COLUMNS, ROWS, "")
    assert load_srgb(path).shape == (ROWS, COLUMNS, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ycc_is_converted_to_rgb(dtype: type) -> None:
    data = in_space(encoded(noise(dtype, 3)), YCC)
    np.testing.assert_array_equal(decoded(data).numpy(), imagecodecs.jpeg2k_decode(data))


def test_palette_indices_are_converted_to_colours() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 250, (ROWS, COLUMNS), dtype=np.uint8)
    colours = rng.integers(0, 256, (200, 3), dtype=np.uint8)
    palette = box(b"pclr", struct.pack(">HB3B", 200, 3, 7, 7, 7) + colours.tobytes())
    mapped = box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, column) for column in range(3)))
    parts = []
    for kind, content in boxes(memoryview(in_space(encoded(numbers), SRGB))):
        more = palette + mapped if kind == b"jp2h" else b""
        parts.append(box(kind, bytes(content) + more))
    image = decoded(b"".join(parts))
    np.testing.assert_array_equal(image.numpy(), colours[np.minimum(numbers, 199)])
    np.testing.assert_array_equal(image.numpy(), imagecodecs.jpeg2k_decode(b"".join(parts)))
    broken = b"".join(parts).replace(palette[:12], palette[:8] + b"\xff\xff\3\7")
    with pytest.raises(ValueError, match="palette is damaged"):
        decoded(broken)


def test_a_scan_of_ten_bits_is_not_taken_for_a_truncated_file(tmp_path: Path) -> None:
    pixels = noise(np.uint16, 3) >> 6
    path = tmp_path / "scan.jp2"
    path.write_bytes(encoded(pixels, bitspersample=10))
    assert examine(path).fault == ""
    full = of_full_depth(samples_of(path.read_bytes()), 10)
    assert (full.min(), full.max()) == (0, 65535)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ([(SIZ_AT + 3, b"\4")], "different bit depths"),
        ([(SIZ_AT + 3 * i, b"\x87") for i in range(3)], "signed, or have more than 16 bits"),
        ([(SIZ_AT + 3 * i, b"\x13") for i in range(3)], "signed, or have more than 16 bits"),
        ([(SIZ_AT + 1, b"\2")], "chroma subsampling"),
        ([(SIZ_AT + 4, b"\2\2"), (SIZ_AT + 7, b"\2\2"), (16, b"\0\0\0\1")], "chroma subsampling"),
        ([(8, struct.pack(">4I", 60_100, 120, 60_010, 0))], "the offset of its image"),
        ([(40, struct.pack(">H", 251))], "251 channels"),
    ],
)
def test_an_unsupported_form_is_refused_before_it_is_decoded(
    changes: list[tuple[int, bytes]], fault: str, tmp_path: Path
) -> None:
    data = with_siz(encoded(noise(np.uint8, 3)), *changes)
    with pytest.raises(UnreadFormError, match=fault):
        samples_of(data)
    path = tmp_path / "scan.jp2"
    path.write_bytes(data)
    assert examine(path).fault.startswith("JPEG 2000 of an unsupported form: ")


def test_a_broken_file_is_refused_or_read_as_by_imagecodecs() -> None:
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(ROWS), np.arange(COLUMNS)).astype(np.uint8)
    sound = [
        encoded(pixels, codec)
        for pixels in (ramp, noise(np.uint16, 3)[:64, :64].copy())
        for codec in CODECS
    ]
    read = 0
    for number in range(100):
        data = bytearray(sound[number % 4])
        if number % 8 < 4:
            del data[int(rng.integers(20, len(data))) :]
        for at in rng.integers(0, len(data), 4):
            data[at] = rng.integers(256)
        try:
            found = codestream_in(io.BytesIO(data))
            assert found.width * found.height < 1e8
            pixels = samples_of(bytes(data))
            expected = imagecodecs.jpeg2k_decode(bytes(data))
        except (AssertionError, ValueError, imagecodecs.Jpeg2kError):
            continue
        np.testing.assert_array_equal(pixels, expected)
        read += 1
    assert read > 10


CODECS = ("jp2", "j2k")
