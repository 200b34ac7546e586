"""Images of every format are read upright, in sRGB, with 8 bits."""

from pathlib import Path

import numpy as np
import pytest
import pyvips

from patina.tasks.dataset.preprocessing import perceptual_hash
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import (
    load_srgb,
    mean_of_channels,
    png_bytes,
    read_png,
)


def picture(height: int = 60, width: int = 90) -> np.ndarray:
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [rows * 255 / height, columns * 255 / width, (rows + columns) % 256]
    return np.dstack(planes).astype(np.uint8)


def save(pixels: np.ndarray, path: Path, **options: object) -> Path:
    image = pyvips.Image.new_from_array(pixels)
    image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb").write_to_file(
        str(path), **options
    )
    return path


def test_an_srgb_image_keeps_its_pixels(tmp_path: Path) -> None:
    path = save(picture(), tmp_path / "a.png")
    np.testing.assert_array_equal(load_srgb(path), picture())


def test_a_large_image_is_reduced_to_the_long_side_and_a_small_one_is_not_enlarged(
    tmp_path: Path,
) -> None:
    path = save(picture(60, 90), tmp_path / "a.png")
    assert load_srgb(path, long_side_px=45).shape == (30, 45, 3)
    assert load_srgb(path, long_side_px=500).shape == (60, 90, 3)


def test_sixteen_bits_are_converted_to_eight(tmp_path: Path) -> None:
    path = save(picture().astype(np.uint16) * 257, tmp_path / "a.tif")
    np.testing.assert_allclose(load_srgb(path).astype(int), picture(), atol=1)


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, 3), (8, 1)])
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, turns: int) -> None:
    path = tmp_path / "a.tif"
    turned = pyvips.Image.new_from_array(picture()).copy(interpretation="srgb").copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    turned.write_to_file(str(path))
    np.testing.assert_array_equal(load_srgb(path), np.rot90(picture(), turns))


def test_transparent_pixels_are_composed_on_white(tmp_path: Path) -> None:
    pixels = np.dstack([picture(), np.zeros((60, 90), np.uint8)])
    assert (load_srgb(save(pixels, tmp_path / "a.png")) == 255).all()


def test_grey_and_palette_become_three_channels(tmp_path: Path) -> None:
    grey = pyvips.Image.new_from_array(picture()[..., 0]).copy(interpretation="b-w")
    grey.write_to_file(str(tmp_path / "grey.png"))
    np.testing.assert_array_equal(load_srgb(tmp_path / "grey.png")[..., 2], picture()[..., 0])
    save(picture(), tmp_path / "palette.png", palette=True)
    assert load_srgb(tmp_path / "palette.png").shape == (60, 90, 3)


def test_a_wide_gamut_profile_is_converted(tmp_path: Path) -> None:
    red = np.full((20, 20, 3), (200, 60, 60), np.uint8)
    image = pyvips.Image.new_from_array(red).copy(interpretation="srgb")
    image.icc_transform("p3", input_profile="srgb").write_to_file(str(tmp_path / "p3.tif"))
    stored = pyvips.Image.new_from_file(str(tmp_path / "p3.tif")).numpy()
    assert abs(int(stored[0, 0, 0]) - 200) > 5
    np.testing.assert_allclose(load_srgb(tmp_path / "p3.tif").astype(int), red, atol=2)


def test_a_truncated_file_and_a_file_without_an_image_are_errors(tmp_path: Path) -> None:
    whole = save(
        np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8),
        tmp_path / "whole.jpg",
    ).read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "letter.jpg").write_text("Dear museum")
    with pytest.raises(ImageError, match=r"cut\.jpg"):
        load_srgb(tmp_path / "cut.jpg")
    with pytest.raises(ImageError, match=r"letter\.jpg"):
        load_srgb(tmp_path / "letter.jpg")


def test_the_mean_of_the_channels_has_the_bits_of_numpys() -> None:
    values = np.random.default_rng(0).normal(0, 1, (99, 101, 3)).astype(np.float32)
    np.testing.assert_array_equal(mean_of_channels(values), values.mean(axis=2))


def test_png_keeps_every_pixel(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_bytes(picture()))
    np.testing.assert_array_equal(read_png(tmp_path / "a.png"), picture())


def test_copies_of_other_sizes_and_qualities_have_similar_hashes(tmp_path: Path) -> None:
    from patina.crawler.sample.strokes import paint

    works = [paint(number)[0] for number in range(4)]
    path = save(works[0], tmp_path / "copy.jpg", Q=60)
    copy = load_srgb(path, long_side_px=300)
    distances = [(perceptual_hash(copy) ^ perceptual_hash(work)).bit_count() for work in works]
    assert distances[0] <= 6
    assert min(distances[1:]) > 10
