"""The weights that a training begins with."""

from pathlib import Path

import keras

from patina.errors import InputError
from patina.tasks.restoration.weights import shipped


def begin_from(start: str, network: keras.Model, name: str) -> bool:
    """Set the weights that a training of `network`, a `whole` of the kind `name`, begins with.

    start: "pretrained", the shipped ones where they fit; "scratch"; or the file of a `whole`.
    Returns whether there were any: False is from scratch. Raises ValueError when they do not fit.
    """
    if start == "scratch":
        return False
    if start != "pretrained":
        if not _give(Path(start), network):
            raise InputError(f"{start}: weights of another network than {name} of this width")
        return True
    try:
        given = _give(shipped(name), network)
    except KeyError:
        given = False
    if not given:
        print("train: no weights are shipped for this network; from scratch")  # noqa: T201
    return given


def _give(path: Path, network: keras.Model) -> bool:
    """Set the weights filed at `path`; False if they have other shapes."""
    try:
        trained = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: no network that can be loaded: {error}") from error
    shapes = ([tuple(weight.shape) for weight in one.weights] for one in (trained, network))
    if len({tuple(each) for each in shapes}) > 1:
        return False
    network.set_weights(trained.get_weights())
    return True
