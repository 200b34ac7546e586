"""Rules that every registered degradation follows."""

import hashlib
from itertools import pairwise

import cv2
import numpy as np
import pytest

from patina.tasks import degradations
from patina.tasks.degradations import DEGRADATIONS, FAMILIES, Image

every_degradation = pytest.mark.parametrize("name", DEGRADATIONS)


def painting(height: int = 96, width: int = 64, *, seed: int = 7) -> Image:
    """A smooth ground with hard-edged shapes of every hue."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(0.1, 0.9, (6, 4, 3)).astype(np.float32)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    for _ in range(12):
        row, column = int(rng.integers(height)), int(rng.integers(width))
        image[row : row + height // 6, column : column + width // 6] = rng.random(3)
    return np.clip(image, 0, 1)


def degrade(
    name: str, image: Image, *, severity: float, seed: int = 0
) -> tuple[Image, Image | None]:
    return DEGRADATIONS[name](image, np.random.default_rng(seed), severity=severity)


def digest(image: Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def assert_within_the_contract(image: Image, damaged: Image, mask: Image | None) -> None:
    assert damaged.shape == image.shape
    assert damaged.dtype == np.float32
    assert damaged.min() >= 0
    assert damaged.max() <= 1
    if mask is not None:
        assert mask.shape == image.shape[:2]
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert mask.max() <= 1
        changed = (damaged != image).any(axis=-1)
        assert (mask[changed] > 0).all()


def test_degradations_are_registered_in_the_order_of_an_objects_life() -> None:
    pigments = ["contrast_loss", "saturation_loss", "pigment_fading"]
    paint = ["fading", "drying_cracks", "craquelure", "paint_loss", "yellow_varnish"]
    coats = ["cleaning_windows", "grime", "toned_varnish", "haze", "soot"]
    accidents = ["abrasion", "scratches", "water_spill", "cockling", "stain"]
    liquids = ["tideline", "damp_stain", "discoloured_patches", "foxing", "mould", "blot"]
    handling = ["creases", "tear", "hole", "tape", "dust", "hairlines", "film_scratches"]
    optics = ["uneven_light", "glare", "defocus", "motion_blur", "double_blur", "soft_scan"]
    noises = ["correlated_noise", "luminance_grain", "blur", "sensor_noise", "gaussian_noise"]
    capture = ["film_grain", "halftone", "jpeg", "double_jpeg", "rescaled_jpeg"]
    before = [*pigments, *paint, *coats, *accidents, *liquids, *handling]
    assert list(DEGRADATIONS) == [*before, *optics, *noises, *capture]


def test_every_degradation_is_in_exactly_one_family() -> None:
    members = [name for family in FAMILIES.values() for name in family]
    assert sorted(members) == sorted(DEGRADATIONS)


@every_degradation
def test_severity_zero_changes_no_bit(name: str) -> None:
    image = painting()
    damaged, mask = degrade(name, image, severity=0)
    np.testing.assert_array_equal(damaged, image)
    assert damaged is not image
    assert mask is None or not mask.any()


@every_degradation
def test_a_higher_severity_changes_more(name: str) -> None:
    image = painting(192, 128)
    distances = [
        float(np.abs(degrade(name, image, severity=severity)[0] - image).mean())
        for severity in (0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    assert distances[-1] > distances[0] >= 0
    for milder, harsher in pairwise(distances):
        assert harsher >= 0.98 * milder


@every_degradation
@pytest.mark.parametrize("severity", [1e-4, 0.5, 1.0])
def test_shape_dtype_range_and_mask_are_as_documented(name: str, severity: float) -> None:
    image = painting()
    assert_within_the_contract(image, *degrade(name, image, severity=severity))


@every_degradation
def test_the_callers_image_is_not_modified(name: str) -> None:
    image = painting()
    before = image.copy()
    damaged, _ = degrade(name, image, severity=1)
    np.testing.assert_array_equal(image, before)
    assert not np.shares_memory(damaged, image)


@every_degradation
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    first, first_mask = degrade(name, painting(), severity=0.7, seed=3)
    second, second_mask = degrade(name, painting(), severity=0.7, seed=3)
    assert digest(first) == digest(second)
    assert (first_mask is None) == (second_mask is None)
    if first_mask is not None and second_mask is not None:
        assert digest(first_mask) == digest(second_mask)


@every_degradation
def test_another_seed_gives_other_bytes_unless_nothing_is_random(name: str) -> None:
    rng = np.random.default_rng(0)
    untouched = rng.bit_generator.state
    first, _ = DEGRADATIONS[name](painting(), rng, severity=0.7)
    second, _ = degrade(name, painting(), severity=0.7, seed=1)
    draws = rng.bit_generator.state != untouched
    assert draws == (digest(first) != digest(second))


@every_degradation
def test_severity_does_not_change_the_random_numbers(name: str) -> None:
    states = []
    for severity in (0.1, 0.9):
        rng = np.random.default_rng(0)
        DEGRADATIONS[name](painting(), rng, severity=severity)
        states.append(rng.bit_generator.state)
    assert states[0] == states[1]


@every_degradation
@pytest.mark.parametrize("severity", [-0.1, 1.1, float("nan")])
def test_a_severity_outside_zero_to_one_is_refused(name: str, severity: float) -> None:
    with pytest.raises(ValueError, match=f"{name}: severity"):
        degrade(name, painting(), severity=severity)


@every_degradation
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 300)])
@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
def test_the_smallest_images_and_images_of_one_colour_work(
    name: str, shape: tuple[int, int], grey: float
) -> None:
    image = np.full((*shape, 3), grey, np.float32)
    assert_within_the_contract(image, *degrade(name, image, severity=1))


@every_degradation
@pytest.mark.parametrize("grey", [0.0, 1.0])
def test_black_and_white_stay_finite_and_in_range(name: str, grey: float) -> None:
    image = np.full((64, 96, 3), grey, np.float32)
    assert_within_the_contract(image, *degrade(name, image, severity=1))


@every_degradation
def test_a_large_scan_works(name: str) -> None:
    image = painting(1200, 4000)
    assert_within_the_contract(image, *degrade(name, image, severity=1))


@every_degradation
def test_an_array_with_reversed_channels_gives_the_result_of_its_copy(name: str) -> None:
    view = painting()[..., ::-1]
    from_view, _ = degrade(name, view, severity=0.7)
    from_copy, _ = degrade(name, np.ascontiguousarray(view), severity=0.7)
    np.testing.assert_array_equal(from_view, from_copy)


LOCAL = [
    "drying_cracks",
    "craquelure",
    "paint_loss",
    "abrasion",
    "scratches",
    "water_spill",
    "stain",
    "tideline",
    "damp_stain",
    "discoloured_patches",
    "foxing",
    "mould",
    "blot",
    "creases",
    "tear",
    "hole",
    "tape",
    "dust",
    "hairlines",
    "film_scratches",
    "glare",
]


@every_degradation
def test_a_degradation_has_a_mask_only_if_it_is_local(name: str) -> None:
    _, mask = degrade(name, painting(), severity=0.7)
    assert (mask is not None) == (name in degradations.LOCAL)


def test_the_local_degradations_are_listed() -> None:
    assert set(LOCAL) == degradations.LOCAL


@pytest.mark.parametrize("name", LOCAL)
def test_local_damage_has_a_mask_and_leaves_most_of_a_work_unchanged(name: str) -> None:
    image = painting(192, 128)
    damaged, mask = degrade(name, image, severity=1)
    assert mask is not None
    assert 0.01 < (mask > 0).mean() < 0.9
    np.testing.assert_array_equal(damaged[mask == 0], image[mask == 0])


STEADY = [
    "fading",
    "yellow_varnish",
    "scratches",
    "water_spill",
    "uneven_light",
    "glare",
    "film_grain",
    "contrast_loss",
    "pigment_fading",
    "toned_varnish",
    "haze",
    "soot",
    "tideline",
    "damp_stain",
    "discoloured_patches",
    "blot",
    "hole",
    "tape",
    "film_scratches",
]


@pytest.mark.parametrize("name", STEADY)
def test_damage_has_the_same_place_at_a_higher_resolution(name: str) -> None:
    coarse = np.full((96, 128, 3), 0.5, np.float32)
    fine = np.full((192, 256, 3), 0.5, np.float32)
    on_coarse, _ = degrade(name, coarse, severity=1)
    on_fine, _ = degrade(name, fine, severity=1)
    shrunk = cv2.resize(on_fine, (128, 96), interpolation=cv2.INTER_AREA)
    expected, found = (on_coarse - 0.5).ravel(), (shrunk - 0.5).ravel()
    assert np.corrcoef(expected, found)[0, 1] > 0.7


@pytest.mark.parametrize("name", ["blot", "hole", "tape"])
def test_covering_damage_takes_1_to_6_percent_of_a_work_at_severity_0_6(name: str) -> None:
    image = painting(384, 320)
    for seed in range(8):
        _, mask = degrade(name, image, severity=0.6, seed=seed)
        assert mask is not None
        assert 0.008 < (mask > 0.3).mean() < 0.065


def test_a_blot_is_dark_coloured_or_pale_and_opaque() -> None:
    tones = []
    black, white = (np.full((192, 128, 3), grey, np.float32) for grey in (0, 1))
    for seed in range(24):
        blotted, mask = degrade("blot", black, severity=1, seed=seed)
        on_white, _ = degrade("blot", white, severity=1, seed=seed)
        assert mask is not None
        covered = mask > 0.9 * mask.max()
        tones.append(float(np.median(blotted[covered])))
        assert np.abs(blotted[covered] - on_white[covered]).max() < 0.4
    assert min(tones) < 0.2
    assert max(tones) > 0.7


def test_pigment_fading_turns_greens_towards_blue_and_leaves_greys_grey() -> None:
    green = np.full((32, 32, 3), (0.25, 0.55, 0.1), np.float32)
    faded, _ = degrade("pigment_fading", green, severity=0.8)
    assert (faded[..., 2] - green[..., 2]).mean() > 2 * (faded[..., 1] - green[..., 1]).mean()
    grey, _ = degrade("pigment_fading", np.full((32, 32, 3), 0.4, np.float32), severity=0.8)
    assert np.ptp(grey, axis=-1).max() < 0.04


def test_a_loss_of_saturation_keeps_the_luminance() -> None:
    image = painting(192, 128)
    paled, _ = degrade("saturation_loss", image, severity=0.8)
    before, after = (cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY) for shown in (image, paled))
    assert np.abs(before - after).mean() < 0.03
    assert np.ptp(paled, axis=-1).mean() < 0.5 * np.ptp(image, axis=-1).mean()


def test_the_noise_of_a_developed_photograph_is_correlated() -> None:
    image = np.full((128, 128, 3), 0.5, np.float32)
    noise = degrade("correlated_noise", image, severity=0.6)[0][..., 1] - 0.5
    assert np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1] > 0.1


def test_luminance_grain_has_no_colour() -> None:
    image = np.full((128, 128, 3), 0.5, np.float32)
    grain, _ = degrade("luminance_grain", image, severity=0.6)
    assert np.ptp(grain, axis=-1).max() < 1e-6


def test_fading_takes_more_from_red_and_yellow_than_from_blue() -> None:
    chroma = {}
    for name, colour in {
        "red": (0.7, 0.1, 0.1),
        "yellow": (0.7, 0.7, 0.1),
        "blue": (0.1, 0.1, 0.7),
    }.items():
        faded, _ = degrade("fading", np.full((32, 32, 3), colour, np.float32), severity=1)
        chroma[name] = float((faded.max(axis=-1) - faded.min(axis=-1)).mean())
    assert chroma["red"] < 0.7 * chroma["blue"]
    assert chroma["yellow"] < 0.7 * chroma["blue"]


def test_varnish_turns_white_to_amber() -> None:
    varnished, _ = degrade("yellow_varnish", np.ones((32, 32, 3), np.float32), severity=1)
    red, green, blue = varnished.mean(axis=(0, 1))
    assert 1 > red > green + 0.05 > blue + 0.2


def test_noise_has_the_given_standard_deviation() -> None:
    noisy, _ = degrade("gaussian_noise", np.full((128, 128, 3), 0.5, np.float32), severity=0.5)
    assert np.std(noisy * 255, axis=(0, 1)) == pytest.approx([25, 25, 25], rel=0.03)


def test_blur_spreads_a_point_by_its_sigma() -> None:
    image = np.zeros((101, 1001, 3), np.float32)
    image[50, 500] = 1
    blurred, _ = degrade("blur", image, severity=0.7)
    profile = blurred[..., 1].sum(axis=0)
    variance = np.sum(profile * (np.arange(1001) - 500) ** 2) / profile.sum()
    assert np.sqrt(variance) == pytest.approx(0.0045 * 0.7 * 1001, rel=0.03)


def test_blur_at_a_reduced_size_equals_the_full_blur() -> None:
    image = painting(300, 2000)
    blurred, _ = degrade("blur", image, severity=1)
    direct = cv2.GaussianBlur(image, (0, 0), 0.0045 * 2000)
    assert np.abs(blurred - direct).mean() < 0.002


def test_jpeg_refuses_an_image_that_is_too_large_for_jpeg() -> None:
    with pytest.raises(ValueError, match="65500 px"):
        degrade("jpeg", np.zeros((1, 65501, 3), np.float32), severity=0.5)
