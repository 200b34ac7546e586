"""The painter of the sample museum: repeatable, varied, and with the statistics of paintings."""

import cv2
import numpy as np
import pytest

from patina.crawler.sample.strokes import LONG_SIDE_PX, paint

NUMBERS = range(10)  # every kind of scene twice


@pytest.fixture(scope="module")
def works():
    return [paint(number) for number in NUMBERS]


def test_the_same_number_and_seed_give_the_same_bytes(works):
    again, record = paint(3)
    assert again.tobytes() == works[3][0].tobytes()
    assert record == works[3][1]


def test_another_number_or_seed_gives_another_picture(works):
    pictures = [image for image, _ in works] + [paint(3, seed=1)[0]]
    assert len({image.tobytes() for image in pictures}) == len(pictures)


def test_no_two_works_have_the_same_composition(works):
    small = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image, _ in works]
    grey = np.corrcoef([picture.mean(-1).ravel() for picture in small])
    assert (grey - np.eye(len(grey))).max() < 0.9


def test_a_work_is_an_rgb_image_640_pixels_on_its_longer_side(works):
    for image, _ in works:
        assert image.dtype == np.uint8
        assert image.shape[2] == 3
        assert max(image.shape[:2]) == LONG_SIDE_PX == 640
        assert min(image.shape[:2]) >= 400


def test_a_record_has_all_fields_and_an_invented_artist(works):
    for _, record in works:
        assert set(record) == {"title", "artist", "date", "medium", "style"}
        assert all(record.values())
        assert record["artist"].startswith("Sample Painter No. ")


def test_works_use_the_tonal_range(works):
    for image, _ in works:
        dark, light = np.quantile(image, [0.01, 0.99])
        assert dark < 60
        assert light > 200


def test_works_have_the_texture_of_paint_and_smooth_areas_but_are_not_noise(works):
    for image, _ in works:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        beside = np.corrcoef(grey[:, 1:].ravel(), grey[:, :-1].ravel())[0, 1]
        assert beside > 0.9
        fine = grey - cv2.GaussianBlur(grey, (0, 0), 2)  # detail narrower than about 6 pixels
        assert 1.5 < fine.std() < 20
        local = np.sqrt(cv2.blur(fine**2, (16, 16)))
        assert np.quantile(local, 0.1) < 0.6 * np.quantile(local, 0.9)
