"""A model's graph, exported once beside its file, and run by OpenVINO without Keras.

Its weights are filed in half precision, which takes half the room and changes a result by less than
0.1 eight-bit steps.

OpenVINO multiplies in bfloat16 where the CPU does so itself, which is twice as fast and changes a
result by less than 0.3 eight-bit steps on average.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.files import move_whole, sha256_of
from tasks.threads import in_turn

if TYPE_CHECKING:
    import keras

PRECISIONS = ("auto", "bf16", "f32")
MARK = ["patina", "model_sha256"]  # of the file whose graph it is

Function = Callable[[np.ndarray], np.ndarray]


def export(network: "keras.Model", model: Path) -> Path:
    """Write the graph of `network`, a `whole` filed at `model`, beside it: .xml and .bin."""
    graph = model.with_suffix(".xml")
    _export(network, model, graph)
    return graph


def _export(network: "keras.Model", model: Path, graph: Path) -> None:
    import openvino

    with tempfile.TemporaryDirectory(dir=graph.parent, prefix=".graph-") as folder:
        draft, marked = Path(folder) / "draft.xml", Path(folder) / "graph.xml"
        network.export(str(draft), format="openvino", verbose=False)
        exported = openvino.Core().read_model(draft)
        exported.set_rt_info(sha256_of(model), MARK)
        openvino.save_model(exported, marked, compress_to_fp16=True)
        # The weights first: the .xml names the model that both belong to
        for suffix in (".bin", ".xml"):
            move_whole(marked.with_suffix(suffix), graph.with_suffix(suffix))


def load(model: Path, precision: str = "auto") -> tuple[Function, Function, str]:
    """What `models.interventions` and `models.colour` describe, and the precision of the first.

    precision: of PRECISIONS. A model whose graph does not lie beside it is exported anew, which
    takes Keras and some seconds. Raises ValueError when the file is no model of ours, or the
    precision none of those.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision: {precision}: not one of {', '.join(PRECISIONS)}")
    import openvino

    core = openvino.Core()
    if precision == "auto":
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if native else "f32"
    graph = _graph_of(model, core)

    def function(numbered: tuple[int, str]) -> Function:
        number, asked = numbered
        part = openvino.Model([graph.outputs[number].node], [graph.inputs[number].node], "part")
        hints = {"INFERENCE_PRECISION_HINT": asked, "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(part, "CPU", hints)
        return lambda batch: compiled(batch)[0]

    tile, estimate = in_turn(function, enumerate((precision, "f32")))
    return tile, estimate, precision


def _graph_of(model: Path, core: Any) -> Any:
    beside = model.with_suffix(".xml")
    if beside.exists() and beside.with_suffix(".bin").exists():
        graph = core.read_model(beside)
        if graph.has_rt_info(MARK) and graph.get_rt_info(MARK).astype(str) == sha256_of(model):
            return graph
    try:
        from models import networks  # Keras takes seconds to import
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f"{model}: its graph {beside.name} is not beside it, and to export it {error.name} is "
            "needed: pip install patina[pipeline]"
        ) from error

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.xml"
        _export(networks.load(model), model, graph)
        # Its weights are read when it is compiled: a copy outlives the folder
        return core.read_model(graph.read_bytes(), graph.with_suffix(".bin").read_bytes())
