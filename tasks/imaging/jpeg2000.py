"""JPEG 2000, which libvips' wheel cannot read: pixels by OpenJPEG, the metadata from the boxes.

A bare codestream has no boxes. Source: ISO/IEC 15444-1, Annex I; the `uuid` box of XMP: ISO
16684-1; that of EXIF: ExifTool's documentation of the tags of JPEG 2000.
"""

import struct
from collections.abc import Iterator

import numpy as np
import pyvips

UUIDS = {
    bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC"): "xmp-data",
    b"JpgTiffExif->JP2": "exif-data",
}
RESTRICTED, ANY = b"\2", b"\3"  # methods of a `colr` box that holds an ICC profile
ICC_HEAD = 128  # bytes, of which the first four tell the size
SIZE = b"\xff\x4f\xff\x51"  # markers with which a codestream begins
DEPTH_AT = 42  # bytes from there


def decoded(file: bytes) -> pyvips.Image:
    """The image with its profile, resolution, EXIF and XMP. Raises ValueError when it is none."""
    import imagecodecs

    data = bytearray(file)
    try:
        pixels = imagecodecs.jpeg2k_decode(_as_stored(data))
    except imagecodecs.Jpeg2kError as error:
        raise ValueError(str(error)) from error
    full, bits = np.iinfo(pixels.dtype), _bits(file)
    if bits < full.bits:  # as they would be in a file of full depth
        share = full.max / (2**bits - 1)
        pixels = np.rint(pixels * np.float64(share)).astype(pixels.dtype)
    deep = pixels.dtype == np.uint16
    grey = pixels.ndim == 2
    space = ("grey16" if deep else "b-w") if grey else ("rgb16" if deep else "srgb")
    image = pyvips.Image.new_from_array(pixels).copy(interpretation=space)
    image.set_type(pyvips.GValue.gint_type, "bits-per-sample", bits)
    for kind, content in boxes(memoryview(data)):
        if kind == b"jp2h":
            image = _described(image, content)
        elif kind == b"uuid" and (name := UUIDS.get(bytes(content[:16]))):
            image.set_type(pyvips.GValue.blob_type, name, bytes(content[16:]))
    return image


def size_of(file: bytes) -> tuple[int, int, int, int]:
    """Width, height, components and bits of a sample, as claimed; nothing is decoded for it.

    Raises ValueError when there is no codestream.
    """
    at = file.find(SIZE)
    if at < 0 or len(file) < at + DEPTH_AT + 1:
        raise ValueError("there is no codestream in it")
    right, bottom, left, top = struct.unpack_from(">4I", file, at + 8)
    [components] = struct.unpack_from(">H", file, at + 40)
    return right - left, bottom - top, components, (file[at + DEPTH_AT] & 0x7F) + 1


def _bits(file: bytes) -> int:
    """Of a sample of the first component."""
    at = file.find(SIZE) + DEPTH_AT
    return (file[at] & 0x7F) + 1 if at < len(file) else 16


def _as_stored(data: bytearray) -> bytearray:
    """Have the decoder leave the pixels in their own space: it converts what is RESTRICTED."""
    for kind, header in boxes(memoryview(data)):
        for part, colour in boxes(header) if kind == b"jp2h" else ():
            if part == b"colr" and colour[:1] == RESTRICTED:
                colour[:1] = ANY
    return data


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and content of each box, up to the first whose size cannot be."""
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
    """With what the header box says."""
    found = dict(reversed([*boxes(header)]))  # of several, the first
    for kind, content in boxes(header):
        if kind == b"colr" and (profile := icc_of(content)):
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
            break
    sizes = dict(boxes(found.get(b"res ", memoryview(b""))))
    for kind in (b"resc", b"resd"):  # as captured, as to be displayed
        if per_mm := _per_mm(sizes.get(kind, memoryview(b""))):
            return image.copy(xres=per_mm[0], yres=per_mm[1])
    return image


def icc_of(colour: memoryview) -> bytes:
    """The ICC profile of a `colr` box, restricted or any; empty if it has none that is whole."""
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
