"""Training samples: drawn anew by number, in range, and without a change of their source."""

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from patina.crawler.sample.strokes import paint
from patina.models import CLASSES, STAINS, TONE
from patina.tasks.dataset.recipes import draw_recipe, render
from patina.tasks.evaluation.hard_works import SOUND
from patina.tasks.imaging.images import png_bytes, to_float
from patina.tasks.training import accidents, ageing, capture, curriculum
from patina.tasks.training.covering import AREAS
from patina.tasks.training.curriculum import (
    BLUR,
    INPAINTING,
    JPEG,
    NOISE,
    SEGMENTATION,
    Curriculum,
    held_back_samples,
    make_batches,
)
from patina.tasks.training.curriculum import TONE as TONES
from patina.tasks.training.stain_masks import STAIN_MASKS, stained
from patina.tasks.training.staining import STAINING
from patina.tasks.training.twins import CUTS, SEVERAL, Twins
from patina.tasks.training.works import (
    Work,
    decode_files,
    decode_works,
    draw_crop,
    grid_step_ratio,
    is_cut_off,
    is_held_out,
)

MIXTURE = {"blur": (1.0, (0.5, 0.9)), "scratches": (3.0, (0.5, 0.9)), "jpeg": (0.0, (0.5, 0.9))}
TWINS = Twins(MIXTURE, (1, 2))
CURRICULA: dict[str, Curriculum] = {
    "noise": NOISE,
    "blur": BLUR,
    "jpeg": JPEG,
    "segmentation": SEGMENTATION,
    "areas": AREAS,
    "inpainting": INPAINTING,
    "stain_segmentation": STAIN_MASKS,
    "stains": STAINING,
    "tone": TONES,
    "tone_full": TONES,
    "twins": TWINS,
}
CAPTURES = (
    *capture.NOISES[1:],
    *capture.BLURS,
    capture.compressed_on_grid,
    capture.noisy,
    capture.blurred,
    capture.noisy_compressed,
    capture.undamaged,
)
AGEINGS = (
    ageing.saturation_lost,
    ageing.contrast_lost,
    ageing.pigments_bleached,
    ageing.gamma_lost,
    ageing.faded,
    ageing.tinted,
    ageing.hazed,
    ageing.unevenly_lit,
    ageing.several,
    ageing.unchanged,
    ageing.of_library("fading", "grime"),
)


@pytest.mark.parametrize("name", CURRICULA)
def test_batches_depend_only_on_their_number(name: str, works: list[Work]) -> None:
    shown = pickle.loads(pickle.dumps(CURRICULA[name]))  # as processes are sent it
    one, other = (make_batches(each, works, 2, 7, 3) for each in (CURRICULA[name], shown))
    assert len(one) == shown.batches_per_block
    for left, right in zip(one, other, strict=True):
        for mine, same in zip(left, right, strict=True):
            assert mine.dtype == np.uint8
            assert len(mine) == 2
            np.testing.assert_array_equal(mine, same)
    (another, *_) = make_batches(shown, works, 2, 7, 4)
    assert not np.array_equal(one[0][0], another[0])


