"""JPEG 2000 codestreams: found in their files, measured, and decoded by OpenJPEG.

OpenJPEG is given the codestream alone, never the boxes around it: a palette among them would have
it write more channels than the array has room for that it is given to fill.
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
STRIP_SAMPLES = 2**20  # converted at a time
MOST_BOXES = 1000  # before the image; files have a handful
COARSE = {(2, 1), (2, 2)}  # steps of the chroma that OpenJPEG's wrapper knows


Pixels = NDArray[np.uint8 | np.uint16]


class UnreadFormError(ValueError):
    """It may be sound, but holds numbers or channels of a form that is not read."""


class Channel(NamedTuple):
    bits: int  # of a sample
    signed: bool
    step: tuple[int, int]  # pixels from one sample to the next, across and down


class Codestream(NamedTuple):
    """What its header claims."""

    at: int  # where it begins in the file, bytes
    width: int
    height: int
    channels: int
    first: tuple[Channel, ...]  # of the channels, at most five
    left: int  # of the corner of the image on the grid
    top: int

    @property
    def coarse(self) -> bool:
        """Whether two of three channels are sampled more coarsely: they can only be chroma."""
        steps = [channel.step for channel in self.first]
        return (
            len(steps) == 3 and steps[0] == (1, 1) and steps[1] == steps[2] and steps[1] in COARSE
        )


def codestream_in(file: BinaryIO) -> Codestream:
    """The first codestream of a file, found box by box; nothing is decoded for it.

    Bytes that only look like one may stand in any box before it.
    Raises ValueError when there is none.
    """
    file.seek(0)
    if file.read(12) == SIGNATURE:
        _go_to_codestream(file)
    else:
        file.seek(0)
    at = file.tell()
    head = file.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or not head.startswith(MARKERS):
        raise ValueError("it holds no image")
    right, bottom, left, top = struct.unpack_from(">4I", head, 8)
    [channels] = struct.unpack_from(">H", head, 40)
    facts = file.read(3 * min(channels, 5))
    if right <= left or bottom <= top or not channels or len(facts) < 3 * min(channels, 5):
        raise ValueError("it holds no image")
    first = tuple(
        Channel((facts[i] & 0x7F) + 1, facts[i] > 0x7F, (facts[i + 1], facts[i + 2]))
        for i in range(0, len(facts), 3)
    )
    return Codestream(at, right - left, bottom - top, channels, first, left, top)


def _go_to_codestream(file: BinaryIO) -> None:
    """Move on, from the end of a box, to the content of the first that holds a codestream."""
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
    raise ValueError("it holds no image")


def decoded(file: bytes) -> Pixels:
    """The samples as stored, (height, width) or (height, width, channels); no palette is applied.

    Of three channels of which two are sampled more coarsely, which can only be YCbCr, OpenJPEG
    makes RGB.
    Raises UnreadFormError, before anything is decoded, and ValueError when it cannot be decoded.
    """
    found = codestream_in(io.BytesIO(file))
    _refuse_form(found)
    from openjpeg import decode

    try:
        flat = decode(file[found.at :], j2k_format=0, reshape=False)
    except (RuntimeError, MemoryError) as error:
        raise ValueError(str(error) or "it cannot be decoded") from error
    samples = flat.view("<u2" if found.first[0].bits > 8 else np.uint8)
    # Where the corner is not at 0, 0 there is room for more than the image
    pixels = samples[: found.width * found.height * found.channels]
    shape = (found.height, found.width, found.channels)
    return pixels.reshape(shape[:2] if found.channels == 1 else shape)


def _refuse_form(found: Codestream) -> None:
    """Raises UnreadFormError for what OpenJPEG would give in another form than is read here."""
    first = found.first[0]
    if found.channels > 4:
        raise UnreadFormError(f"it has {found.channels} channels, and at most 4 are read")
    if len({(channel.bits, channel.signed) for channel in found.first}) > 1:
        raise UnreadFormError("its channels differ in depth")
    if first.signed or first.bits > 16:
        raise UnreadFormError("its samples are not numbers from 0 of up to 16 bit")
    # OpenJPEG reads chroma beyond its end where the corner of the image is not at 0, 0
    alike = {channel.step for channel in found.first} == {(1, 1)}
    if not (alike or (found.coarse and not (found.left or found.top))):
        raise UnreadFormError("its channels are sampled in a way that is not read")
    if found.left > found.width or found.top > found.height:
        raise UnreadFormError("its image lies far from the corner of its grid")


def of_full_depth(pixels: Pixels, bits: int) -> Pixels:
    """Samples of `bits` as they would be in a file of 8 or 16 bit."""
    full = np.iinfo(pixels.dtype)
    share = np.float64(full.max / (2**bits - 1))
    if bits == full.bits:
        return pixels
    return by_strips(lambda strip: np.rint(strip * share).astype(pixels.dtype), pixels)


def by_strips(change: Callable[[Pixels], Pixels], pixels: Pixels) -> Pixels:
    """The rows changed a few at a time, so that only the result is held as a whole."""
    step = max(1, STRIP_SAMPLES // pixels[0].size)
    strips = [change(pixels[top : top + step]) for top in range(0, len(pixels), step)]
    return np.concatenate(strips)
