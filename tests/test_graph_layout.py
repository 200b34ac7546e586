"""A rewritten graph has fewer transpositions and the same output."""

import numpy as np
import openvino
import pytest

from patina.tasks.restoration import weights
from patina.tasks.restoration.graph_layout import rewritten


@pytest.fixture(scope="module")
def core() -> openvino.Core:
    return openvino.Core()


def part(core: openvino.Core, role: str) -> openvino.Model:
    """The graph of one shipped network, as it was exported."""
    graph = core.read_model(weights.shipped().with_suffix(".xml"))
    roles = graph.get_rt_info(["patina", "roles"]).astype(str).split(",")
    number = roles.index(role)
    return openvino.Model([graph.outputs[number].node], [graph.inputs[number].node], role)


def transpositions(graph: openvino.Model) -> int:
    return sum(node.get_type_name() == "Transpose" for node in graph.get_ops())


@pytest.mark.parametrize("role", ["noise", "segmentation"])
def test_a_rewritten_graph_has_fewer_transpositions_and_gives_the_same_bytes(
    core: openvino.Core, role: str
) -> None:
    exported = part(core, role)
    faster = rewritten(exported)
    assert transpositions(faster) <= transpositions(exported) / 2
    tile = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    expected, found = (
        core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(tile)[0]
        for graph in (exported, faster)
    )
    np.testing.assert_array_equal(found, expected)


def test_the_graph_that_is_rewritten_stays_as_it_was(core: openvino.Core) -> None:
    exported = part(core, "blur")
    before = transpositions(exported)
    rewritten(exported)
    assert transpositions(exported) == before
