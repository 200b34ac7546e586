"""Networks by name, built for training in the precision of the machine and kept in float32."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from models import LOSSES, NETWORKS


def build(name: str, **arguments: Any) -> keras.Model:
    """The network of that name. Raises KeyError when there is none."""
    return _named(NETWORKS[name])(**arguments)


def loss(name: str) -> Callable:
    """The loss of that name. Raises KeyError when there is none."""
    return _named(LOSSES[name])


def _named(path: str) -> Callable:
    module, _, function = path.partition(":")
    return getattr(importlib.import_module(module), function)


def set_precision(name: str) -> str:
    """Set what the next network computes in, and return it.

    "auto" is mixed_bfloat16 where the CPU multiplies bfloat16 itself, else float32.
    """
    policy = _fastest_precision() if name == "auto" else name
    keras.config.set_dtype_policy(policy)
    return policy


def _fastest_precision() -> str:
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    return "mixed_bfloat16" if native else "float32"


def in_float32(network: keras.Model, name: str, **arguments: Any) -> keras.Model:
    """The same weights in a network that computes in float32, not compiled."""
    set_precision("float32")
    plain = build(name, **arguments)
    plain.set_weights(network.get_weights())
    return plain


def be_deterministic(seed: int) -> None:
    """Seed the weights, and have the same steps give the same weights again."""
    keras.utils.set_random_seed(seed)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf  # another backend must not need it

        tf.config.experimental.enable_op_determinism()


def load(path: Path) -> Callable:
    """The network filed at `path`, as a function on float32 arrays (N, H, W, 3).

    Loaded in safe mode: a file can hold weights and layers, not code.
    """
    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    return lambda tile: keras.ops.convert_to_numpy(network.predict_on_batch(tile))
