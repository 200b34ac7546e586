"""Scans of every form come out unchanged, except for the restoration."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import pyvips
import tifffile

from patina.tasks.imaging.exif import Tags, write_into
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.jpeg2000 import boxes, icc_of
from patina.tasks.imaging.scans import opened
from patina.tasks.imaging.xmp import SOURCE_TYPE, with_source_type

HEIGHT, WIDTH = 300, 210  # more than one strip of rows


def painted(bits: int = 8, bands: int = 3) -> pyvips.Image:
    """Soft colours that every gamut contains."""
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(rng.random((HEIGHT, WIDTH, bands)), (0, 0), 3).reshape(
        HEIGHT, WIDTH, bands
    )
    pixels = (0.3 + 0.4 * (soft - soft.min()) / np.ptp(soft)) * (2**bits - 1)
    grey, colour = ("b-w", "srgb") if bits == 8 else ("grey16", "rgb16")
    image = pyvips.Image.new_from_array(pixels.astype(np.uint8 if bits == 8 else np.uint16))
    return image.copy(interpretation=grey if bands < 3 else colour)


def cmyk(image: pyvips.Image) -> pyvips.Image:
    return image.icc_transform("cmyk", input_profile="srgb")


KINDS: dict[str, tuple[pyvips.Image, str, dict[str, Any]]] = {
    "8-bit TIFF": (painted(), "a.tif", {}),
    "16-bit TIFF": (painted(16), "a.tif", {}),
    "16-bit TIFF, wide gamut": (painted(16), "a.tif", {"profile": "p3"}),
    "tiled TIFF": (painted(), "a.tif", {"tile": True, "compression": "lzw"}),
    "BigTIFF": (painted(16), "a.tif", {"bigtiff": True}),
    "pyramid TIFF": (painted(), "a.tif", {"tile": True, "pyramid": True}),
    "JPEG in TIFF": (painted(), "a.tif", {"compression": "jpeg"}),
    "CMYK TIFF with profile": (cmyk(painted()), "a.tif", {}),
    "CMYK TIFF without profile": (cmyk(painted()), "a.tif", {"keep": "none"}),
    "Lab TIFF, 8 bit": (painted().colourspace("lab"), "a.tif", {}),
    "Lab TIFF, 16 bit": (painted().colourspace("labs"), "a.tif", {}),
    "grey TIFF": (painted(16, 1), "a.tif", {}),
    "bilevel TIFF": (painted(8, 1), "a.tif", {"bitdepth": 1}),
    "8-bit PNG": (painted(), "a.png", {}),
    "16-bit PNG": (painted(16), "a.png", {}),
    "palette PNG": (painted(), "a.png", {"palette": True}),
    "interlaced PNG": (painted(), "a.png", {"interlace": True}),
    "PNG with alpha": (painted().bandjoin(painted(8, 1)), "a.png", {}),
    "grey PNG with alpha": (painted(8, 1).bandjoin(painted(8, 1)), "a.png", {}),
    "JPEG": (painted(), "a.jpg", {}),
    "progressive JPEG": (painted(), "a.jpg", {"interlace": True}),
    "CMYK JPEG": (cmyk(painted()), "a.jpg", {}),
    "grey JPEG": (painted(8, 1), "a.jpg", {}),
    "WebP": (painted(), "a.webp", {"lossless": True}),
}


def saved(kind: str, folder: Path) -> Path:
    image, name, options = KINDS[kind]
    image.write_to_file(str(folder / name), **options)
    return folder / name


def refiled(source: Path, target: Path, add: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add `add` to the left half of `source`, strip by strip, and save the result.

    Returns all rows before and after, and the view in sRGB.
    """
    folder = target.parent / "open"
    folder.mkdir()
    before, views = [], []
    with opened(source, folder) as scan, (folder / "pixels").open("wb") as pixels:
        for top in range(0, scan.height, 128):
            rows = top, min(top + 128, scan.height)
            own, view = scan.rows(*rows), scan.srgb(*rows)
            change = np.zeros_like(view)
            change[:, : scan.width // 2] = add
            pixels.write(scan.changed(own, view, change).tobytes())
            before.append(own)
            views.append(view)
        pixels.flush()
        scan.file(folder / "pixels", target)
    result = pyvips.Image.new_from_file(str(target))
    after = result.numpy().reshape(result.height, result.width, result.bands)
    return np.concatenate(before), after, np.concatenate(views)


@pytest.mark.parametrize("kind", KINDS)
def test_unchanged_pixels_keep_their_values_and_the_form_of_the_scan(
    kind: str, tmp_path: Path
) -> None:
    source = saved(kind, tmp_path)
    before, after, _ = refiled(source, tmp_path / "out.tif", 0.0)
    was, result = (pyvips.Image.new_from_file(str(p)) for p in (source, tmp_path / "out.tif"))
    np.testing.assert_array_equal(after, before)
    assert (result.interpretation, result.format) == (was.interpretation, was.format)
    assert result.hasalpha() == was.hasalpha()
    assert (result.width, result.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "bilevel" not in kind])
