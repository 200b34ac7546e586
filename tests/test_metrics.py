"""Each metric, compared with a value from another source."""

import numpy as np
import pytest

from patina.tasks.evaluation import metrics

GREY = np.full((16, 16, 3), 100, np.uint8)


def flat(*colour: int) -> np.ndarray:
    return np.full((16, 16, 3), colour, np.uint8)


def test_psnr_of_a_constant_difference_follows_from_its_definition() -> None:
    assert metrics.psnr_db(GREY, GREY + 10) == pytest.approx(28.1308, abs=1e-4)  # 20 lg(255/10)


def test_delta_e_of_red_and_blue_equals_the_published_value() -> None:
    # sRGB red and blue: 52.88, as Bruce Lindbloom's calculator gives it for D65
    assert metrics.delta_e2000(flat(255, 0, 0), flat(0, 0, 255)) == pytest.approx(52.88, abs=0.02)


def test_delta_e_of_black_and_white_is_a_hundred() -> None:
    assert metrics.delta_e2000(flat(0, 0, 0), flat(255, 255, 255)) == pytest.approx(100, abs=1e-2)


def test_ssim_of_two_images_of_one_colour_is_its_luminance_term() -> None:
    c1 = (0.01 * 255) ** 2  # Wang et al. 2004, equation 6
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert metrics.ssim(GREY, GREY + 50) == pytest.approx(expected, abs=1e-6)


def test_ssim_and_psnr_equal_those_of_scikit_image() -> None:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    for other in (one // 2, np.roll(one, 1, 0), one ^ 3, 255 - one):
        ssim = structural_similarity(one, other, data_range=255, channel_axis=2)
        assert metrics.ssim(one, other) == pytest.approx(ssim, abs=1e-9)
        psnr = peak_signal_noise_ratio(one, other, data_range=255)
        assert metrics.psnr_db(one, other) == pytest.approx(psnr, abs=1e-9)


@pytest.mark.training
def test_dominant_channel_accuracy_equals_the_accuracy_of_keras() -> None:
    import keras

    rng = np.random.default_rng(0)
    pair = [rng.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(2)]
    metric = keras.metrics.CategoricalAccuracy()
    metric.update_state(*(each.astype(np.float32) for each in pair))
    assert metrics.dominant_channel_accuracy(*pair) == pytest.approx(float(metric.result()))


def test_average_precision_of_a_damage_map_is_computed_from_its_ranking() -> None:
    mask = np.array([[255, 0, 200, 0]], np.uint8)
    found = np.array([[250, 200, 100, 0]], np.uint8)
    # Found first with precision 1, second among three with 2/3, half of the damage each
    assert metrics.damage_map_ap(mask, found) == pytest.approx((1 + 2 / 3) / 2)


def test_an_image_compared_with_itself_has_the_best_values() -> None:
    scores = metrics.score(GREY, GREY)
    assert list(scores) == list(metrics.METRICS)
    assert scores == {
        "psnr_db": 100.0,
        "ssim": 1.0,
        "delta_e2000": 0.0,
        "dominant_channel_accuracy": 1.0,
    }
