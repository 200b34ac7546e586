"""JPEG 2000 codestreams: found in their files, measured, and decoded by OpenJPEG.

OpenJPEG gets the codestream only, without the boxes around it: with a palette in a box, it would
write more channels than its output array has.
Source: ISO/IEC 15444-1, Annexes A and I.
"""

import io
import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
MARKERS = b"\xff\x4f\xff\x51"  # SOC and SIZ
HEAD_BYTES = 42  # SOC, SIZ, length, capabilities, the corners, tiles, number of channels
STRIP_SAMPLES = 2**20  # number of samples that are converted at a time
MOST_BOXES = 1000  # maximum number of boxes before the image; usual files have a few
COARSE = {(2, 1), (2, 2)}  # chroma subsampling that OpenJPEG's wrapper supports


Pixels = NDArray[np.uint8 | np.uint16]


class UnreadFormError(ValueError):
    """The file may be valid, but the form of its samples or channels is not supported."""


class Channel(NamedTuple):
    """One channel of the image."""

    bits: int  # of a sample
    signed: bool
    step: tuple[int, int]  # pixels from one sample to the next, across and down


class Codestream(NamedTuple):
    """The header of a codestream."""

    at: int  # its place in the file, in bytes
    width: int  # pixels
    height: int  # pixels
    channels: int
    first: tuple[Channel, ...]  # the first channels, at most five
    left: int  # column of the image's corner on the grid
    top: int  # row of the image's corner on the grid

    @property
    def coarse(self) -> bool:
        """Whether two of three channels are subsampled; then they must be chroma."""
        steps = [channel.step for channel in self.first]
        return (
            len(steps) == 3 and steps[0] == (1, 1) and steps[1] == steps[2] and steps[1] in COARSE
        )


def codestream_in(file: BinaryIO) -> Codestream:
    """The header of the first codestream of a file; nothing is decoded.

    The boxes are followed, because any box may contain bytes that only look like a codestream.
    Raises ValueError if there is none.
    """
    file.seek(0)
    if file.read(12) == SIGNATURE:
        _go_to_codestream(file)
    else:
        file.seek(0)
    at = file.tell()
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or not head.startswith(MARKERS):
        raise ValueError("it contains no image")
    right, bottom, left, top = struct.unpack_from(">4I", head, 8)
    [channels] = struct.unpack_from(">H", head, 40)
    facts = file.read(3 * min(channels, 5))
    if right <= left or bottom <= top or not channels or len(facts) < 3 * min(channels, 5):
        raise ValueError("it contains no image")
    first = tuple(
        Channel((facts[i] & 0x7F) + 1, facts[i] > 0x7F, (facts[i + 1], facts[i + 2]))
        for i in range(0, len(facts), 3)
    )
    return Codestream(at, right - left, bottom - top, channels, first, left, top)


def _go_to_codestream(file: BinaryIO) -> None:
    """Move from the end of a box to the content of the first box with a codestream."""
    for _ in range(MOST_BOXES):
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        read = 8
        if length == 1:  # the length follows, in 64 bit
            length, read = int.from_bytes(file.read(8)), 16
        if kind == b"jp2c":
            return
        if not read <= length < 2**62:  # 0: the box lasts to the end of the file
            break
        file.seek(length - read, 1)
    raise ValueError("it contains no image")


def decoded(file: bytes) -> Pixels:
    """The samples as stored, (height, width) or (height, width, channels), without any palette.

    OpenJPEG converts subsampled YCbCr to RGB.
    Raises UnreadFormError, before anything is decoded, if the form is not supported; ValueError if
    it cannot be decoded.
    """
    found = codestream_in(io.BytesIO(file))
    _refuse_form(found)
    from openjpeg import decode

    try:
        flat = decode(file[found.at :], j2k_format=0, reshape=False)
    except (RuntimeError, MemoryError) as error:
        raise ValueError(str(error) or "it cannot be decoded") from error
    samples = flat.view("<u2" if found.first[0].bits > 8 else np.uint8)
    # If the corner is not at (0, 0), the array is larger than the image
    pixels = samples[: found.width * found.height * found.channels]
    shape = (found.height, found.width, found.channels)
    return pixels.reshape(shape[:2] if found.channels == 1 else shape)


def _refuse_form(found: Codestream) -> None:
    """Raise UnreadFormError if OpenJPEG would return samples in an unexpected form."""
    first = found.first[0]
    if found.channels > 4:
        raise UnreadFormError(f"it has {found.channels} channels; at most 4 are supported")
    if len({(channel.bits, channel.signed) for channel in found.first}) > 1:
        raise UnreadFormError("its channels have different bit depths")
    if first.signed or first.bits > 16:
        raise UnreadFormError("its samples are signed, or have more than 16 bits")
    # OpenJPEG reads beyond the end of chroma if the image's corner is not at (0, 0)
    alike = {channel.step for channel in found.first} == {(1, 1)}
    if not (alike or (found.coarse and not (found.left or found.top))):
        raise UnreadFormError("its chroma subsampling is not supported")
    if found.left > found.width or found.top > found.height:
        raise UnreadFormError("the offset of its image is too large")


def of_full_depth(pixels: Pixels, bits: int) -> Pixels:
    """Samples of `bits` bits, scaled to the full range of 8 or 16 bits."""
    full = np.iinfo(pixels.dtype)
    share = np.float64(full.max / (2**bits - 1))
    if bits == full.bits:
        return pixels
    return by_strips(lambda strip: np.rint(strip * share).astype(pixels.dtype), pixels)


def by_strips(change: Callable[[Pixels], Pixels], pixels: Pixels) -> Pixels:
    """Apply `change` to a few rows at a time, which needs less memory."""
    step = max(1, STRIP_SAMPLES // pixels[0].size)
    strips = [change(pixels[top : top + step]) for top in range(0, len(pixels), step)]
    return np.concatenate(strips)
