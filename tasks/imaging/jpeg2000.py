"""JPEG 2000, which libvips' wheel cannot read: OpenJPEG decodes it, Patina reads the metadata
boxes.

A bare codestream has no boxes. Source: ISO/IEC 15444-1, Annex I; the `uuid` box of XMP: ISO
16684-1; that of EXIF: ExifTool's documentation of the tags of JPEG 2000.
"""

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyvips

from patina import codestream
from patina.codestream import Pixels, UnreadFormError, by_strips, codestream_in, of_full_depth

UUIDS = {
    bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"): "xmp-data",
    b"JpgTiffExif->JP2": "exif-data",
}
NAMED, RESTRICTED, ANY = b"\1", b"\2", b"\3"  # methods of `colr`: a number, two for ICC profiles
YCC = 18  # the number of sYCC
ICC_HEAD = 128  # size of an ICC header in bytes; its first four are the size of the profile


def decoded(file: bytes) -> pyvips.Image:
    """The image with its profile, resolution, EXIF and XMP.

    Raises ValueError if `file` cannot be decoded.
    """
    found = codestream_in(io.BytesIO(file))
    pixels, bits = codestream.decoded(file), found.first[0].bits
    data = memoryview(file)
    header = next((content for kind, content in boxes(data) if kind == b"jp2h"), data[:0])
    if palette := palette_of(header):
        if pixels.ndim == 3:
            raise UnreadFormError("it has a palette and several channels, which is not supported")
        pixels = by_strips(lambda strip: coloured(strip, palette.table), pixels)
        bits = palette.bits
    elif enumerated_space(header) == YCC and found.channels >= 3 and not found.coarse:
        pixels = by_strips(lambda strip: rgb_of_ycc(strip, bits), pixels)
    pixels = of_full_depth(pixels, bits)
    deep = pixels.dtype == np.uint16
    grey = pixels.ndim == 2 or pixels.shape[2] == 2
    space = ("grey16" if deep else "b-w") if grey else ("rgb16" if deep else "srgb")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation=space)
    image.set_type(pyvips.GValue.gint_type, "bits-per-sample", bits)
    image = _described(image, header)
    for kind, content in boxes(data):
        if kind == b"uuid" and (name := UUIDS.get(bytes(content[:16]))):
            image.set_type(pyvips.GValue.blob_type, name, bytes(content[16:]))
    return image


class Palette(NamedTuple):
    """The colours of a palette image."""

    table: Pixels  # (entries, channels)
    bits: int  # of a sample


def palette_of(header: memoryview) -> Palette | None:
    """The palette in the header box, if there is one.

    Raises ValueError if it is damaged, or has a form that no scan has.
    """
    found = dict(reversed([*boxes(header)]))
    if b"pclr" not in found:
        return None
    content, mapped = found[b"pclr"], found.get(b"cmap", header[:0])
    if len(content) < 4 or len(content) < 3 + content[2]:
        raise ValueError("its palette is damaged")
    entries, columns = struct.unpack_from(">HB", content)
    depths = {*content[3 : 3 + columns]}
    order = [mapped[at + 3] for at in range(0, len(mapped) - 3, 4) if mapped[at + 2] == 1]
    bits = max(depths, default=0) + 1
    if len(depths) != 1 or bits > 16 or 4 * len(order) != len(mapped) or len(order) > 4:
        raise UnreadFormError("the form of its palette is not supported")
    dtype = np.dtype(">u2" if bits > 8 else "u1")
    listed = np.frombuffer(content, dtype, offset=3 + columns)
    if not order or max(order) >= columns or listed.size < entries * columns or not entries:
        raise ValueError("its palette is damaged")
    table = listed[: entries * columns].reshape(entries, columns)[:, order]
    return Palette(table.astype(dtype.newbyteorder("=")), bits)


def coloured(numbers: Pixels, table: Pixels) -> Pixels:
    """Colours of palette indices, (rows, width) -> (rows, width, channels); too large: the last."""
    return table[np.minimum(numbers, len(table) - 1)]


def rgb_of_ycc(pixels: Pixels, bits: int) -> Pixels:
    """(rows, width, channels) of sYCC as RGB; a fourth channel stays. Source: IEC 61966-2-1, G."""
    numbers = pixels[..., :3].astype(np.float64)
    luma = numbers[..., 0]
    blue, red = np.moveaxis(numbers[..., 1:] - 2 ** (bits - 1), 2, 0)
    # Truncated, as OpenJPEG does it for subsampled chroma
    parts = (
        luma + np.trunc(1.402 * red),
        luma - np.trunc(0.344 * blue + 0.714 * red),
        luma + np.trunc(1.772 * blue),
    )
    rgb = np.clip(np.stack(parts, 2), 0, 2**bits - 1).astype(pixels.dtype)
    return np.concatenate([rgb, pixels[..., 3:]], 2)


def enumerated_space(header: memoryview) -> int:
    """The number of the colour space in the first `colr` box; 0 if there is none."""
    colour = next((content for kind, content in boxes(header) if kind == b"colr"), header[:0])
    named = len(colour) >= 7 and colour[:1] == NAMED
    return int.from_bytes(colour[3:7]) if named else 0


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each box, up to the first with an impossible size."""
    while len(data) >= 8:
        size, kind = struct.unpack_from(">I4s", data)
        head = 16 if size == 1 else 8
        if size == 1 and len(data) >= 16:
            [size] = struct.unpack_from(">Q", data, 8)
        elif size == 0:  # to the end
            size = len(data)
        if not head <= size <= len(data):
            return
        yield kind, data[head:size]
        data = data[size:]


def _described(image: pyvips.Image, header: memoryview) -> pyvips.Image:
    """The image with the ICC profile and resolution of the header box."""
    found = dict(reversed([*boxes(header)]))  # the first of several boxes of a kind
    for kind, content in boxes(header):
        if kind == b"colr" and (profile := icc_of(content)):
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
            break
    sizes = dict(boxes(found.get(b"res ", memoryview(b""))))
    for kind in (b"resc", b"resd"):  # the resolution of the capture, else that of the display
        if per_mm := _per_mm(sizes.get(kind, memoryview(b""))):
            return image.copy(xres=per_mm[0], yres=per_mm[1])
    return image


def icc_of(colour: memoryview) -> bytes:
    """The ICC profile of a `colr` box (restricted or any); empty if it is missing or truncated."""
    if (
        len(colour) < 3 + ICC_HEAD
        or colour[:1] not in (RESTRICTED, ANY)
        or colour[39:43] != b"acsp"
    ):
        return b""
    [size] = struct.unpack_from(">I", colour, 3)
    return bytes(colour[3 : 3 + size]) if ICC_HEAD < size <= len(colour) - 3 else b""


def _per_mm(resolution: memoryview) -> tuple[float, float] | None:
    """Columns and rows a millimetre of a `resc` or `resd` box."""
    if len(resolution) != 10:
        return None
    up, down, across, by, up_ten, across_ten = struct.unpack(">4H2b", resolution)
    if not (up and down and across and by):
        return None
    return across / by * 10.0**across_ten / 1000, up / down * 10.0**up_ten / 1000
