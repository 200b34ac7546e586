"""Finds the weights to start a training with, and the networks that are not trained."""

from pathlib import Path

import keras

from patina.errors import InputError
from patina.models import registry
from patina.tasks.restoration.weights import shipped
from patina.tasks.training.specialists import SINGLE, Specialist

PRETRAINED, SCRATCH = "pretrained", "scratch"


def kept_networks(start: str, specialist: Specialist) -> dict[str, keras.Model]:
    """The networks, by role, of a model; the trained network will replace the one with its role.

    start: PRETRAINED or SCRATCH for the shipped model, or the path of another model. A network of
    SINGLE is a model by itself: then the result is empty. Raises InputError if the file is not a
    model.
    """
    if specialist.network in SINGLE:
        return {}
    file = shipped() if start in (PRETRAINED, SCRATCH) else Path(start)
    return registry.networks_of(registry.load(file))


def starting_network(start: str, specialist: Specialist) -> keras.Model | None:
    """The network to start a training with; None if the training starts from scratch.

    start: PRETRAINED: the shipped network, or None if it has another width or does not exist;
    SCRATCH: None; or the path of a model. Raises InputError if that model has no such network of
    this width.
    """
    if start == SCRATCH or (start == PRETRAINED and specialist.network in SINGLE):
        return None
    file = shipped() if start == PRETRAINED else Path(start)
    trained = registry.networks_of(registry.load(file)).get(specialist.role)
    network = specialist.build()
    if trained is not None and _shapes(trained) == _shapes(network):
        network.set_weights(trained.get_weights())
        return network
    if start == PRETRAINED:
        return None
    raise InputError(f"{start}: the file has no network {specialist.network} of this width")


def _shapes(network: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in network.weights]