def test_a_change_has_no_effect_elsewhere(kind: str, tmp_path: Path) -> None:
    before, after, view = refiled(saved(kind, tmp_path), tmp_path / "out.tif", 0.05)
    half = WIDTH // 2
    np.testing.assert_array_equal(after[:, half:], before[:, half:])
    (tmp_path / "again").mkdir()
    with opened(tmp_path / "out.tif", tmp_path / "again") as result:
        seen = result.srgb(0, HEIGHT)
    change = np.median((seen - view)[:, :half])
    assert change == pytest.approx(0.05, abs=0.012 if "CMYK" in kind else 0.004)


@pytest.mark.parametrize("deep", [False, True])
def test_jpeg_2000_is_read(deep: bool, tmp_path: Path) -> None:
    pixels = painted(16 if deep else 8).numpy()
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(pixels, reversible=True))
    before, after, _ = refiled(tmp_path / "a.jp2", tmp_path / "out.tif", 0.0)
    np.testing.assert_array_equal(after, pixels)
    np.testing.assert_array_equal(before, pixels)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def jpeg2000(pixels: np.ndarray, described: bytes, *beside: bytes) -> bytes:
    """A file with the header box `described` instead of its colour space."""
    plain = imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="jp2")
    parts = []
    for kind, content in boxes(memoryview(plain)):
        own = [box(k, bytes(c)) for k, c in boxes(content) if k != b"colr"]
        parts += [box(kind, b"".join([*own, described]) if kind == b"jp2h" else bytes(content))]
        parts += beside if kind == b"jp2h" else ()
    return b"".join(parts)


