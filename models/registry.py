"""Networks by name, built for training in the precision of the machine and kept in float32."""

import importlib
from collections.abc import Callable
from pathlib import Path

import keras
from keras import layers

from patina.errors import InputError
from patina.models import LOSSES, NETWORKS, VIEW_PX
from patina.models.colour import estimate


def build(name: str, *, width: float = 1.0) -> keras.Model:
    """The network of that name; see `patina.models.heads`. width: factor on its channels.

    Raises KeyError when there is none.
    """
    return _named(NETWORKS[name])(width=width)


def loss(name: str) -> Callable:
    """The loss of that name. Raises KeyError when there is none."""
    return _named(LOSSES[name])


def _named(path: str) -> Callable:
    module, _, function = path.partition(":")
    return getattr(importlib.import_module(module), function)


def whole(network: keras.Model, estimate: keras.Model) -> keras.Model:
    """Both in one, to be filed: (image, view) -> (parts, colour).

    image, parts: see `patina.models.heads`; view, colour: see `patina.models.colour.estimate`.
    """
    image, view = (
        layers.Input((None, None, 3), name="image"),
        layers.Input((VIEW_PX, VIEW_PX, 3), name="view"),
    )
    return keras.Model([image, view], [network(image), estimate(view)], name="restorer")


def set_precision(name: str) -> str:
    """Set what the next network computes in, and return it.

    "auto" is mixed_bfloat16 where there is a GPU or a CPU that multiplies bfloat16 itself, else
    float32.
    """
    policy = _fastest_precision() if name == "auto" else name
    keras.config.set_dtype_policy(policy)
    return policy


def _fastest_precision() -> str:
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    gpu = any(device.startswith("gpu") for device in keras.distribution.list_devices())
    return "mixed_bfloat16" if native or gpu else "float32"


def in_float32(trained: keras.Model, name: str, width: float) -> keras.Model:
    """The same weights in a `whole` that computes in float32, not compiled."""
    set_precision("float32")
    plain = whole(build(name, width=width), estimate())
    plain.set_weights(trained.get_weights())
    return plain


def be_deterministic(seed: int) -> None:
    """Seed the weights, and have the same steps give the same weights again."""
    keras.utils.set_random_seed(seed)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf  # another backend must not need it

        tf.config.experimental.enable_op_determinism()


def load(path: Path) -> keras.Model:
    """The `whole` filed at `path`, in safe mode: a file can hold weights and layers, not code.

    Raises InputError when it is another network, or none.
    """
    try:
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: no network that can be loaded: {error}") from error
    if {"interventions", "estimate"} - {layer.name for layer in network.layers}:
        raise InputError(f"{path}: no network of this version; train one with `patina run`")
    return network
