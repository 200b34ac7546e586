"""Rewrites a graph so that OpenVINO copies less; the output keeps its bytes.

Keras puts the channels last, and OpenVINO's convolutions put them first. OpenVINO converts most
operations. Before and after the others it transposes its tensor: before and after enlargements,
which Keras exports as repetitions, and slices. These copies took a third of the time of `noise`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

VERSION = "1"  # another one for each change of the rewritten graphs: compiled networks are cached
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]  # orders of axes: to channels last, to first
ROWS, COLUMNS = 2, 3  # axes of a tensor with the channels first
# A repetition of the rows and then of the columns of a tensor with the channels first; it ends with
# the channels last
REPEATED = ("Reshape", "Tile", "Unsqueeze", "Reshape", "Transpose", "Tile", "Unsqueeze")

Node = Any  # of an OpenVINO graph


def rewritten(graph: Any) -> Any:
    """A copy of `graph`, an openvino.Model, with fewer transpositions."""
    from openvino.passes import ConstantFolding, Manager

    graph = graph.clone()
    # Without it a device may compute the weights from 8 bits again for each tile
    manager = Manager()
    manager.register_pass(ConstantFolding())
    manager.run_passes(graph)
    for replacement in (_enlarged, _sliced_first, _transposed_twice):
        _replace(graph, replacement)
    graph.validate_nodes_and_infer_types()
    return graph


def _replace(graph: Any, replacement: Callable[[Node], Any]) -> None:
    for node in graph.get_ordered_ops():
        if (output := replacement(node)) is not None:
            node.output(0).replace(output)


def _enlarged(node: Node) -> Any:
    """An enlargement of rows and columns in place of a repetition; None for other nodes."""
    from openvino import opset13

    chain = _chain(node, *REPEATED)
    if not chain:
        return None
    down, across = _constant(chain[5], 1), _constant(chain[1], 1)
    if down is None or across is None:
        return None
    factors = np.array([down[ROWS], across[COLUMNS]], np.float32)
    large = opset13.interpolate(
        chain[-1].input_value(0),
        opset13.constant(factors),
        "nearest",
        "scales",
        axes=opset13.constant(np.array([ROWS, COLUMNS])),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return opset13.transpose(large, opset13.constant(np.array(TO_LAST))).output(0)


def _sliced_first(node: Node) -> Any:
    """A slice with the channels first, in place of a slice between two transpositions."""
    from openvino import opset13

    chain = _chain(node, "Transpose", "StridedSlice", "Transpose")
    if not chain or not _cancel(chain[0], chain[2]):
        return None
    masks = chain[1].get_attributes()
    if any(any(masks[f"{kind}_mask"]) for kind in ("new_axis", "shrink_axis", "ellipsis")):
        return None
    limits = [_constant(chain[1], at) for at in (1, 2, 3)]
    if any(limit is None for limit in limits):
        return None
    begin, end, step = ([*limit] for limit in limits)
    unlimited = [[*masks[f"{kind}_mask"]][: len(begin)] for kind in ("begin", "end")]
    unlimited = [mask + [0] * (len(begin) - len(mask)) for mask in unlimited]
    bounds = [_channels_first(*each) for each in ((begin, 0), (end, 0), (step, 1))]
    ignored = [_channels_first(mask, 1) for mask in unlimited]
    constants = [opset13.constant(np.array(bound)) for bound in bounds]
    return opset13.strided_slice(chain[2].input_value(0), *constants, *ignored).output(0)


def _transposed_twice(node: Node) -> Any:
    """The tensor before two transpositions that cancel each other."""
    chain = _chain(node, "Transpose", "Transpose")
    return chain[1].input_value(0) if chain and _cancel(*chain) else None


def _chain(node: Node, *kinds: str) -> list[Node]:
    """`node` and the nodes before it, by their first inputs; empty if they are of other kinds."""
    chain = []
    for kind in kinds:
        if node.get_type_name() != kind:
            return []
        chain.append(node)
        node = node.input_value(0).get_node()
    return chain


def _cancel(last: Node, first: Node) -> bool:
    """Whether `first` puts the channels last, and `last` puts them first again."""
    orders = [_constant(node, 1) for node in (first, last)]
    return all(order is not None for order in orders) and (
        [[*order] for order in orders] == [TO_LAST, TO_FIRST]
    )


def _constant(node: Node, number: int) -> Any:
    """An input of `node` as an array, if it is a constant; otherwise None."""
    source = node.input_value(number).get_node()
    return source.get_data() if source.get_type_name() == "Constant" else None


def _channels_first(values: list[int], missing: int) -> list[int]:
    """Values of the axes in the order of TO_FIRST. missing: value of the last axes, if left out."""
    every = values + [missing] * (len(TO_FIRST) - len(values))
    return [int(every[axis]) for axis in TO_FIRST]
