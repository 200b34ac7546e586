"""Converts networks to a graph for OpenVINO, and reads their weights from such a graph.

A converter folds weights into one another and transposes them. Here the weights are inputs of the
converted function, which nothing can fold, and are replaced by constants afterwards. So the graph
contains each weight as Keras has it, and the networks can be trained further without another file.

A large kernel is stored as 8-bit integers with a scale for each of its last channels if its values
are exactly their products, see `nearest`; all other weights are stored in half precision.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from patina.errors import InputError
from patina.models import present_role

LARGEST = 127  # of the 8-bit integers
SCALE_BITS = 16  # of a scale: its product with an 8-bit integer is exact in float32
# Smaller kernels, those of the first and last layers among them, keep half precision: they are a
# tenth of the weights, and in 8 bits `noise` lost 0.07 dB by them
MIN_KERNEL = 30_000


def graph_of(networks: Mapping[str, keras.Model], like: Path) -> Any:
    """Convert networks, by role, to one graph, with an input and an output for each, in order.

    The conversion needs TensorFlow. With another backend of Keras, the weights in the graph `like`
    are replaced instead. Raises InputError as `check_backend` does.
    """
    check_backend(networks, like)
    if keras.config.backend() != "tensorflow":
        return _with_weights(like, networks)
    import openvino
    import tensorflow as tf  # the other functions do not need it

    weights = {
        _name(role, number): weight
        for role, network in networks.items()
        for number, weight in enumerate(network.weights)
    }

    def outputs(given: list[Any], values: list[Any]) -> list[Any]:
        with keras.StatelessScope(state_mapping=list(zip(weights.values(), values, strict=True))):
            return [
                network(one, training=False)
                for network, one in zip(networks.values(), given, strict=True)
            ]

    specs = [
        [tf.TensorSpec((None, *network.input.shape[1:])) for network in networks.values()],
        [tf.TensorSpec(weight.shape) for weight in weights.values()],
    ]
    graph = openvino.convert_model(tf.function(outputs).get_concrete_function(*specs))
    parameters = graph.get_parameters()[len(networks) :]
    for parameter, (name, weight) in zip(parameters, weights.items(), strict=True):
        stored = _stored(name, keras.ops.convert_to_numpy(weight))
        for place in parameter.output(0).get_target_inputs():
            place.replace_source_output(stored.output(0))
        graph.remove_parameter(parameter)
    # The conversion sorts the outputs by name, so that the eleventh is before the third
    results = sorted(graph.get_results(), key=_number_of)
    return openvino.Model(results, graph.get_parameters(), graph.get_friendly_name())


def check_backend(networks: Mapping[str, keras.Model], like: Path) -> None:
    """Raise InputError if `graph_of` cannot write these networks.

    Without TensorFlow, they must be those of the graph `like`, with weights of the same shapes.
    """
    if keras.config.backend() == "tensorflow":
        return
    shapes = {role: [each.shape for each in weights] for role, weights in weights_in(like).items()}
    if shapes != {
        role: [tuple(each.shape) for each in network.weights] for role, network in networks.items()
    }:
        raise InputError(
            f"KERAS_BACKEND: {keras.config.backend()}: only TensorFlow can write the graph of a "
            "model with other networks than the shipped one; use TensorFlow (Python 3.13 or "
            "older), or train one of the shipped networks with train.width: 1"
        )


def _with_weights(file: Path, networks: Mapping[str, keras.Model]) -> Any:
    """The graph `file` with the weights of `networks`, whose shapes are the same."""
    import openvino

    graph = openvino.Core().read_model(file)
    nodes = {node.get_friendly_name(): node for node in graph.get_ops()}
    for role, network in networks.items():
        for number, weight in enumerate(network.weights):
            name = _name(role, number)
            stored = _stored(name, keras.ops.convert_to_numpy(weight))
            former = _only_user(nodes[name])  # converts it to float32
            if _name_of_scales(name) in nodes:
                former = _only_user(former)  # multiplies it by its scales
            for place in former.output(0).get_target_inputs():
                place.replace_source_output(stored.output(0))
    return graph


def _only_user(node: Any) -> Any:
    (place,) = node.output(0).get_target_inputs()
    return place.get_node()


def _number_of(result: Any) -> int:
    """The number in the name of an output: Identity:0 is the first, Identity_1:0 the second."""
    return int(result.get_friendly_name().partition(":")[0].partition("_")[2] or 0)


def weights_in(file: Path) -> dict[str, list[np.ndarray]]:
    """The weights of each network in the graph `file`, by role, as from Model.get_weights.

    They are float32. Raises InputError if the file is not a graph that `graph_of` made.
    """
    import openvino

    try:
        graph = openvino.Core().read_model(file)
    except RuntimeError as error:
        raise InputError(f"{file}: the file cannot be read as a graph: {error}") from error
    stored = {
        node.get_friendly_name(): node.data
        for node in graph.get_ops()
        if node.get_type_name() == "Constant"
    }
    found: dict[str, list[np.ndarray]] = {}
    for role in dict.fromkeys(name.partition("/")[0] for name in stored if name.endswith("/0")):
        weights = found[present_role(role)] = []
        while (name := _name(role, len(weights))) in stored:
            scales = stored.get(_name_of_scales(name), np.float32(1))
            weights.append(stored[name].astype(np.float32) * scales)
    return found


def nearest(weight: np.ndarray, *, eight_bits: bool = False) -> np.ndarray:
    """`weight`, (..., C), rounded so that a graph contains it exactly; float32.

    A kernel of MIN_KERNEL values is rounded to 8 bits if `eight_bits`, and is not changed if it was
    so rounded before. All other weights are rounded to half precision, whose rounding error is an
    eighth of that of bfloat16.
    """
    if found := _in_eight_bits(weight, exact=not eight_bits):
        integers, scales = found
        return integers * scales
    return weight.astype(np.float16).astype(np.float32)


def _in_eight_bits(weight: np.ndarray, *, exact: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """A large kernel as int8 (..., C) and a scale for each channel, float32 (C,): their products.

    exact: whether the products must be the kernel, not only the nearest ones. None if the kernel is
    small, or has no such form.
    """
    if weight.ndim < 2 or weight.size < MIN_KERNEL:
        return None
    largest = np.abs(weight).reshape(-1, weight.shape[-1]).max(axis=0).astype(np.float32)
    fraction, exponent = np.frexp(largest / np.float32(LARGEST))
    scales = np.ldexp(np.rint(np.ldexp(fraction, SCALE_BITS)), exponent - SCALE_BITS)
    scales = np.where(largest > 0, scales, np.float32(1))
    integers = np.rint(weight / scales).astype(np.int8)
    return None if exact and not np.array_equal(integers * scales, weight) else (integers, scales)


def _stored(name: str, weight: np.ndarray) -> Any:
    """The node of a graph that gives `weight` in float32."""
    from openvino import opset13 as nodes

    if found := _in_eight_bits(weight, exact=True):
        integers, scales = found
        whole = nodes.convert(nodes.constant(integers, name=name), np.float32)
        return nodes.multiply(whole, nodes.constant(scales, name=_name_of_scales(name)))
    return nodes.convert(nodes.constant(weight.astype(np.float16), name=name), np.float32)


def _name(role: str, number: int) -> str:
    return f"{role}/{number}"


def _name_of_scales(name: str) -> str:
    return f"{name}/scales"
