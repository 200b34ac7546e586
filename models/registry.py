"""Builds networks by name, loads and joins them, and sets the precision of training.

Networks are trained in the fastest precision of the machine, and saved in float32.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from patina.errors import InputError
from patina.models import NETWORKS, ROLES, graphs, present_role

UNKNOWN = "the file has no network that this version of Patina knows; train one with `patina run`"


def build(name: str, *, width: float = 1.0) -> keras.Model:
    """Build the network `name` of NETWORKS. width: factor for its number of channels.

    Raises KeyError if there is no such network.
    """
    module, _, function = NETWORKS[name].partition(":")
    built: Any = getattr(importlib.import_module(module), function)(width=width)
    return built


def restorer_model(networks: Mapping[str, keras.Model]) -> keras.Model:
    """A model that contains several networks, with an input and an output for each.

    networks: by role, of ROLES. Each becomes a layer that is named after its role, and keeps its
    weights.
    """
    parts = [
        keras.Model(networks[role].input, networks[role].output, name=role)
        for role in ROLES
        if role in networks
    ]
    given = [layers.Input(part.input.shape[1:], name=f"{part.name}_given") for part in parts]
    outputs = [part(one) for part, one in zip(parts, given, strict=True)]
    return keras.Model(given, outputs, name="restorer")


def networks_of(model: keras.Model) -> dict[str, keras.Model]:
    """The networks of a `restorer_model`, by role."""
    named = {present_role(layer.name): layer for layer in model.layers}
    return {role: layer for role, layer in named.items() if role in ROLES}


def set_precision(name: str) -> None:
    """Set the precision of the networks that are built next.

    name: a dtype policy of Keras, or "auto": mixed_bfloat16 if there is a GPU, or a CPU with
    bfloat16 multiplication; otherwise float32.
    """
    keras.config.set_dtype_policy(_fastest_precision() if name == "auto" else name)


def _fastest_precision() -> str:
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    return "mixed_bfloat16" if native or has_gpu() else "float32"


def in_float32(weights: Sequence[np.ndarray], name: str, width: float = 1.0) -> keras.Model:
    """Build the network `name` in float32, not compiled, with `weights`.

    weights: arrays, as from Model.get_weights. width: factor for the number of channels. Raises
    KeyError if there is no such network, ValueError if the weights have other shapes.
    """
    precision = keras.config.dtype_policy()
    set_precision("float32")
    plain = build(name, width=width)
    keras.config.set_dtype_policy(precision)
    plain.set_weights(weights)
    return plain


def jit_compile() -> bool | str:
    """The value of `jit_compile` for training: False for TensorFlow on a CPU, which is slower."""
    if keras.config.backend() == "tensorflow" and not has_gpu():
        return False
    return "auto"


def has_gpu() -> bool:
    """Whether the Keras backend finds a GPU."""
    return any(device.startswith("gpu") for device in keras.distribution.list_devices())


def be_deterministic(seed: int) -> None:
    """Seed the initial weights, and make the steps of a training reproducible."""
    keras.utils.set_random_seed(seed)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf  # another backend must not need it

        tf.config.experimental.enable_op_determinism()


def load(path: Path) -> keras.Model:
    """Load the `restorer_model` in the file `path`.

    path: a .keras file, which is loaded in safe mode: code in it is forbidden; or a graph (.xml)
    with the networks of ROLES. Raises InputError if the file has no such model, or cannot be
    loaded.
    """
    if path.suffix == ".xml":
        return _of_graph(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: the file cannot be loaded as a network: {error}") from error
    if not networks_of(model):
        raise InputError(f"{path}: {UNKNOWN}")
    return model


def _of_graph(path: Path) -> keras.Model:
    weights = graphs.weights_in(path)
    try:
        return restorer_model({role: in_float32(each, role) for role, each in weights.items()})
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: {UNKNOWN}") from error
