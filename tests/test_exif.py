"""EXIF and ordinary tags are copied to TIFFs; another library than the writing one reads them
here.
"""

import struct
from pathlib import Path
from typing import Any, Literal

import pytest
import pyvips
import tifffile
from test_scans import HEIGHT, WIDTH, mutated, painted, refiled

from patina.tasks.imaging.exif import tags_of, write_into

TAKEN = "2001:02:03 04:05:06"
GIVEN = {  # under libvips' names
    "exif-ifd0-Artist": "A. Conservator",
    "exif-ifd0-Copyright": "A museum",
    "exif-ifd0-Make": "A maker",
    "exif-ifd2-DateTimeOriginal": TAKEN,
    "exif-ifd2-ExposureTime": "1/60",
    "exif-ifd3-GPSAltitude": "35/1",
}
ORDINARY = {
    "DocumentName": (269, "Box 3, sheet 2"),
    "ImageDescription": (270, "A landscape"),
    "Make": (271, "A maker"),
    "Model": (272, "M"),
    "DateTime": (306, TAKEN),
    "Artist": (315, "A. Conservator"),
    "Copyright": (33432, "A museum"),
}


def with_exif(image: pyvips.Image) -> pyvips.Image:
    """The image with the tags GIVEN."""
    tagged = image.copy()
    for name, value in GIVEN.items():
        tagged.set_type(pyvips.GValue.gstr_type, name, value)
    return tagged


IPTC = b"\x1c\x02\x50\x00\x0eA. Conservator"
# Of Photoshop, as Adobe's programs write them into JPEGs
RESOURCES = b"8BIM\x03\xed\x04Name\0" + struct.pack(">I", 3) + b"abc\0"
RESOURCES += b"8BIM\4\4\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0"


def with_iptc(image: pyvips.Image) -> pyvips.Image:
    """The image with IPTC in the form of a JPEG."""
    tagged = image.copy()
    block = b"Photoshop 3.0\0" + RESOURCES
    tagged.set_type(pyvips.GValue.blob_type, "iptc-data", block)
    return tagged


def tags(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as file:
        return {tag.name: tag.value for tag in file.pages[0].tags}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("again", [False, True])
def test_exif_is_copied_to_a_tiff_and_kept_by_a_second_restoration(
    suffix: str, again: bool, tmp_path: Path
) -> None:
    source = tmp_path / f"a.{suffix}"
    with_exif(painted()).write_to_file(str(source))
    _, after, _ = refiled(source, tmp_path / "out.tif", 0.0)
    if again:
        (tmp_path / "again").mkdir()
        refiled(tmp_path / "out.tif", tmp_path / "again/out.tif", 0.0)
    found = tags(tmp_path / ("again/out.tif" if again else "out.tif"))
    assert (found["Artist"], found["Copyright"]) == ("A. Conservator", "A museum")
    assert found["ExifTag"]["DateTimeOriginal"] == TAKEN
    assert found["ExifTag"]["ExposureTime"] == (1, 60)
    assert found["GPSTag"]["GPSAltitude"] == (35, 1)
    assert after.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_ordinary_tags_of_a_tiff_are_kept(
    byteorder: Literal["<", ">"], big: bool, tmp_path: Path
) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        painted(16).numpy(),
        byteorder=byteorder,
        bigtiff=big,
        photometric="rgb",
        metadata=None,
        extratags=[(tag, 2, 0, value, True) for tag, value in ORDINARY.values()],
    )
    _, after, _ = refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    found = tags(tmp_path / "out.tif")
    assert {name: found[name] for name in ORDINARY} == {n: v for n, (_, v) in ORDINARY.items()}
    assert (tifffile.imread(tmp_path / "out.tif") == after).all()


def test_tags_are_written_into_a_big_tiff_too(tmp_path: Path) -> None:
    with_exif(painted()).write_to_file(str(tmp_path / "a.jpg"))
    painted().write_to_file(str(tmp_path / "out.tif"), bigtiff=True)
    carried = tags_of(tmp_path / "a.jpg", pyvips.Image.new_from_file(str(tmp_path / "a.jpg")))
    write_into(tmp_path / "out.tif", carried)
    assert tags(tmp_path / "out.tif")["ExifTag"]["DateTimeOriginal"] == TAKEN
    again = pyvips.Image.new_from_file(str(tmp_path / "out.tif"), fail_on="error")
    assert tags_of(tmp_path / "out.tif", again).inner == carried.inner


def test_iptc_is_copied_completely_and_kept(tmp_path: Path) -> None:
    with_iptc(painted()).write_to_file(str(tmp_path / "a.jpg"))
    refiled(tmp_path / "a.jpg", tmp_path / "out.tif", 0.0)
    (tmp_path / "again").mkdir()
    refiled(tmp_path / "out.tif", tmp_path / "again/out.tif", 0.0)
    for result in (tmp_path / "out.tif", tmp_path / "again/out.tif"):
        found = tags(result)
        assert found["IPTCNAA"] == IPTC
        assert found["ImageResources"] == RESOURCES


@pytest.mark.parametrize("number", range(30))
def test_malformed_tags_are_left_out(number: int, tmp_path: Path) -> None:
    with_exif(painted()).write_to_file(str(tmp_path / "a.jpg"))
    image = pyvips.Image.new_from_file(str(tmp_path / "a.jpg")).copy()
    exif = image.get("exif-data").removeprefix(b"Exif\0\0")
    (tmp_path / "a.tif").write_bytes(exif[:2] + mutated(exif[2:], number))
    tags_of(tmp_path / "a.tif", image)
    broken = b"Photoshop 3.0\0" + mutated(RESOURCES + bytes(64), number)
    with_iptc(painted()).write_to_file(str(tmp_path / "b.jpg"))
    image.set_type(pyvips.GValue.blob_type, "iptc-data", broken)
    tags_of(tmp_path / "b.jpg", image)


def test_a_directory_that_claims_many_entries_is_read_quickly(tmp_path: Path) -> None:
    entry = struct.pack("<2H2I", 315, 2, 2**32 - 1, 8)
    bomb = (
        b"II*\0" + struct.pack("<IH", 8, 65535) + entry * 10 + struct.pack("<2H2I", 34665, 4, 1, 8)
    )
    (tmp_path / "a.tif").write_bytes(bomb)
    assert tags_of(tmp_path / "a.tif", painted()).own == {}
