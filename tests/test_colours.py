"""Scans are read with the colours that a viewer shows, in every format and with every profile."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from test_scans import HEIGHT, WIDTH, cmyk, painted, refiled

from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import load_srgb
from patina.tasks.imaging.scans import opened

RED = (230, 26, 25)


def first_pixel(source: Path, folder: Path) -> tuple[np.ndarray, list[str]]:
    """The colour of the first pixel in sRGB, 0 to 255, and the notes of the scan."""
    with opened(source, folder) as scan:
        return scan.srgb(0, 1)[0, 0] * 255, scan.notes


def ycbcr(rgb: np.ndarray) -> np.ndarray:
    """Full-range YCbCr by ITU-R BT.601."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    parts = (luma, (blue - luma) / 1.772 + 128, (red - luma) / 1.402 + 128)
    return np.rint(np.stack(parts, -1)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_ycbcr_tiff_is_read_and_saved_as_rgb(compression: str | None, tmp_path: Path) -> None:
    pixels = np.full((32, 48, 3), RED, np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif",
        ycbcr(pixels),
        photometric="ycbcr",
        compression=compression,
        subsampling=(1, 1),
        metadata=None,
    )
    seen, notes = first_pixel(tmp_path / "a.tif", tmp_path)
    np.testing.assert_allclose(seen, RED, atol=1.5)
    assert notes == ["YCbCr colours were converted to RGB"]
    np.testing.assert_allclose(load_srgb(tmp_path / "a.tif")[0, 0], RED, atol=2)
    _, after, _ = refiled(tmp_path / "a.tif", tmp_path / "out.tif", 0.0)
    np.testing.assert_allclose(after[0, 0], RED, atol=1.5)
    with tifffile.TiffFile(tmp_path / "out.tif") as result:
        assert result.pages[0].photometric.name == "RGB"


def with_profile(jpeg: bytes, content: bytes) -> bytes:
    """The JPEG with an ICC profile that no library would write."""
    segment = b"ICC_PROFILE\0\1\1" + content
    return jpeg[:2] + struct.pack(">2BH", 0xFF, 0xE2, len(segment) + 2) + segment + jpeg[2:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cmyk", "the ICC profile is for CMYK; the pixels were treated as sRGB"),
        ("zeros", "the ICC profile is broken; the pixels were treated as sRGB"),
        ("cut", "the ICC profile is broken; the pixels were treated as sRGB"),
    ],
)
def test_a_profile_for_another_colour_space_is_ignored_with_a_note(
    content: str, message: str, tmp_path: Path
) -> None:
    sound = pyvips.Operation.call("profile_load", "srgb")
    made = {
        "cmyk": pyvips.Operation.call("profile_load", "cmyk")[:60_000],
        "zeros": bytes(300),
        "cut": sound[:300],
    }[content]
    plain = painted().jpegsave_buffer(keep="none", Q=95)
    (tmp_path / "a.jpg").write_bytes(with_profile(plain, made))
    (tmp_path / "b.jpg").write_bytes(plain)
    seen, notes = first_pixel(tmp_path / "a.jpg", tmp_path)
    assert message in notes
    np.testing.assert_allclose(seen, first_pixel(tmp_path / "b.jpg", tmp_path)[0], atol=0.01)
    _, after, _ = refiled(tmp_path / "a.jpg", tmp_path / "out.tif", 0.05)
    assert after.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(load_srgb(tmp_path / "a.jpg"), load_srgb(tmp_path / "b.jpg"))


def test_a_cmyk_scan_with_an_rgb_profile_is_restored(tmp_path: Path) -> None:
    plain = cmyk(painted()).jpegsave_buffer(keep="none", Q=95)
    sound = pyvips.Operation.call("profile_load", "srgb")
    (tmp_path / "a.jpg").write_bytes(with_profile(plain, sound))
    before, after, _ = refiled(tmp_path / "a.jpg", tmp_path / "out.tif", 0.05)
    assert after.shape == before.shape == (HEIGHT, WIDTH, 4)


def chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def png_with(*chunks: bytes) -> bytes:
    plain = painted().pngsave_buffer(keep="none")
    start = plain.find(b"pHYs") - 4  # a resolution that libvips adds
    plain = plain[:start] + plain[start + 21 :] if start > 0 else plain
    return plain[:33] + b"".join(chunks) + plain[33:]


GAMMA = chunk(b"gAMA", struct.pack(">I", 100_000))
ADOBE = [31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000]
CHROMATICITIES = chunk(b"cHRM", struct.pack(">8I", *ADOBE))
P3 = chunk(b"cICP", bytes([12, 13, 0, 1]))
ASPECT = chunk(b"pHYs", struct.pack(">2IB", 3, 2, 0))
COMMENT = chunk(b"iTXt", b"Title\0\0\0\0\0" + "Zoë Müller".encode())


def light_encoded(light: np.ndarray) -> np.ndarray:
    """Linear light encoded by IEC 61966-2-1."""
    curve = 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, curve)


@pytest.mark.parametrize(
    ("name", "given"), [("gamma", GAMMA), ("p3", P3), ("adobe", CHROMATICITIES)]
)
def test_the_colour_chunks_of_a_png_are_applied_and_kept(
    name: str, given: bytes, tmp_path: Path
) -> None:
    source, target = tmp_path / "a.png", tmp_path / "out.png"
    source.write_bytes(png_with(given, ASPECT, COMMENT))
    before, after, seen = refiled(source, target, 0.0)
    np.testing.assert_array_equal(after, before)
    filed = target.read_bytes()
    assert all(each in filed for each in (given, ASPECT, COMMENT))
    assert b"eXIf" not in filed
    if name == "adobe":  # a wider triangle: the same numbers are more colourful
        assert np.ptp(seen, axis=2).mean() > np.ptp(before / 255, axis=2).mean() * 1.1
        return
    there = pyvips.Image.new_from_array(before).copy(interpretation="srgb")
    right = {
        "gamma": lambda: light_encoded(before / 255),
        "p3": lambda: there.icc_transform("srgb", input_profile="p3").numpy() / 255,
    }[name]()
    np.testing.assert_allclose(seen, right, atol=0.006)
    np.testing.assert_allclose(load_srgb(source) / 255, right, atol=0.012)


def test_transparent_pixels_have_no_influence(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, : WIDTH // 2] = 0
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    pixels = np.where(alpha == 0, noise, painted().numpy())
    image = pyvips.Image.new_from_array(np.dstack([pixels, alpha])).copy(interpretation="srgb")
    image.write_to_file(str(tmp_path / "a.png"))
    with opened(tmp_path / "a.png", tmp_path) as scan:
        view = scan.srgb(0, HEIGHT)
        hidden = scan.hidden(scan.rows(0, HEIGHT))
    assert hidden is not None
    np.testing.assert_array_equal(hidden, alpha[..., 0] == 0)
    assert len(np.unique(view[hidden].round(4), axis=0)) == 1
    seen_mean = painted().numpy()[:, WIDTH // 2 :].mean(axis=(0, 1)) / 255
    np.testing.assert_allclose(view[0, 0], seen_mean, atol=0.01)


def test_floating_point_images_are_set_aside_in_the_pipeline_too(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((9, 9, 3), 0.5, np.float32), photometric="rgb")
    with pytest.raises(ImageError, match="type float are not supported"):
        load_srgb(tmp_path / "a.tif")
