"""The pictures of the reports: what is on them must be read without the documentation."""

from pathlib import Path

import numpy as np
import pytest

from patina.tasks.evaluation.reports import CAPTION_PX, GAP_PX, captioned, panel
from patina.tasks.imaging.images import read_png


def picture(value: int, width: int = 200) -> np.ndarray:
    return np.full((50, width, 3), value, np.uint8)


def test_a_panel_has_a_caption_above_each_picture(tmp_path: Path) -> None:
    panel(tmp_path / "work.png", {"degraded": picture(60), "restored": picture(90)})
    drawn = read_png(tmp_path / "work.png")
    assert drawn.shape == (CAPTION_PX + 50, 2 * 200 + GAP_PX, 3)
    left, right = drawn[:, :200], drawn[:, 200 + GAP_PX :]
    assert (left[CAPTION_PX:] == 60).all()
    assert (right[CAPTION_PX:] == 90).all()
    captions = [half[:CAPTION_PX].min(axis=2) < 128 for half in (left, right)]
    assert all(caption.sum() > 50 for caption in captions)
    assert (captions[0] != captions[1]).any()


@pytest.mark.parametrize("width", [16, 64, 200, 512])
def test_a_caption_fits_on_a_small_picture(width: int) -> None:
    drawn = captioned(picture(0, width), "classical fill")
    strip = drawn[:CAPTION_PX].min(axis=2)
    assert (strip < 128).any()
    assert (strip[:, -4:] == 255).all()  # the last letter is whole
    factor = drawn.shape[1] // width
    assert (drawn[CAPTION_PX:] == 0).all()
    assert drawn.shape[0] == CAPTION_PX + 50 * factor