@pytest.mark.parametrize("name", CURRICULA)
def test_every_kind_has_held_back_samples_with_its_damage(
    name: str, works: list[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curriculum, "HELD_BACK", 8)
    held_back = held_back_samples(CURRICULA[name], works)
    assert set(held_back) == set(CURRICULA[name].kinds)
    for kind, (given, *rest) in held_back.items():
        assert len(given) == 8
        if name == "segmentation":
            covered = rest[1].max(axis=(0, 1, 2)) > 127
            named = {CLASSES[each] for each in np.flatnonzero(covered)}
            assert named == (set() if kind == SOUND else {kind})
        elif name == "areas":
            assert [masks.max() > 127 for masks in np.moveaxis(rest[0], 3, 0)] == [
                kind == "area",
                kind == "stain",
                True,
            ]
        elif name == "stain_segmentation":
            assert (rest[0][..., 0].max() > 127) == (kind != SOUND)
        elif kind != SOUND:
            assert np.abs(given[..., :3].astype(int) - rest[0]).max() > 8
    weights = [weight for weight, *_ in CURRICULA[name].kinds.values()]
    assert sum(weights) == pytest.approx(1)


def test_a_sample_of_inpainting_has_the_damaged_image_its_classical_fill_and_the_mask(
    works: list[Work],
) -> None:
    for given, clean in (held_back_samples(INPAINTING, works)["area"],):
        assert given.shape[-1] == 7
        assert set(np.unique(given[..., 6])) == {0, 255}
        outside = given[..., 6] == 0
        np.testing.assert_array_equal(given[..., 3:6][outside], given[..., :3][outside])
        inside = given[..., 6] == 255
        errors = [
            np.abs(given[..., part].astype(float) - clean)[inside].mean()
            for part in (slice(0, 3), slice(3, 6))
        ]
        assert errors[1] < errors[0]


def test_views_have_the_input_size_of_tone(works: list[Work]) -> None:
    (view, sound), *_ = make_batches(TONES, works, 2, 0, 0)
    assert view.shape == sound.shape == (2, TONE.view_px, TONE.view_px, 3)


def test_samples_of_a_single_network_follow_the_recipes_of_the_pipeline(works: list[Work]) -> None:
    assert set(TWINS.kinds) == {"blur", "scratches", SEVERAL, SOUND}
    assert TWINS.kinds["scratches"][0] == pytest.approx(3 * TWINS.kinds["blur"][0])
    rng = np.random.default_rng(0)
    samples = TWINS.samples(works[:1], rng, "blur")
    assert len(samples) == CUTS
    again = np.random.default_rng(0)
    assert int(again.integers(1)) == 0
    recipe = draw_recipe(
        "blur",
        f"{int(again.integers(2**31))}",
        seed=0,
        mixture={"blur": MIXTURE["blur"]},
        count=(1, 1),
    )
    twin, _ = render(to_float(np.asarray(works[0].pixels)), recipe)
    colours = {tuple(pixel) for pixel in np.rint(twin * 255).astype(int).reshape(-1, 3)}
    assert {tuple(pixel) for pixel in samples[0][0].astype(int).reshape(-1, 3)} <= colours
    for degraded, clean in TWINS.samples(works, rng, SOUND):
        np.testing.assert_array_equal(degraded, clean)


@pytest.mark.parametrize(
    "damage", CAPTURES + AGEINGS, ids=lambda each: getattr(each, "__name__", "library")
)
def test_a_function_that_damages_is_pure_deterministic_and_finite(damage) -> None:  # type: ignore[no-untyped-def]
    image = to_float(paint(0)[0][:72, :88])
    before = image.copy()
    for seed in range(4):
        one, same = (damage(image, np.random.default_rng(seed)) for _ in range(2))
        assert one.shape == image.shape
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert -1.5 < one.min() <= one.max() < 2.5
        np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("kind", CLASSES)
def test_the_mask_of_accidental_damage_covers_what_it_changed(kind: str) -> None:
    image = to_float(paint(1)[0][:160, :200])
    before = image.copy()
    seen = 0
    for seed in range(6):
        one, mask = accidents.damaged(image, np.random.default_rng(seed), 0.6, kind)
        same, _ = accidents.damaged(image, np.random.default_rng(seed), 0.6, kind)
        np.testing.assert_array_equal(one, same)
        assert 0 <= one.min() <= one.max() <= 1
        assert 0 <= mask.min() <= mask.max() <= 1
        changed = np.abs(one - image).max(axis=2)
        seen += int((mask > 0.5).any())
        if (mask > 0.5).any():
            assert changed[mask > 0.5].mean() > 2 * changed[mask == 0].mean()
    assert seen >= 4
    np.testing.assert_array_equal(image, before)


def test_a_crop_is_square_and_in_range_whatever_the_size_of_the_work(works: list[Work]) -> None:
    rng = np.random.default_rng(0)
    for side in (32, 96, 500):
        crop = draw_crop(works, rng, side)
        assert crop.shape == (side, side, 3)
        assert 0 <= crop.min() <= crop.max() <= 1


def test_works_that_cannot_be_used_are_left_out(tmp_path: Path) -> None:
    whole = paint(0)[0][:320, :400]
    cut = whole.copy()
    cut[-40:] = 128
    pictures = {"whole": whole, "cut": cut, "small": whole[:100]}
    for name, picture in pictures.items():
        (tmp_path / f"{name}.png").write_bytes(png_bytes(picture))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    files = sorted(tmp_path.glob("*.png"))
    assert is_cut_off(cut)
    assert not is_cut_off(whole)
    for _ in range(2):  # decoded once, then known
        (used,) = decode_files(files, tmp_path / "decoded")
        np.testing.assert_array_equal(used.pixels, whole)
    with pytest.raises(ValueError, match="there is no image for training"):
        decode_works([tmp_path / "nowhere"], tmp_path / "other")


def test_works_are_held_out_by_their_name_in_any_folder(tmp_path: Path) -> None:
    names = [f"work-{number}" for number in range(40)]
    held = [name for name in names if is_held_out(name)]
    assert 0 < len(held) < 10
    picture = png_bytes(paint(0)[0][:260, :260])
    for name in names:
        (tmp_path / f"{name}.png").write_bytes(picture)
    works = decode_works([tmp_path], tmp_path / "decoded")
    assert len(works) == len(names) - len(held)


def test_a_jpeg_of_low_quality_is_blocky_and_its_original_is_not() -> None:
    image = to_float(paint(0)[0][:256, :256])
    coded = capture._compressed(image, np.random.default_rng(1), (10, 11), np.array((0, 0)))
    assert grid_step_ratio((image * 255).astype(np.uint8)) < 1.12
    assert grid_step_ratio((coded * 255).astype(np.uint8)) > 1.3


def test_a_sample_of_stains_differs_from_the_undamaged_view_only_inside_the_mask(
    works: list[Work],
) -> None:
    rng = np.random.default_rng(3)
    for kind in ("spill", "tape", "random"):
        for given, clean in STAINING.samples(works, rng, kind):
            change = np.abs(given[..., :3].astype(int) - clean).max(axis=2)
            marked = given[..., STAINS.mask][..., 0] > 127
            assert 0 < marked.mean() < 0.9
            assert change[marked].mean() > 3 * change[~marked].mean()


def test_a_sample_of_stain_masks_has_the_stain_and_its_outline(works: list[Work]) -> None:
    rng = np.random.default_rng(3)
    for kind in ("spill", "tape", "random"):
        for view, target in STAIN_MASKS.samples(works, rng, kind):
            inside, outline = target[..., 0] > 0.4 * 255, target[..., 1] > 127
            assert view.shape == (2 * target.shape[0], 2 * target.shape[1], 3)
            assert inside.any() == outline.any()
            assert (target[..., 2] == 255).all()
            near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            assert (near | ~outline).all()
    for _, target in STAIN_MASKS.samples(works, rng, SOUND):
        assert not target[..., :2].any()


def test_a_stain_changes_the_work_where_its_mask_is(works: list[Work]) -> None:
    rng = np.random.default_rng(5)
    clean = np.ascontiguousarray(works[0].pixels[:200, :200], np.float32) / 255
    for kind in ("spill", "tape", "random"):
        twin, mask = stained(kind, clean, rng)
        change = np.abs(twin - clean).max(axis=2)
        assert change[mask > 0.5].mean() > 3 * change[mask == 0].mean()
    twin, mask = stained(SOUND, clean, rng)
    np.testing.assert_array_equal(twin, clean)
    assert not mask.any()
