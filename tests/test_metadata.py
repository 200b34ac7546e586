"""Metadata are copied unchanged, or a note names what is lost."""

import hashlib
import struct
from pathlib import Path

import pytest
import pyvips
import tifffile
from test_colours import chunk, png_with
from test_exif import tags
from test_scans import painted, refiled

from patina.tasks.imaging import jpeg, webp
from patina.tasks.imaging.exif import tags_of
from patina.tasks.imaging.scans import opened
from patina.tasks.imaging.tiff import IN_ALL

ARTIST = "Zoë Müller".encode()
TITLE = "Grüße\0".encode("utf-16-le")


def exif_block() -> bytes:
    """A little-endian EXIF block with UTF-8 and UTF-16 text, a rating, and 300 dpi."""
    values = [
        (282, 5, 1, struct.pack("<2I", 300, 1)),
        (283, 5, 1, struct.pack("<2I", 300, 1)),
        (296, 3, 1, struct.pack("<H", 2)),
        (315, 2, len(ARTIST) + 1, ARTIST + b"\0"),
        (18246, 3, 1, struct.pack("<H", 4)),
        (40091, 1, len(TITLE), TITLE),
    ]
    place, entries, long = 8 + 2 + 12 * len(values) + 4, b"", b""
    for tag, kind, count, value in values:
        inline = value.ljust(4, b"\0")
        if len(value) > 4:
            inline = struct.pack("<I", place + len(long))
            long += value
        entries += struct.pack("<2HI", tag, kind, count) + inline
    head = b"II*\0" + struct.pack("<IH", 8, len(values))
    return head + entries + bytes(4) + long


def source_with_exif(suffix: str, folder: Path) -> Path:
    source = folder / f"a{suffix}"
    if suffix == ".png":
        source.write_bytes(png_with(chunk(b"eXIf", exif_block())))
    elif suffix == ".jpg":
        segment = b"Exif\0\0" + exif_block()
        plain = painted().jpegsave_buffer(keep="none")
        head = struct.pack(">2BH", 0xFF, 0xE1, len(segment) + 2) + segment
        source.write_bytes(plain[:2] + head + plain[2:])
    else:
        plain = painted().webpsave_buffer(keep="none", lossless=True)
        size = (painted().width, painted().height)
        source.write_bytes(webp.dressed(plain, size, {webp.EXIF: exif_block()}))
    return source


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_exif_is_copied_byte_for_byte_if_the_format_stays(suffix: str, tmp_path: Path) -> None:
    source = source_with_exif(suffix, tmp_path)
    refiled(source, tmp_path / f"out{suffix}", 0.0)
    assert exif_block() in (tmp_path / f"out{suffix}").read_bytes()
    again = pyvips.Image.new_from_file(str(tmp_path / f"out{suffix}"), fail_on="warning")
    assert again.get("exif-data").removeprefix(b"Exif\0\0") == exif_block()
    assert b"algorithmicallyEnhanced" in again.get("xmp-data")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_the_tags_that_windows_shows_and_the_resolution_are_copied_to_a_tiff(
    suffix: str, tmp_path: Path
) -> None:
    refiled(source_with_exif(suffix, tmp_path), tmp_path / "out.tif", 0.0)
    found = tags(tmp_path / "out.tif")
    assert found["XResolution"][0] / found["XResolution"][1] == pytest.approx(300)
    assert found["ResolutionUnit"] == 2
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages[0].tags
        assert bytes(page[40091].value) == TITLE
        assert page[18246].value == 4


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.webp"])
def test_no_resolution_is_invented(name: str, tmp_path: Path) -> None:
    source = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(source, painted().numpy(), photometric="rgb", metadata=None)
        with tifffile.TiffFile(source) as file:
            assert file.pages[0].tags["ResolutionUnit"].value == 1
    else:
        painted().write_to_file(str(source), keep="none")
    if name == "a.jpg":
        plain = painted().jpegsave_buffer(keep="none")
        at = plain.find(b"JFIF\0")
        if at >= 0:
            plain = plain[: at + 7] + b"\0\0\1\0\1" + plain[at + 12 :]
        source.write_bytes(plain)
    if name == "a.png":
        source.write_bytes(png_with())
    refiled(source, tmp_path / "out.tif", 0.0)
    found = tags(tmp_path / "out.tif")
    if name == "a.tif":
        assert found["ResolutionUnit"] == 1
    else:
        assert "XResolution" not in found
        assert "ResolutionUnit" not in found


