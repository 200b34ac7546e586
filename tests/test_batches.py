"""What networks are trained on."""

from pathlib import Path

import numpy as np
import pytest

from patina.crawler.sample.strokes import paint
from patina.tasks.dataset.recipes import recipe_by_hand, render
from patina.tasks.imaging.images import png_bytes, to_float, to_uint8
from patina.tasks.training.batches import MASK, Feed, Feeder, cut_patches, with_target


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("works")
    files = [folder / f"{number}.png" for number in range(2)]
    for number, file in enumerate(files):
        file.write_bytes(png_bytes(paint(number)[0][:256, :384]))
    return files


def feed(works: list[Path], damage: str) -> Feed:
    return Feed(works, {damage: (1.0, (0.6, 0.6))}, (1, 1), seed=0)


def test_a_faint_scratch_is_damage_for_all_that(works: list[Path]) -> None:
    clean = to_float(paint(0)[0][:256, :384])
    recipe = recipe_by_hand("0", "scratches:0.6", seed=0)
    degraded, mask = render(clean, recipe)
    layers = with_target(clean, recipe)
    np.testing.assert_array_equal(layers[..., :3], to_uint8(degraded))
    np.testing.assert_array_equal(layers[..., 3:MASK], to_uint8(clean))
    assert (mask > 0.9).sum() == 0
    assert (layers[..., MASK] == 255).sum() == (mask >= 0.2).sum() > 100


def test_half_of_the_patches_show_the_damage_of_a_work(works: list[Path]) -> None:
    patches = cut_patches(feed(works, "tear"), 0, range(8), 32, 40)
    assert patches.shape == (320, 32, 32, 7)
    shown = (patches[..., MASK] > 127).any(axis=(1, 2))
    assert 0.4 < shown.mean() < 0.7


def test_of_a_work_without_masks_patches_are_cut_anywhere(works: list[Path]) -> None:
    patches = cut_patches(feed(works, "gaussian_noise"), 0, range(2), 32, 10)
    assert patches.shape == (20, 32, 32, 7)
    assert not patches[..., MASK].any()


def test_batches_are_the_same_whatever_the_number_of_processes(works: list[Path]) -> None:
    made = []
    for processes in (1, 2):
        with Feeder(feed(works, "dust"), steps=3, batch=4, processes=processes) as feeder:
            made.append([*feeder.patches(5, (32, 48))])
    for one, other in zip(*made, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(("damage", "least", "most"), [("jpeg", 0.15, 0.45), ("dust", 0.85, 0.99)])
def test_most_twins_without_local_damage_are_of_a_smaller_work(
    tmp_path: Path, damage: str, least: float, most: float
) -> None:
    striped = np.zeros((256, 384, 3), np.uint8)
    striped[:, ::2] = 255
    (tmp_path / "striped.png").write_bytes(png_bytes(striped))
    patches = cut_patches(feed([tmp_path / "striped.png"], damage), 0, range(60), 64, 1)
    as_it_is = [set(np.unique(patch)) == {0, 255} for patch in patches[..., 3:MASK]]
    assert least < np.mean(as_it_is) < most
