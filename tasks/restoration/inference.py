"""Exports a model as an OpenVINO graph, once, and runs it without Keras.

A model is a set of networks by role, see `patina.models.ROLES`. The graph has its weights in half
precision or in 8 bits, see `patina.models.graphs`. OpenVINO computes in bfloat16 if the CPU
supports it, which is twice as fast and changes a result by less than 0.3 of an 8-bit step on
average.

A trained model is a .keras file with a graph (.xml and .bin) beside it. The shipped model is only a
graph, from which Keras, too, can load the networks.

The graph contains the SHA-256 of the model file, if there is one, and of its weights, so that
damaged files are refused. Compiling a graph takes most of a second. So the last compiled network
of each role and precision is kept in the user's cache folder, with the hashes of all files.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from platformdirs import user_cache_path

from patina.errors import InputError, MissingExtraError
from patina.models import CAPTURE_ROLES, present_role
from patina.tasks.io.atomic import draft_folder, move_whole, sha256_of, write_bytes
from patina.tasks.restoration import graph_layout
from patina.tasks.restoration.option_values import DEVICES, PRECISIONS
from patina.tasks.restoration.weights import shipped

if TYPE_CHECKING:
    import keras

# Names of the facts about a model in its graph
MODEL, WEIGHTS, ROLES = "model_sha256", "weights_sha256", "roles"
GRAPH = "graph_sha256"  # of the .xml with NO_GRAPH_HASH in this field
FACTS_IN_XML = re.compile(rb"<patina>.*?</patina>", re.DOTALL)
FACT_IN_XML = re.compile(rb'<(\w+) value="([^"]+)"')
NO_HASH, NO_GRAPH_HASH = "0" * 64, "1" * 64  # placeholders for hashes
# Roles in float32, because they decide on a whole work
FLOAT32_ROLES = frozenset({"tone", "tone_full"})
MACHINE = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
INSTALL = "install the model again"
REMEDY = f"remove both files so that Patina writes them again, or {INSTALL}"
DAMAGED = f"it or its .bin is damaged; {REMEDY}"
CHECKSUM_BYTES = sha256().digest_size

Function = Callable[[np.ndarray], np.ndarray]


class DamagedGraphError(InputError):
    """A graph or its weights are damaged, or belong to another model."""


def export(model: "keras.Model", file: Path) -> Path:
    """Write the graph (.xml and .bin) of `model`, a `registry.restorer_model`.

    file: of the model, .keras; or the .xml file of the graph, for a model without another file.
    Raises InputError as `graphs.graph_of` does.
    """
    import openvino

    from patina.models import graphs, registry

    networks = registry.networks_of(model)
    graph = file.with_suffix(".xml")
    with draft_folder(graph.parent) as folder:
        hashed_graph = folder / "graph.xml"
        exported = graphs.graph_of(networks, like=shipped())
        if file != graph:
            exported.set_rt_info(sha256_of(file), ["patina", MODEL])
        exported.set_rt_info(NO_HASH, ["patina", WEIGHTS])
        exported.set_rt_info(NO_GRAPH_HASH, ["patina", GRAPH])
        exported.set_rt_info(",".join(networks), ["patina", ROLES])
        openvino.save_model(exported, hashed_graph, compress_to_fp16=False)  # graph_of did this
        weights = sha256_of(hashed_graph.with_suffix(".bin"))
        text = hashed_graph.read_text(encoding="utf-8").replace(NO_HASH, weights)
        text = re.sub(r">\s+<", "><", text)  # the spaces between its elements are a sixth of it
        own_hash = sha256(text.encode()).hexdigest()
        hashed_graph.write_text(text.replace(NO_GRAPH_HASH, own_hash), encoding="utf-8")
        # The weights first, because the .xml contains their hash
        for suffix in (".bin", ".xml"):
            move_whole(hashed_graph.with_suffix(suffix), graph.with_suffix(suffix))
    return graph


class Networks(Mapping[str, Function]):
    """The networks of a model by role; each is compiled at its first use.

    Threads may share them: one network computes at a time, with all cores. A network keeps some
    hundred megabytes of memory for its next call. They are freed when a network of another step
    computes.

    precision: "bf16", "f16" or "f32"; roles in FLOAT32_ROLES are always computed in f32. device:
    "CPU" or "GPU". sha256: of all files of the model together.
    """

    def __init__(self, file: Path, precision: str = "auto", device: str = "CPU") -> None:
        """Open the model `file`. precision: one of PRECISIONS. device: one of DEVICES.

        file: .keras, or .xml if the model is only a graph. If the graph of a .keras file is
        missing, it is exported, which needs Keras and some seconds. Raises
        ValueError if the precision is unknown, InputError if the device is missing or does not
        support the precision, DamagedGraphError if the graph is damaged.
        """
        if precision not in PRECISIONS:
            raise ValueError(f"precision: {precision}: unknown; known: {', '.join(PRECISIONS)}")
        import openvino

        self.core = openvino.Core()
        self.device = device_of(device, self.core.available_devices)
        native = self.core.get_property(self.device, "OPTIMIZATION_CAPABILITIES")
        self.precision = precision_of(precision, self.device, native)
        self.file = file
        self.roles, self.sha256, self.read_graph = _graph_of(file, self.core)
        machine = [str(self.core.get_property(self.device, name)) for name in MACHINE]
        build = next(iter(self.core.get_versions(self.device).values())).build_number
        self.origin = "\n".join([build, *machine, graph_layout.VERSION, self.sha256]).encode()
        self.compiled: dict[str, Function] = {}
        self.loaded: dict[str, Any] = {}
        self.lock = Lock()  # for threads: each network computes with all cores
        self.last_role = ""  # the role that computed last

    def __getitem__(self, role: str) -> Function:
        if role not in self.roles:
            raise KeyError(role)
        with self.lock:
            if role not in self.compiled:
                self.compiled[role] = self._function(role)
            return self.compiled[role]

    def __contains__(self, role: object) -> bool:
        return role in self.roles  # not as Mapping does it: that would compile the network

    def __iter__(self) -> Iterator[str]:
        return iter(self.roles)

    def __len__(self) -> int:
        return len(self.roles)

    def _function(self, role: str) -> Function:
        precision = "f32" if role in FLOAT32_ROLES else self.precision
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        path = user_cache_path("patina") / f"{role}-{precision}"
        if cached := self._cached(path):
            compiled = self.core.import_model(cached, self.device, hints)
        else:
            compiled = self.core.compile_model(self._part(role), self.device, hints)
            with suppress(OSError):  # no space or no permission: the next run compiles again
                cached = compiled.export_model().getvalue()
                write_bytes(path, self._checksum(cached) + cached)
        self.loaded[role] = compiled
        return lambda batch: self._computed(role, batch)

    def _computed(self, role: str, batch: np.ndarray) -> np.ndarray:
        """The output of a network; first, networks of other steps free their memory."""
        with self.lock:
            if role != self.last_role and not {role, self.last_role} <= {*CAPTURE_ROLES}:
                for each in {*self.loaded} - {role}:
                    self.loaded[each].release_memory()
            self.last_role = role
            return np.asarray(self.loaded[role](batch)[0])

    def _part(self, role: str) -> Any:
        import openvino

        graph, number = self.read_graph(), self.roles.index(role)
        output, source = graph.outputs[number], graph.inputs[number]
        return graph_layout.rewritten(openvino.Model([output.node], [source.node], role))

    def _cached(self, path: Path) -> bytes:
        """The compiled network at `path`; empty if it is missing, damaged or of another model."""
        with suppress(OSError):
            cached = path.read_bytes()
            checksum, cached = cached[:CHECKSUM_BYTES], cached[CHECKSUM_BYTES:]
            if checksum == self._checksum(cached):
                return cached
        return b""

    def _checksum(self, cached: bytes) -> bytes:
        checksum = sha256(self.origin)
        checksum.update(cached)
        return checksum.digest()


def device_of(requested: str, available: Sequence[str]) -> str:
    """The device to use, CPU or GPU.

    available: the devices that OpenVINO finds; several GPUs are named GPU.0, GPU.1, …

    Raises InputError if the device is unknown or missing.
    """
    if requested not in DEVICES:
        raise InputError(f"device: {requested}: unknown; known: {', '.join(DEVICES)}")
    has_gpu = any(name.split(".")[0] == "GPU" for name in available)
    if requested == "GPU" and not has_gpu:
        raise InputError(
            f"device: GPU: OpenVINO finds only {', '.join(available)}; it needs an Intel GPU with "
            "its driver. Give AUTO or CPU"
        )
    return "GPU" if has_gpu and requested != "CPU" else "CPU"


def precision_of(requested: str, device: str, native: Sequence[str]) -> str:
    """The precision to use. native: the capabilities of the device; "auto" is the fastest of them.

    Raises InputError for bf16 on a GPU.
    """
    half = "bf16" if device == "CPU" else "f16"
    if requested == "auto":
        return half if {"bf16": "BF16", "f16": "FP16"}[half] in native else "f32"
    if device == "GPU" and requested == "bf16":
        raise InputError("precision: bf16: a GPU does not support it; give auto or f32")
    return requested


class _Graph(NamedTuple):
    """An undamaged graph."""

    roles: tuple[str, ...]  # of its networks, in their order
    sha256: str  # of all files of the model
    read: Callable[[], Any]  # gives it as an openvino.Model; raises DamagedGraphError


def _graph_of(file: Path, core: Any) -> _Graph:
    """The graph of a model. It is read only to compile a network, because that takes 0.1 s."""
    graph, weights = file.with_suffix(".xml"), file.with_suffix(".bin")
    text = graph.read_bytes() if graph.exists() and weights.exists() else b""
    facts = _facts_in(text)
    if GRAPH not in facts:  # missing, or written by an older version
        if file == graph:
            raise DamagedGraphError(f"{graph}: it or its .bin is missing or damaged; {INSTALL}")
        return _exported(file, core)
    own_hash = sha256(text.replace(facts[GRAPH].encode(), NO_GRAPH_HASH.encode())).hexdigest()
    if facts[GRAPH] != own_hash:
        raise DamagedGraphError(f"{graph}: {DAMAGED}")
    hashes = {each: sha256_of(each) for each in (file, graph, weights)}
    for each, mark in ((weights, WEIGHTS), (file, MODEL)):
        if each != graph and facts.get(mark) != hashes[each]:
            if file == graph:
                raise DamagedGraphError(f"{graph}: its .bin is damaged; {INSTALL}")
            what = f"it and its .bin do not belong to {file.name}"
            raise DamagedGraphError(f"{graph}: {what}; {REMEDY}")

    @cache
    def read() -> Any:
        model = core.read_model(graph)
        if any(sha256_of(each) != before for each, before in hashes.items()):
            raise DamagedGraphError(f"{graph}: it was replaced while Patina ran; start it again")
        return model

    sha256_of_all = sha256("".join(hashes.values()).encode()).hexdigest()
    roles = tuple(map(present_role, facts[ROLES].split(",")))
    return _Graph(roles, sha256_of_all, read)


def _facts_in(text: bytes) -> dict[str, str]:
    """The facts about a model in the `text` of its graph, by name; empty if there are none."""
    found = FACTS_IN_XML.search(text)
    pairs = FACT_IN_XML.findall(found[0]) if found else []
    return {name.decode(): value.decode(errors="replace") for name, value in pairs}


def _exported(file: Path, core: Any) -> _Graph:
    try:
        from patina.models import registry  # Keras takes seconds to import
    except ModuleNotFoundError as error:
        what = f"{file}: its graph {file.stem}.xml is missing; to export it, Patina"
        raise MissingExtraError(str(error.name), what) from error
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(file.read_bytes())
        export(registry.load(file), copy)
        found = _graph_of(copy, core)
        # The graph is read when the folder is gone; so keep its bytes
        xml, weights = (copy.with_suffix(suffix).read_bytes() for suffix in (".xml", ".bin"))
        return found._replace(read=cache(lambda: core.read_model(xml, weights)))
