"""The weights that a training begins with, and the networks that stay as they are."""

from pathlib import Path

import keras

from patina.errors import InputError
from patina.models import registry
from patina.tasks.restoration.weights import shipped
from patina.tasks.training.specialists import SINGLE, Specialist

PRETRAINED, SCRATCH = "pretrained", "scratch"


def kept_networks(start: str, specialist: Specialist) -> dict[str, keras.Model]:
    """The networks by role beside which that of `specialist` is filed; it is among them.

    start: PRETRAINED, the shipped ones; SCRATCH: those, too; or the file of a model. A single
    network stands alone.
    """
    if specialist.network in SINGLE:
        return {}
    file = shipped() if start in (PRETRAINED, SCRATCH) else Path(start)
    return registry.networks_of(registry.load(file))


def starting_network(start: str, specialist: Specialist) -> keras.Model | None:
    """The network to begin with; None where it begins from scratch.

    Raises InputError when the file that was named holds no such network of this width.
    """
    if start == SCRATCH or (start == PRETRAINED and specialist.network in SINGLE):
        return None
    file = shipped() if start == PRETRAINED else Path(start)
    held = registry.networks_of(registry.load(file)).get(specialist.role)
    network = specialist.build()
    if held is not None and _shapes(held) == _shapes(network):
        network.set_weights(held.get_weights())
        return network
    if start == PRETRAINED:
        return None
    raise InputError(f"{start}: holds no network {specialist.network} of this width")


def _shapes(network: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in network.weights]
