"""Makes hostile and damaged files. Each function fills an inbox, and returns the right outcome.

The outcome is "set aside", "restored" (which includes unchanged works), or "either".
"""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvips

Make = Callable[[Path], str]
ROWS: dict[str, Make] = {}
ASIDE, DONE, EITHER = "set aside", "restored", "either"


def row(make: Make) -> Make:
    """Add a function to ROWS under its name."""
    ROWS[make.__name__] = make
    return make


def painted(side_px: int = 128) -> pyvips.Image:
    """An image of random pixels of medium brightness."""
    pixels = np.random.default_rng(0).integers(60, 200, (side_px, side_px, 3)).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    crc = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def flat_png(size: tuple[int, int], bits: int, colour: int, row_bytes: int) -> bytes:
    """A PNG of zeros. size: (width, height). bits, colour: depth and colour type of its header."""
    packer, block = zlib.compressobj(9), bytes(row_bytes + 1) * 100
    parts = [packer.compress(block) for _ in range(size[1] // 100)]
    parts += [packer.compress(bytes(row_bytes + 1) * (size[1] % 100)), packer.flush()]
    head = chunk(b"IHDR", struct.pack(">2I5B", *size, bits, colour, 0, 0, 0))
    body = chunk(b"IDAT", b"".join(parts))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def tiff(tags: list[tuple[int, int, int, bytes]], pixels: bytes, after: bytes = b"") -> bytes:
    """An RGB TIFF of 128 × 128 pixels. tags: number, type, count, value. after: bytes at its
    end.
    """
    pixels_at = 8 + 2 + 12 * (10 + len(tags)) + 4
    pixels_at += sum(len(value) for _, _, _, value in tags if len(value) > 4) + 6
    short, long = (lambda n: struct.pack("<H", n)), (lambda n: struct.pack("<I", n))
    own = [(256, 4, 1, long(128)), (257, 4, 1, long(128)), (258, 3, 3, short(8) * 3)]
    own += [(259, 3, 1, short(1)), (262, 3, 1, short(2)), (273, 4, 1, long(pixels_at))]
    own += [(277, 3, 1, short(3)), (278, 4, 1, long(128)), (279, 4, 1, long(len(pixels)))]
    own += [(284, 3, 1, short(1)), *tags]
    place, entries, values = 8 + 2 + 12 * len(own) + 4, b"", b""
    for tag, kind, count, value in sorted(own):
        inline = value.ljust(4, b"\0")
        if len(value) > 4:
            inline = long(place + len(values))
            values += value
        entries += struct.pack("<2HI", tag, kind, count) + inline
    head = b"II*\0" + long(8) + short(len(own)) + entries + bytes(4) + values
    return head.ljust(pixels_at, b"\0") + pixels + after


@row
def exif_of_4096_tags_on_one_megabyte(inbox: Path) -> str:
    """Many tags share one value, whose copies would fill the memory."""
    pixels, size = painted().numpy().tobytes(), 1 << 20
    at = len(tiff([(34665, 4, 1, bytes(4))], pixels))
    entries = b"".join(struct.pack("<2H2I", 40000 + n, 7, size, at) for n in range(4096))
    directory = struct.pack("<H", 4096) + entries + bytes(4)
    pointer = struct.pack("<I", at + size)
    tags = [(34665, 4, 1, pointer), (34853, 4, 1, pointer)]
    shifted = len(tiff(tags, pixels)) - at
    pointer = struct.pack("<I", at + shifted + size)
    content = tiff([(34665, 4, 1, pointer), (34853, 4, 1, pointer)], pixels)
    (inbox / "a.tif").write_bytes(content + bytes(size) + directory)
    return DONE


@row
def xmp_of_repeated_elements(inbox: Path) -> str:
    """A regular expression would search for the end of each element."""
    for number, part in enumerate((b"<a:History><r:Seq>", b"<a:DigitalSourceType>")):
        packet = b"<x:xmpmeta>" + part * 60_000 + b"</rdf:RDF></x:xmpmeta>"
        content = tiff([(700, 1, len(packet), packet)], painted().numpy().tobytes())
        (inbox / f"{number}.tif").write_bytes(content)
    return DONE


@row
def xmp_with_entities(inbox: Path) -> str:
    """Entities that expand to gigabytes ("billion laughs"), and one that names a system file."""
    laughs = b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    packet = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + laughs
        + b'<!ENTITY z SYSTEM "file:///etc/passwd">]>'
        b'<rdf:RDF xmlns:rdf="r">&m;&z;</rdf:RDF>'
    )
    content = tiff([(700, 1, len(packet), packet)], painted().numpy().tobytes())
    (inbox / "a.tif").write_bytes(content)
    return DONE


@row
def png_500_000_by_256(inbox: Path) -> str:
    """A very wide image of 128 megapixels."""
    (inbox / "a.png").write_bytes(flat_png((500_000, 256), 8, 2, 1_500_000))
    return ASIDE


@row
def png_60_000_by_60_000_of_one_bit(inbox: Path) -> str:
    """A small file that decodes to 3.6 gigapixels."""
    (inbox / "a.png").write_bytes(flat_png((60_000, 60_000), 1, 0, 7500))
    return ASIDE


@row
def jpeg_2000_of_20_000_by_20_000(inbox: Path) -> str:
    """A file of 1.5 kB whose header declares 400 megapixels."""
    import imagecodecs

    small = bytearray(imagecodecs.jpeg2k_encode(np.zeros((128, 128), np.uint8), level=0))
    at = small.find(b"\xff\x4f\xff\x51")
    struct.pack_into(">8I", small, at + 8, 20_000, 20_000, 0, 0, 20_000, 20_000, 0, 0)
    (inbox / "a.jp2").write_bytes(small)
    return ASIDE


@row
def other_kinds_under_the_name_of_a_tiff(inbox: Path) -> str:
    """SVG with a filter that takes minutes, PDF, PostScript, a matrix, and an image of libvips."""
    noise = (
        '<feTurbulence baseFrequency="0.05" numOctaves="200"/><feGaussianBlur stdDeviation="200"/>'
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="3000">'
        f'<filter id="f">{noise * 9}</filter>'
        '<rect width="100%" height="100%" filter="url(#f)"/></svg>'
    )
    (inbox / "svg.tif").write_text(svg)
    (inbox / "pdf.tif").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF")
    (inbox / "eps.tif").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\nshowpage\n")
    (inbox / "matrix.tif").write_text("3 3\n1 2 3\n4 5 6\n7 8 9\n")
    painted().write_to_file(str(inbox / "x.v"))
    (inbox / "x.v").rename(inbox / "vips.tif")
    return ASIDE


@row
def claims_of_a_million_pixels_a_side(inbox: Path) -> str:
    """Wrong sizes in the header, and a directory that names itself as the next one."""
    content = bytearray(tiff([], painted().numpy().tobytes()))
    looped = bytearray(content)
    for at in range(10, 10 + 12 * 2, 12):
        struct.pack_into("<I", content, at + 8, 1_000_000)
    (inbox / "a.tif").write_bytes(content)
    struct.pack_into("<I", looped, 10 + 12 * 10, 8)
    (inbox / "loop.tif").write_bytes(looped)
    return EITHER


@row
def broken_profiles(inbox: Path) -> str:
    """ICC profiles of zeros, of random bytes, incomplete, and for CMYK."""
    sound = pyvips.Operation.call("profile_load", "srgb")
    junk = np.random.default_rng(0).integers(0, 255, 900).astype(np.uint8).tobytes()
    other = pyvips.Operation.call("profile_load", "cmyk")[:60_000]
    for name, content in (
        ("zeros", bytes(300)),
        ("junk", junk),
        ("cut", sound[:300]),
        ("cmyk", other),
    ):
        plain, segment = painted().jpegsave_buffer(keep="none"), b"ICC_PROFILE\0\1\1" + content
        head = struct.pack(">2BH", 0xFF, 0xE2, len(segment) + 2)
        (inbox / f"{name}.jpg").write_bytes(plain[:2] + head + segment + plain[2:])
    return DONE


@row
def names_with_control_characters(inbox: Path) -> str:
    """Names that terminals, spreadsheets, markup or tables could interpret."""
    folder = inbox / "a["
    folder.mkdir()
    names = ("=cmd|'C'!A0.tif", "a\rb.tif", "a\x1b[2Jb.tif", "@SUM(1).tif", "a\u2028b.tif")
    for path in (folder / "x].tif", folder / "[bold]y.tif", *(inbox / name for name in names)):
        path.write_bytes(b"Dear museum")
    return ASIDE


@row
def special_files(inbox: Path) -> str:
    """A pipe, a device, a link to a missing file, and a link to itself."""
    import os

    os.mkfifo(inbox / "pipe.tif")
    (inbox / "nowhere.tif").symlink_to(inbox / "gone")
    (inbox / "itself.tif").symlink_to(inbox / "itself.tif")
    (inbox / "device.tif").symlink_to("/dev/zero")
    return ASIDE


@row
def grey_with_alpha_and_odd_bands(inbox: Path) -> str:
    """Forms that caused unexpected errors in the past."""
    import imagecodecs

    grey = np.full((64, 64, 2), 128, np.uint8)
    (inbox / "grey.jp2").write_bytes(imagecodecs.jpeg2k_encode(grey, level=0, codecformat="jp2"))
    five = np.full((64, 64, 5), 128, np.uint8)
    pyvips.Image.new_from_array(five).write_to_file(str(inbox / "five.tif"))
    return EITHER
