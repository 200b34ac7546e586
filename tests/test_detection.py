"""The probability of each class of damage at each pixel, and the input of `areas`."""

import numpy as np

from patina.models import AREA_CLASSES, CLASSES, TEXTURED_CHANNELS
from patina.tasks.restoration.detection import area_probabilities, damage_probabilities
from patina.tasks.restoration.textured import textured


def dark(view: np.ndarray) -> np.ndarray:
    """A network like `areas`: dark pixels are an area, and no pixel is a stain."""
    assert view.shape[1] % 32 == view.shape[2] % 32 == 0
    area = np.where(view[..., :3].mean(axis=3) < 0.2, 6, -6)
    return np.stack([area, np.full(area.shape, -6)], axis=3).astype(np.float32)


def test_a_work_is_examined_at_two_sizes_and_their_logits_are_averaged() -> None:
    seen = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.shape)
        logit = 4.0 if len(seen) == 1 else -2.0
        return np.full((*tile.shape[:3], len(CLASSES)), logit, np.float32)

    view = np.zeros((300, 600, 3), np.float32)
    likely = damage_probabilities(network, view, (600, 300), {"tile_px": 1024, "overlap_px": 64})
    assert likely.shape == (300, 600, len(CLASSES))
    np.testing.assert_allclose(likely, 1 / (1 + np.exp(-1)), rtol=1e-5)
    assert all(height % 32 == width % 32 == 0 for _, height, width, _ in seen)


def test_larger_views_are_left_out_if_the_smallest_is_sufficient() -> None:
    seen: list[tuple[int, ...]] = []

    def network(tile: np.ndarray) -> np.ndarray:
        seen.append(tile.shape)
        return np.full((*tile.shape[:3], len(CLASSES)), -3, np.float32)

    def look(*, enough: bool) -> np.ndarray | None:
        seen.clear()
        view = np.zeros((300, 600, 3), np.float32)
        tiles = {"tile_px": 1024, "overlap_px": 64}
        return damage_probabilities(network, view, (600, 300), tiles, lambda logits: enough)

    assert look(enough=False) is not None
    assert len(seen) == 2
    assert look(enough=True) is None
    assert len(seen) == 1


def test_damage_is_found_at_its_place_though_the_smallest_view_is_mirrored() -> None:
    first: list[np.ndarray] = []

    def network(tile: np.ndarray) -> np.ndarray:
        first.append(tile)
        return np.repeat(10 - 20 * tile[..., :1], len(CLASSES), axis=3)  # dark pixels

    view = np.ones((320, 640, 3), np.float32)
    view[100:160, 100:240] = 0
    likely = damage_probabilities(network, view, (640, 320), {"tile_px": 1024, "overlap_px": 64})
    dark_columns = np.argwhere(first[0][0, ..., 0] < 0.5)[:, 1]
    assert dark_columns.min() > first[0].shape[2] / 2
    assert likely is not None
    found = np.argwhere(likely[..., 0] > 0.5)
    np.testing.assert_allclose(found.min(axis=0), (100, 100), atol=2)
    np.testing.assert_allclose(found.max(axis=0), (159, 239), atol=2)


def test_an_area_is_found_at_its_place() -> None:
    view = np.full((300, 640, 3), 0.6, np.float32)
    view[120:200, 400:520] = 0.05
    likely = area_probabilities(dark, view, (402, 858))
    assert likely.shape == (402, 858, len(AREA_CLASSES))
    found = np.argwhere(likely[..., 0] > 0.5) * 300 / 402
    np.testing.assert_allclose(found.min(axis=0), (120, 400), atol=3)
    np.testing.assert_allclose(found.max(axis=0), (200, 520), atol=3)
    assert likely[..., 1].max() < 0.01


def test_a_textured_view_separates_smooth_from_rough_surfaces() -> None:
    rng = np.random.default_rng(0)
    image = np.full((64, 96, 3), 0.5, np.float32)
    image[:, 48:] += rng.normal(0, 0.1, (64, 48, 1)).astype(np.float32)
    view = textured(image)
    assert view.shape == (16, 24, TEXTURED_CHANNELS)
    smooth, rough = view[:, 2:10], view[:, 14:22]
    np.testing.assert_allclose(smooth[..., :3], 0.5, atol=1e-6)
    assert smooth[..., 3:].max() < 0.01
    assert (rough[..., 3:].mean(axis=(0, 1)) > 0.2).all()
