"""A model's graph, exported once beside its file, and run by OpenVINO without Keras.

Its weights are filed in half precision, which takes half the room and changes a result by less than
0.1 eight-bit steps.

OpenVINO multiplies in bfloat16 where the CPU does so itself, which is twice as fast and changes a
result by less than 0.3 eight-bit steps on average.

To compile a graph takes most of a second, so the last one of each precision is kept, compiled, in
the user's cache folder: sealed by a SHA-256, for OpenVINO would run flipped bits without a word.
"""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from platformdirs import user_cache_path

from patina.errors import InputError, MissingExtraError
from patina.tasks.io.atomic import move_whole, sha256_of, write_bytes

if TYPE_CHECKING:
    import keras

PRECISIONS = ("auto", "bf16", "f32")
MARK = ["patina", "model_sha256"]  # of the file whose graph it is
OUTPUTS = ("looking", "treating", "estimate")  # of the graph, in its order
MACHINE = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
SEAL_BYTES = sha256().digest_size

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
        _apart(network).export(str(draft), format="openvino", verbose=False)
        exported = openvino.Core().read_model(draft)
        exported.set_rt_info(sha256_of(model), MARK)
        openvino.save_model(exported, marked, compress_to_fp16=True)
        # The weights first: the .xml names the model that both belong to
        for suffix in (".bin", ".xml"):
            move_whole(marked.with_suffix(suffix), graph.with_suffix(suffix))


def _apart(network: "keras.Model") -> "keras.Model":
    import keras

    from patina.models import heads  # which takes Keras as well

    tile, estimate = (network.get_layer(name) for name in ("interventions", "estimate"))
    parts = [*heads.apart(tile), estimate]
    given = [keras.Input(part.input.shape[1:], name=part.name + "_given") for part in parts]
    return keras.Model(given, [part(one) for part, one in zip(parts, given, strict=True)])


def load(model: Path, precision: str = "auto") -> tuple[Function, Function, Function, str]:
    """What `heads.apart` and `patina.models.colour` describe; the precision of all but the last.

    precision: of PRECISIONS. A model whose graph does not lie beside it is exported anew, which
    takes Keras and some seconds. Raises ValueError when the file is no model of ours, or the
    precision none of those.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision: {precision}: not one of {', '.join(PRECISIONS)}")
    import openvino

    core = openvino.Core()
    if precision == "auto":
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if native else "f32"
    compiler = _Compiler(core, model)
    look, treat = (compiler.function(number, precision) for number in (0, 1))
    return look, treat, compiler.function(2, "f32"), precision


class _Compiler:
    """Compiles the functions of a model's graph, or has them from the user's cache."""

    def __init__(self, core: Any, model: Path) -> None:
        self.core, self.model = core, model
        machine = [str(core.get_property("CPU", name)) for name in MACHINE]
        build = core.get_versions("CPU")["CPU"].build_number
        self.origin = "\n".join([build, *machine, sha256_of(model)]).encode()

    @cached_property
    def graph(self) -> Any:
        return _graph_of(self.model, self.core)

    def function(self, number: int, precision: str) -> Function:
        """What gives an output of the graph."""
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        place = user_cache_path("patina") / f"{OUTPUTS[number]}-{precision}"
        if kept := self._kept(place):
            compiled = self.core.import_model(kept, "CPU", hints)
        else:
            compiled = self.core.compile_model(self._part(number), "CPU", hints)
            with suppress(OSError):  # no room, or not ours: the next run compiles again
                kept = compiled.export_model().getvalue()
                write_bytes(place, self._seal(kept) + kept)
        return lambda batch: compiled(batch)[0]

    def _part(self, number: int) -> Any:
        import openvino

        output, source = self.graph.outputs[number], self.graph.inputs[number]
        return openvino.Model([output.node], [source.node], OUTPUTS[number])

    def _kept(self, place: Path) -> bytes:
        """What lies at `place`; nothing if that is of something else, or not whole."""
        with suppress(OSError):
            held = place.read_bytes()
            seal, kept = held[:SEAL_BYTES], held[SEAL_BYTES:]
            if seal == self._seal(kept):
                return kept
        return b""

    def _seal(self, kept: bytes) -> bytes:
        seal = sha256(self.origin)
        seal.update(kept)
        return seal.digest()


def _graph_of(model: Path, core: Any) -> Any:
    beside = model.with_suffix(".xml")
    if beside.exists() and beside.with_suffix(".bin").exists():
        graph = core.read_model(beside)
        marked = graph.has_rt_info(MARK) and graph.get_rt_info(MARK).astype(str)
        if marked == sha256_of(model) and len(graph.outputs) == len(OUTPUTS):
            return graph
    try:
        from patina.models import registry  # Keras takes seconds to import
    except ModuleNotFoundError as error:
        what = f"{model}: to export its graph, {beside.name}, which is not beside it, Patina"
        raise MissingExtraError(str(error.name), what) from error

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "graph.xml"
        _export(registry.load(model), model, graph)
        # Its weights are read when it is compiled: a copy outlives the folder
        return core.read_model(graph.read_bytes(), graph.with_suffix(".bin").read_bytes())
