"""A graph contains the weights of its networks exactly, the large kernels in 8 bits."""

from pathlib import Path

import keras
import numpy as np
import openvino
import pytest

from patina.errors import InputError
from patina.models import registry
from patina.models.graphs import MIN_KERNEL, check_backend, graph_of, nearest, weights_in
from patina.tasks.restoration.weights import shipped


def kernel(*shape: int, seed: int = 0) -> np.ndarray:
    """A random kernel whose channels have very different sizes; the first channel is zero."""
    rng = np.random.default_rng(seed)
    sizes = 10 ** rng.uniform(-6, 1, shape[-1]) * (np.arange(shape[-1]) > 0)
    return (rng.standard_normal(shape) * sizes).astype(np.float32)


def test_rounding_to_8_bits_changes_a_value_by_at_most_half_a_step_of_its_channel() -> None:
    given = kernel(3, 3, 64, 64)
    rounded = nearest(given, eight_bits=True)
    steps = np.abs(given).max(axis=(0, 1, 2)) / 127
    assert (np.abs(rounded - given) <= 0.501 * steps).all()
    assert all(len(np.unique(rounded[..., channel])) <= 255 for channel in range(64))
    assert rounded.dtype == np.float32


def test_a_rounded_kernel_is_not_changed_again() -> None:
    for seed in range(20):
        rounded = nearest(kernel(3, 3, 64, 64, seed=seed), eight_bits=True)
        np.testing.assert_array_equal(nearest(rounded), rounded)
        np.testing.assert_array_equal(nearest(rounded, eight_bits=True), rounded)


def test_small_kernels_and_other_weights_are_rounded_to_half_precision() -> None:
    vector = np.random.default_rng(0).random(MIN_KERNEL + 1, np.float32)
    for given in (kernel(1, 1, 8, 8), vector):
        expected = given.astype(np.float16)
        np.testing.assert_array_equal(nearest(given, eight_bits=True), expected)


def rounded_networks(*roles: str) -> dict[str, keras.Model]:
    """Untrained networks of full width with random weights, as they are shipped."""
    registry.set_precision("float32")
    networks = {role: registry.build(role) for role in roles}
    rng = np.random.default_rng(0)
    for network in networks.values():
        drawn = [rng.uniform(0.01, 0.1, weight.shape) for weight in network.get_weights()]
        network.set_weights([nearest(each.astype(np.float32), eight_bits=True) for each in drawn])
    return networks


def test_the_weights_are_read_from_a_graph_as_they_were(tmp_path: Path) -> None:
    networks = rounded_networks("tone", "stains")  # stains has batch normalisation
    openvino.save_model(graph_of(networks, shipped()), tmp_path / "a.xml", compress_to_fp16=False)
    read = weights_in(tmp_path / "a.xml")
    assert set(read) == {"tone", "stains"}
    for role, network in networks.items():
        for one, same in zip(read[role], network.get_weights(), strict=True):
            assert one.dtype == np.float32
            np.testing.assert_array_equal(one, same)
    values = sum(network.count_params() for network in networks.values())
    assert (tmp_path / "a.bin").stat().st_size < 1.4 * values


def test_the_outputs_of_more_than_ten_networks_keep_their_order() -> None:
    networks = {}
    for number in range(12):
        given = keras.layers.Input((1,))
        networks[str(number)] = keras.Model(
            given, keras.layers.Rescaling(1.0, float(number))(given)
        )
    compiled = openvino.Core().compile_model(graph_of(networks, shipped()), "CPU")
    found = compiled([np.zeros((1, 1), np.float32)] * len(networks))
    assert [float(found[number].item()) for number in range(12)] == list(range(12))


def test_a_graph_of_other_networks_is_refused(tmp_path: Path) -> None:
    given = openvino.opset13.parameter([1], np.float32)
    openvino.save_model(openvino.Model([given], [given], "other"), tmp_path / "other.xml")
    with pytest.raises(InputError, match=r"other\.xml: the file has no network that this version"):
        registry.load(tmp_path / "other.xml")
    (tmp_path / "text.xml").write_text("no graph")
    with pytest.raises(InputError, match=r"text\.xml: the file cannot be read as a graph"):
        registry.load(tmp_path / "text.xml")


def test_without_tensorflow_other_networks_than_the_shipped_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    networks = registry.networks_of(registry.load(shipped()))
    check_backend(networks, shipped())
    narrow = registry.build("tone", width=0.5)
    for others in ({"noise": registry.build("unet")}, networks | {"tone": narrow}):
        with pytest.raises(InputError, match="KERAS_BACKEND: jax: only TensorFlow can write"):
            check_backend(others, shipped())
