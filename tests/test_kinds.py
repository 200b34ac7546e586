"""The bytes of a file decide its format; other formats are named."""

import os
from pathlib import Path

import numpy as np
import pytest
import pyvips
from test_scans import HEIGHT, WIDTH, painted

from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.images import load_srgb
from patina.tasks.imaging.kinds import kind_of
from patina.tasks.imaging.scans import opened

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SVG, r"SVG is not supported \(despite the suffix \.tif\)"),
        (HEIC, r"HEIC is not supported \(despite the suffix \.tif\)"),
        (b"%PDF-1.4\n", "PDF is not supported"),
        (b"8BPS\0\1" + bytes(40), "PSD is not supported"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(9), "JPEG XL is not supported"),
        (b"3 3\n1 2 3\n4 5 6\n7 8 9\n", "its first bytes are not those"),
        (b"", r"the file is empty"),
    ],
)
def test_the_error_for_a_file_of_another_format_names_that_format(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ImageError, match=rf"a\.tif: .*{message}"):  # noqa: SIM117
        with opened(tmp_path / "a.tif", tmp_path):
            pass
    with pytest.raises(ImageError, match=r"a\.tif"):
        load_srgb(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".avif"])
def test_further_formats_are_read(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / f"a{suffix}"
    if suffix == ".bmp":
        import cv2

        cv2.imwrite(str(source), painted().numpy()[..., ::-1])
    else:
        painted().write_to_file(str(source))
    with opened(source, tmp_path) as scan:
        view = scan.srgb(0, scan.height)
    assert view.shape == (HEIGHT, WIDTH, 3)
    difference = np.abs(view * 255 - painted().numpy())
    assert difference.mean() < (0.01 if suffix == ".bmp" else 8)
    assert load_srgb(source).shape == (HEIGHT, WIDTH, 3)


def test_a_gif_with_several_frames_is_an_error(tmp_path: Path) -> None:
    frames = pyvips.Image.arrayjoin([painted(), painted().invert()], across=1)
    frames.write_to_file(str(tmp_path / "a.gif"), page_height=HEIGHT)
    with (
        pytest.raises(ImageError, match="several frames"),
        opened(tmp_path / "a.gif", tmp_path),
    ):
        pass


def test_a_jpeg_with_the_suffix_png_is_read_as_jpeg(tmp_path: Path) -> None:
    painted().write_to_file(str(tmp_path / "a.jpg"))
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    with opened(tmp_path / "a.png", tmp_path) as scan:
        assert scan.kind == "JPEG"
        assert scan.width == WIDTH


def test_a_truncated_bmp_is_set_aside(tmp_path: Path) -> None:
    import cv2

    whole = cv2.imencode(".bmp", painted().numpy())[1].tobytes()
    assert kind_of(whole) == "BMP"
    (tmp_path / "a.bmp").write_bytes(whole[:-1000])
    with (
        pytest.raises(ImageError, match="last pixels are missing"),
        opened(tmp_path / "a.bmp", tmp_path),
    ):
        pass


def test_a_pipe_is_set_aside_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    (tmp_path / "link.tif").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.tif").mkdir()
    for name, message in (
        ("pipe.tif", "a pipe, socket or device"),
        ("link.tif", "a link to a missing file"),
        ("folder.tif", "it is a folder"),
    ):
        with pytest.raises(ImageError, match=message), opened(tmp_path / name, tmp_path):
            pass