def test_a_thumbnail_in_the_first_directory_is_not_taken_for_the_scan(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        small = painted().resize(0.1).numpy()
        file.write(small, photometric="rgb", subfiletype=1, metadata=None)
        file.write(painted().numpy(), photometric="rgb", metadata=None, description="whole")
    refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    assert pyvips.Image.new_from_file(str(tmp_path / "out.tif")).width == painted().width
    assert tags(tmp_path / "out.tif")["ImageDescription"] == "whole"
    with opened(tmp_path / "a.tif", tmp_path) as scan:
        assert scan.notes == ["only page 2 of 2 was restored"]


def test_a_note_names_the_metadata_that_a_tiff_loses(tmp_path: Path) -> None:
    extra = [(37724, 7, 4, b"abcd", True), (65000, 7, 4, b"abcd", True)]
    pixels = painted().numpy()
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", metadata=None, extratags=extra)
    with opened(tmp_path / "a.tif", tmp_path) as scan:
        assert scan.notes == ["not copied: Photoshop layers", "not copied: tags 65000"]


def test_many_tags_that_share_the_same_bytes_need_little_memory(tmp_path: Path) -> None:
    painted().write_to_file(str(tmp_path / "a.tif"))
    content = bytearray((tmp_path / "a.tif").read_bytes())
    large, place = 1 << 20, len(content)
    entries = b"".join(struct.pack("<2H2I", 50000 + n, 7, large, place) for n in range(900))
    directory = struct.pack("<H", 900) + entries + bytes(4)
    content += bytes(large)
    inner = len(content)
    content += directory
    [first] = struct.unpack_from("<I", content, 4)
    [number] = struct.unpack_from("<H", content, first)
    own = [bytes(content[first + 2 + 12 * n :][:12]) for n in range(number)]
    own.append(struct.pack("<2H2I", 34665, 4, 1, inner))
    struct.pack_into("<I", content, 4, len(content))
    own.sort(key=lambda entry: struct.unpack_from("<H", entry)[0])
    content += struct.pack("<H", len(own)) + b"".join(own) + bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    found = tags_of(tmp_path / "a.tif", painted())
    assert sum(len(value) for _, _, value in found.inner[34665].values()) <= IN_ALL
    assert "tags beyond 16 MiB in all" in found.left_out
    refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    assert (tmp_path / "out.tif").stat().st_size < 2 * IN_ALL


PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF></x:xmpmeta>'
)


def with_segments(*contents: bytes) -> bytes:
    plain = painted().jpegsave_buffer(keep="none")
    made = b"".join(struct.pack(">2BH", 0xFF, 0xE1, len(c) + 2) + c for c in contents)
    return plain[:2] + made + plain[2:]


def test_xmp_in_several_segments_of_a_jpeg_is_copied_completely(tmp_path: Path) -> None:
    dc = b'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    text = b"x" * 70_000
    part = b'<rdf:Description rdf:about="" dc:source="%s"/>' % text
    extended = PACKET.replace(b"<rdf:RDF ", b"<rdf:RDF " + dc + b" ") % part
    name = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper().encode()
    main = PACKET % (
        b'<rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        b'xmpNote:HasExtendedXMP="%s"/>' % name
    )
    halves = [(at, extended[at : at + 60_000]) for at in range(0, len(extended), 60_000)]
    segments = [
        jpeg.EXTENSION_HEAD + name + struct.pack(">2I", len(extended), at) + half
        for at, half in halves
    ]
    (tmp_path / "a.jpg").write_bytes(with_segments(jpeg.XMP_HEAD + main, *segments))
    refiled(tmp_path / "a.jpg", tmp_path / "out.tif", 0.0)
    packet = pyvips.Image.new_from_file(str(tmp_path / "out.tif")).get("xmp-data")
    assert text in packet
    assert b"HasExtendedXMP" not in packet
    (tmp_path / "b.jpg").write_bytes(with_segments(jpeg.XMP_HEAD + main, *segments[:1]))
    with opened(tmp_path / "b.jpg", tmp_path) as scan:
        assert scan.notes == ["not copied: the XMP in extension segments"]


def test_a_jpeg_with_segments_in_the_wrong_order_is_read_if_its_pixels_are_complete(
    tmp_path: Path,
) -> None:
    plain = painted().jpegsave_buffer(keep="none", Q=90)
    whole = pyvips.Image.jpegload_buffer(plain).numpy()
    table = plain.find(b"\xff\xdb")
    for number, odd in enumerate(
        (plain[:-2], plain[:table] + b"\0\1\2" + plain[table:], plain[:-2] + b"\xff\xff")
    ):
        (tmp_path / "a.jpg").write_bytes(odd)
        with opened(tmp_path / "a.jpg", tmp_path) as scan:
            assert (scan.rows(0, scan.height) == whole).all(), number
            assert "the file has an error" in " ".join(scan.notes), number
    for lacking in (plain[: len(plain) // 2], plain[: len(plain) // 2] + b"\xff\xd9"):
        (tmp_path / "a.jpg").write_bytes(lacking)
        with pytest.raises(ValueError, match=r"a\.jpg"), opened(tmp_path / "a.jpg", tmp_path):
            pass
