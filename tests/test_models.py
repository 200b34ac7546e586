"""Properties of every network in models.NETWORKS."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

from patina.models import NETWORKS, ROLES, STAINS, TONE, losses, registry, tone
from patina.models.inpainting import compose
from patina.tasks.restoration.inference import Networks
from patina.tasks.training.ship import write_model
from patina.tasks.training.specialists import SINGLE, SPECIALISTS, Specialist, single
from patina.tasks.training.twins import Twins

TINY = 0.125  # of the width
# Without those that see a whole work
TILED = sorted(set(NETWORKS) - {"tone", "tone_full", "areas", "stains"})
CHANNELS = {"inpainting": 7, "areas": 6, "stains": STAINS.channels}
OUTPUTS = {
    "inpainting": 4,
    "segmentation": 5,
    "areas": 2,
    "stain_segmentation": 2,
    "stains": 4,
    "tone": 19,
    "tone_full": 19,
}


def build(name: str) -> keras.Model:
    registry.be_deterministic(0)
    registry.set_precision("float32")
    return registry.build(name, width=TINY)


def given(name: str, side: int = 32, seed: int = 0) -> np.ndarray:
    side = TONE.view_px if name in ("tone", "tone_full") else side
    shape = (2, side, side, CHANNELS.get(name, 3))
    return np.random.default_rng(seed).random(shape, np.float32)


def changing(name: str) -> keras.Model:
    """An untrained network changes nothing; this one changes its input."""
    network = build(name)
    randomise(network)
    return network


def randomise(network: keras.Model) -> None:
    """Replace the weights of a network by random numbers."""
    rng = np.random.default_rng(0)
    for weight in network.trainable_weights:
        weight.assign(rng.normal(0, 0.1, weight.shape))


def undamaged(name: str) -> np.ndarray:
    """Input in which a network has nothing to change, even before its training."""
    image = given(name)
    if name == "noise":
        image = np.full_like(image, 0.4)  # its first estimate finds no noise in this
    return image


def specialist(name: str) -> Specialist:
    return single(name, Twins({}, (0, 0))) if name in SINGLE else SPECIALISTS[name]


def output_of(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """The output of a network, computed without compiling it, which takes seconds."""
    return np.asarray(network(images, training=False))


class Saved(NamedTuple):
    """A network that changes its input, the same read from a file, and its graph.

    untrained: its output before its weights were changed, for `undamaged`.
    """

    untrained: np.ndarray
    network: keras.Model
    loaded: keras.Model
    graph: Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """All networks by name; those of different roles are saved in one model."""
    found = {}
    for names in (ROLES, *((name,) for name in SINGLE)):
        file = tmp_path_factory.mktemp("models") / "model.keras"
        networks = {specialist(name).role: build(name) for name in names}
        untrained = [
            output_of(network, undamaged(name))
            for name, network in zip(names, networks.values(), strict=True)
        ]
        for network in networks.values():
            randomise(network)
        write_model(networks, file)
        loaded, graphs = registry.networks_of(registry.load(file)), Networks(file, "f32")
        for name, output, (role, network) in zip(names, untrained, networks.items(), strict=True):
            found[name] = Saved(output, network, loaded[role], graphs[role])
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_changes_almost_nothing(name: str, saved: dict[str, Saved]) -> None:
    output = saved[name].untrained
    assert output.shape[-1] == OUTPUTS.get(name, 3)
    if name in ("areas", "stain_segmentation"):
        assert output.max() < -1  # logits: nothing is found
    else:
        assert np.abs(output).mean() < 0.02


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_same_output_after_saving_and_from_its_graph(
    name: str, saved: dict[str, Saved]
) -> None:
    _, network, loaded, graph = saved[name]
    expected = output_of(network, given(name))
    np.testing.assert_array_equal(output_of(loaded, given(name)), expected)
    scale = float(np.abs(expected).mean())
    assert scale > 0
    assert np.abs(graph(given(name)) - expected).mean() < 0.01 * scale


@pytest.mark.parametrize("name", TILED)
def test_the_output_for_a_pixel_depends_only_on_its_surroundings(
    name: str, saved: dict[str, Saved]
) -> None:
    network = saved[name].network
    image = np.random.default_rng(1).random((1, 64, 512, CHANNELS.get(name, 3)), np.float32)
    other = image.copy()
    other[:, :, 400:] = 0.5
    one, two = (output_of(network, each) for each in (image, other))
    scale = one.shape[2] / 512
    near, far = round(192 * scale), round(400 * scale)
    np.testing.assert_array_equal(one[:, :, :near], two[:, :, :near])
    assert not np.array_equal(one[:, :, far:], two[:, :, far:])


def test_networks_of_several_roles_are_saved_in_one_model_and_keep_their_weights(
    tmp_path: Path,
) -> None:
    networks = {"tone": changing("tone"), "noise": changing("unet")}
    write_model(networks, tmp_path / "model.keras")
    loaded = registry.networks_of(registry.load(tmp_path / "model.keras"))
    assert list(loaded) == ["noise", "tone"]  # in the order in which they are applied
    for role, network in networks.items():
        for one, same in zip(loaded[role].get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(one, same)


def test_a_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    build("unet").save(tmp_path / "model.keras")
    with pytest.raises(
        ValueError, match=r"model\.keras: the file has no network that this version"
    ):
        registry.load(tmp_path / "model.keras")


def test_a_model_file_with_code_is_refused(tmp_path: Path) -> None:
    image = keras.Input((None, None, 3))
    code = keras.Model(image, keras.layers.Lambda(lambda pixels: pixels * 2)(image))
    code.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="lambda"):
        registry.load(tmp_path / "model.keras")


def test_weights_are_copied_to_float32_whatever_the_precision() -> None:
    registry.set_precision("mixed_bfloat16")
    trained = registry.build("unet", width=TINY)
    plain = registry.in_float32(trained.get_weights(), "unet", TINY)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    registry.set_precision("float32")
    assert {layer.compute_dtype for layer in plain.layers} == {"float32"}
    for one, same in zip(plain.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_decibels_give_every_image_the_same_influence() -> None:
    target = np.zeros((2, 8, 8, 3), np.float32)
    residual = np.stack([np.full((8, 8, 3), 0.1), np.full((8, 8, 3), 0.2)]).astype(np.float32)
    found = keras.ops.convert_to_numpy(losses.decibels(target, residual))
    np.testing.assert_allclose(found, np.log([0.01 + 1e-5, 0.04 + 1e-5]), rtol=1e-4)


def test_the_loss_of_a_fill_counts_only_pixels_inside_its_mask() -> None:
    view = np.full((1, 8, 8, 7), 0.5, np.float32)
    view[..., 6] = 0
    view[:, 2:4, 2:4, 6] = 1
    clean = np.full((1, 8, 8, 3), 0.5, np.float32)
    output = np.zeros((1, 8, 8, 4), np.float32)
    target = np.concatenate([view, clean], axis=3)
    perfect = float(losses.masked_decibels(target, output)[0])
    output[:, 6:, 6:, :3] = 0.3
    assert float(losses.masked_decibels(target, output)[0]) == pytest.approx(perfect)
    output[:, 2:4, 2:4, :3] = 0.3
    assert float(losses.masked_decibels(target, output)[0]) > perfect + 3


def test_a_certain_error_costs_more_than_an_uncertain_one() -> None:
    masks = np.zeros((1, 16, 16, 1), np.float32)
    doubtful, wrong = np.full_like(masks, -3.0), np.full_like(masks, -9.0)
    wrong[0, :2, :2] = 6
    entropies = [
        float(np.log1p(np.exp(logits)).mean()) for logits in (doubtful, np.minimum(wrong, 6))
    ]
    found = [float(losses.class_entropy(masks, logits)[0]) for logits in (doubtful, wrong)]
    assert found[1] / found[0] > 2 * entropies[1] / entropies[0]


def test_the_matrix_of_tone_is_applied_before_its_fields() -> None:
    view = given("tone")
    change = np.zeros((2, TONE.grid, TONE.grid, 19), np.float32)
    change[..., TONE.matrix] = np.float32([[0, 0, 0.2, 0], [0, 0, 0, 0.1], [0, 0, 0, 0]]).ravel()
    change[..., TONE.gain], change[..., TONE.offset] = 0.5, -0.1
    expected = view.copy()
    expected[..., 0] += np.float32(0.2) * view[..., 2]
    expected[..., 1] += np.float32(0.1)
    expected = expected * np.float32(1.5) - np.float32(0.1)
    np.testing.assert_allclose(np.asarray(tone.compose(view, change)), expected, atol=1e-5)


def test_a_fill_is_the_weighted_mean_of_the_classical_fill_and_the_image() -> None:
    view = given("inpainting")
    output = np.zeros((2, 32, 32, 4), np.float32)
    output[..., 3] = -0.1
    np.testing.assert_allclose(compose(view, output), view[..., 3:6], atol=1e-6)
    output[..., 3] = 0.9
    np.testing.assert_allclose(compose(view, output), view[..., :3], atol=1e-6)
    output[..., :3] = 0.25
    np.testing.assert_allclose(compose(view, output), view[..., :3] + 0.25, atol=1e-6)


def test_the_loss_of_areas_uses_the_whole_batch_and_the_weights_of_the_pixels() -> None:
    target = np.zeros((2, 4, 4, 3), np.float32)
    target[0, :2, :, 0] = 1  # half of one work is an area
    target[..., 2] = 1
    right = np.where(target[..., :2] > 0, 20, -20).astype(np.float32)
    assert float(np.max(losses.area_error(target, right))) < 0.01
    wrong = right.copy()
    wrong[1, 0, 0, 1] = 20  # a stain is found where there is none
    assert float(np.mean(losses.area_error(target, wrong))) > 0.3
    target[1, 0, 0, 2] = 0  # and it does not count there
    assert float(np.max(losses.area_error(target, wrong))) < 0.01


def test_the_loss_of_stains_counts_only_pixels_inside_the_mask() -> None:
    given = np.full((1, 16, 16, STAINS.channels), 0.4, np.float32)
    given[..., STAINS.estimate] = 0.5  # no estimate
    given[..., STAINS.mask] = 0
    given[:, :4, :, STAINS.mask] = 1
    clean, output = np.full((1, 16, 16, 3), 0.4, np.float32), np.zeros((1, 16, 16, 4), np.float32)
    clean[:, :4] = 0.5
    target = np.concatenate([given, clean], axis=3)

    def decibels() -> float:
        return float(10 / np.log(10) * losses.stain_decibels(target, output)[0])

    left = decibels()
    assert left == pytest.approx(10 * np.log10(0.01 + 3e-4), abs=0.1)
    output[..., :3] = np.log((0.5 + STAINS.floor) / (0.4 + STAINS.floor))
    assert decibels() == pytest.approx(10 * np.log10(3e-4), abs=0.1)
    output[..., :3] = 0
    output[..., 3] = 40  # the whole weight for an estimate that is right
    target[..., STAINS.estimate] += np.log(0.52 / 0.42) / STAINS.estimate_scale
    assert decibels() == pytest.approx(10 * np.log10(3e-4), abs=0.1)