@pytest.mark.parametrize("method", [2, 3])
def test_a_wide_gamut_jpeg_2000_keeps_profile_resolution_and_xmp(
    method: int, tmp_path: Path
) -> None:
    painted(16).write_to_file(str(tmp_path / "a.tif"), profile="p3")
    tiff = pyvips.Image.new_from_file(str(tmp_path / "a.tif"))
    profile = tiff.get("icc-profile-data")
    colour = box(b"colr", bytes([method, 0, 0]) + profile)
    resolution = box(b"res ", box(b"resc", struct.pack(">4H2b", 300, 254, 600, 254, 4, 4)))
    xmp = box(b"uuid", bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC") + with_source_type(b""))
    data = jpeg2000(tiff.numpy(), colour + resolution, xmp)
    (tmp_path / "a.jp2").write_bytes(data)
    (tmp_path / "tiff").mkdir()
    with opened(tmp_path / "a.tif", tmp_path / "tiff") as scan:
        seen = scan.srgb(0, scan.height)
    _, after, view = refiled(tmp_path / "a.jp2", tmp_path / "out.tif", 0.0)
    np.testing.assert_array_equal(after, tiff.numpy())
    np.testing.assert_array_equal(view, seen)
    result = pyvips.Image.new_from_file(str(tmp_path / "out.tif"))
    assert result.get("icc-profile-data") == profile
    assert result.xres == pytest.approx(600 / 25.4, rel=1e-3)
    assert result.yres == pytest.approx(300 / 25.4, rel=1e-3)
    assert result.get("xmp-data") == with_source_type(with_source_type(b""))


def test_malformed_boxes_end_the_search_and_a_broken_profile_is_ignored() -> None:
    sound = box(b"colr", b"abc")
    wrong = [struct.pack(">I4s", size, b"colr") + bytes(8) for size in (7, 17, 0xFFFFFFFF)] + [
        struct.pack(">I4sQ", 1, b"colr", size) for size in (0, 15, 17, 2**63)
    ]
    for each in (b"", b"\0", *wrong, sound[:-1], struct.pack(">I4s", 1, b"colr")):
        assert [kind for kind, _ in boxes(memoryview(sound + each))] == [b"colr"]
    assert [len(c) for _, c in boxes(memoryview(struct.pack(">I4s", 0, b"colr") + b"abc"))] == [3]
    profile = struct.pack(">I", 132) + bytes(32) + b"acsp" + bytes(92)
    assert icc_of(memoryview(b"\2\0\0" + profile)) == profile
    for broken in (b"", b"\1\0\0" + profile, b"\2\0\0" + profile[:-1], b"\2\0\0" + bytes(132)):
        assert icc_of(memoryview(broken)) == b""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_stored_orientation_is_kept(orientation: int, tmp_path: Path) -> None:
    image = painted().copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.write_to_file(str(tmp_path / "a.tif"))
    _, after, _ = refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    assert after.shape == (HEIGHT, WIDTH, 3)
    result = pyvips.Image.new_from_file(str(tmp_path / "out.tif"))
    assert result.get("orientation") == orientation


def test_the_first_of_several_pages_is_restored_with_a_note(tmp_path: Path) -> None:
    page = painted()
    pages = pyvips.Image.arrayjoin([page, page.invert()], across=1)
    pages.write_to_file(str(tmp_path / "pages.tif"), page_height=HEIGHT)
    with opened(tmp_path / "pages.tif", tmp_path) as scan:
        assert scan.form()["notes"] == ["only page 1 of 2 was restored"]
        np.testing.assert_array_equal(scan.rows(0, scan.height), page.numpy())


def test_profile_resolution_and_xmp_are_kept_and_the_source_type_is_added(tmp_path: Path) -> None:
    image = painted(16).copy(xres=300 / 25.4, yres=300 / 25.4)
    given = with_source_type(b"").replace(SOURCE_TYPE.encode(), b"of another")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", given)
    image.write_to_file(str(tmp_path / "a.tif"), profile="p3")
    refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    was, result = (pyvips.Image.new_from_file(str(tmp_path / n)) for n in ("a.tif", "out.tif"))
    assert result.get("icc-profile-data") == was.get("icc-profile-data")
    assert result.xres == pytest.approx(300 / 25.4, rel=1e-3)
    xmp = result.get("xmp-data").decode()
    assert xmp.count("DigitalSourceType") == 1
    assert xmp.count("softwareAgent") == 2  # that of the history before is one
    assert SOURCE_TYPE in xmp


def mutated(data: bytes, number: int) -> bytes:
    """A third of the bytes cut off, replaced by noise, or flipped."""
    rng = np.random.default_rng(number)
    if number % 3 == 0:
        return data[: int(rng.integers(0, len(data) * 9 // 10))]
    broken = bytearray(data)
    start = int(rng.integers(0, len(data) // 2))
    if number % 3 == 1:
        broken[start : start + 400] = rng.bytes(400)
    else:
        for place in rng.integers(0, 64, 8):
            broken[place] ^= int(rng.integers(1, 256))
    return bytes(broken)


@pytest.mark.parametrize("number", range(30))
def test_a_malformed_file_is_an_image_error_or_is_read(number: int, tmp_path: Path) -> None:
    kinds = ("16-bit TIFF, wide gamut", "8-bit PNG", "JPEG", "WebP", "tiled TIFF")
    source = saved(kinds[number % len(kinds)], tmp_path)
    source.write_bytes(mutated(source.read_bytes(), number))
    assert rows_or_error(source, tmp_path) in (f"{HEIGHT} rows", "a.")


def rows_or_error(source: Path, folder: Path) -> str:
    """The number of readable rows, or the first two letters of the reason why there are none."""
    try:
        with opened(source, folder) as scan:
            return f"{len(scan.srgb(0, scan.height))} rows"
    except ImageError as error:
        return str(error)[:2]


@pytest.mark.parametrize("compression", [None, "lzw", "deflate"])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_tiled_tiff_that_was_cut_off_is_set_aside(
    compression: str | None, share: float, tmp_path: Path
) -> None:
    whole = tmp_path / "a.tif"
    tifffile.imwrite(whole, painted().numpy(), tile=(64, 64), compression=compression)
    (tmp_path / "b.tif").write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    assert rows_or_error(whole, tmp_path) == f"{HEIGHT} rows"
    assert rows_or_error(tmp_path / "b.tif", tmp_path) == "b."


@pytest.mark.parametrize(
    ("name", "options", "note"),
    [
        ("a.tif", {"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}, "palette"),
        ("a.tif", {"photometric": "minisblack"}, ""),
    ],
)
def test_a_note_says_how_a_palette_was_converted(
    name: str, options: dict[str, Any], note: str, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / name, np.zeros((40, 30), np.uint8), **options)
    with opened(tmp_path / name, tmp_path) as scan:
        assert note in " ".join(scan.notes)
        assert bool(scan.notes) == bool(note)


def test_premultiplied_colours_are_divided_by_alpha_with_a_note(
    tmp_path: Path,
) -> None:
    half = np.dstack([painted().numpy() // 2, np.full((HEIGHT, WIDTH), 128, np.uint8)])
    tifffile.imwrite(tmp_path / "a.tif", half, photometric="rgb", extrasamples=["assocalpha"])
    refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    with opened(tmp_path / "a.tif", tmp_path) as scan:
        assert scan.notes == ["premultiplied colours were divided by the alpha channel"]
    with tifffile.TiffFile(tmp_path / "out.tif") as result:
        assert result.pages[0].extrasamples[0].name == "UNASSALPHA"
        assert np.abs(result.asarray()[..., :3] - painted().numpy().astype(int)).max() <= 2


@pytest.mark.parametrize("meaning", ["unassalpha", "unspecified"])
def test_further_bands_keep_their_meaning(meaning: str, tmp_path: Path) -> None:
    pixels = np.dstack([painted().numpy(), painted(8, 1).numpy()])
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=[meaning])
    refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    for name in ("a.tif", "out.tif"):
        with tifffile.TiffFile(tmp_path / name) as file:
            assert file.pages[0].extrasamples[0].name == meaning.upper()
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), pixels)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_jpeg_2000_of_another_depth_is_scaled_to_16_bit_with_a_note(
    bits: int, tmp_path: Path
) -> None:
    deep = painted(16).numpy()
    data = imagecodecs.jpeg2k_encode(
        deep >> (16 - bits), reversible=True, codecformat="jp2", bitspersample=bits
    )
    (tmp_path / "a.jp2").write_bytes(data)
    with opened(tmp_path / "a.jp2", tmp_path) as scan:
        assert scan.form()["notes"] == [f"{bits}-bit samples were converted to 16 bit"]
        np.testing.assert_allclose(scan.rows(0, scan.height), deep, atol=2 ** (16 - bits) + 1)


@pytest.mark.parametrize("suffix", [".j2k", ".jpx", ".jpf"])
def test_every_suffix_of_jpeg_2000_is_read(suffix: str, tmp_path: Path) -> None:
    codec = "j2k" if suffix == ".j2k" else "jp2"
    data = imagecodecs.jpeg2k_encode(painted().numpy(), reversible=True, codecformat=codec)
    (tmp_path / f"a{suffix}").write_bytes(data)
    assert rows_or_error(tmp_path / f"a{suffix}", tmp_path) == f"{HEIGHT} rows"


def test_the_profile_of_a_grey_scan_is_applied_to_view_and_change(tmp_path: Path) -> None:
    """Scans of one picture, with sRGB tones and with linear ones, have the same view and change."""
    tones = painted(16, 1).numpy() / 65535
    linear = np.where(tones <= 0.04045, tones / 12.92, ((tones + 0.055) / 1.055) ** 2.4)
    pixels = np.rint(linear * 65535).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, iccprofile=linear_grey())
    before, after, views = refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.1)
    assert np.abs(views - tones[..., None]).max() < 0.004
    added = after.astype(float) - before
    half = added.shape[1] // 2
    assert not added[:, half:].any()
    lighter = tones[:, :half] + 0.1
    expected = 65535 * np.where(
        lighter <= 0.04045, lighter / 12.92, ((lighter + 0.055) / 1.055) ** 2.4
    )
    np.testing.assert_allclose(after[:, :half, 0], expected, atol=300)


def linear_grey() -> bytes:
    """An ICC profile of a grey with linear values."""

    def tag(kind: bytes, content: bytes) -> bytes:
        return kind + bytes(4) + content

    def xyz(*numbers: float) -> bytes:
        return struct.pack(">3i", *(round(number * 65536) for number in numbers))

    white = (0.9642, 1.0, 0.8249)
    text = tag(b"desc", struct.pack(">I", 5) + b"grey\0" + bytes(78))
    parts = {
        b"desc": text + bytes(-len(text) % 4),
        b"cprt": tag(b"text", b"none\0\0\0\0"),
        b"wtpt": tag(b"XYZ ", xyz(*white)),
        b"kTRC": tag(b"curv", struct.pack(">I", 0)),
    }
    place, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, content in parts.items():
        table += name + struct.pack(">2I", place + len(body), len(content))
        body += content
    content = struct.pack(">I", len(parts)) + table + body
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(content), b"", 0x02400000, b"mntr", b"GRAY", b"XYZ "
    )
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + xyz(*white)
    return head.ljust(128, b"\0") + content


def test_a_scan_with_a_malformed_tag_is_restored(
    tmp_path: Path,
) -> None:
    painted().write_to_file(str(tmp_path / "a.tif"))
    software_as_a_number = {305: (4, 1, b"abcd")}
    write_into(tmp_path / "a.tif", Tags(software_as_a_number))
    assert rows_or_error(tmp_path / "a.tif", tmp_path) == f"{HEIGHT} rows"


@pytest.mark.parametrize("content", [b"", b"Dear museum", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_not_an_image_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png"), opened(tmp_path / "a.png", tmp_path):
        pass


def test_a_file_that_claims_a_huge_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + bytes(4) + b"IDAT" * 2)
    with pytest.raises(ImageError, match="100000 × 100000 pixels"):  # noqa: SIM117
        with opened(tmp_path / "bomb.png", tmp_path):
            pass
