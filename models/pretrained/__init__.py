"""The weights that come with Patina.

card.md says what they were trained on and how good they are; weights.json names their files and
hashes. `python -m models.pretrained MODEL NAME` puts others here.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.files import sha256_of, write_json

if TYPE_CHECKING:
    import keras

FOLDER = Path(__file__).parent
DEFAULT = "conservator"


class DamagedWeightsError(ValueError):
    """A weights file does not hold the bytes that it was shipped with."""


def shipped(name: str = DEFAULT) -> Path:
    """The file of the weights of the network `name`.

    Raises KeyError when none are shipped for it; DamagedWeightsError when they are not what they
    were.
    """
    files = json.loads((FOLDER / "weights.json").read_text(encoding="utf-8"))[name]
    for file, sha256 in files.items():
        if sha256_of(FOLDER / file) != sha256:
            raise DamagedWeightsError(
                f"{FOLDER / file}: not the bytes that were shipped; install Patina anew"
            )
    return FOLDER / f"{name}.keras"


def ship(model: Path, name: str) -> None:
    """Put a `whole` filed at `model` here, with its graph, as the weights of the network `name`."""
    from models import graph, networks  # Keras takes seconds to import

    target = FOLDER / f"{name}.keras"
    shutil.copyfile(model, target)
    xml = graph.export(networks.load(target), target)
    files = {file.name: sha256_of(file) for file in (target, xml, xml.with_suffix(".bin"))}
    index = FOLDER / "weights.json"
    write_json(index, json.loads(index.read_text(encoding="utf-8")) | {name: files})


def give_to(network: "keras.Model", name: str) -> bool:
    """Set the weights shipped for the network `name`; False if there are none of that shape."""
    import keras  # takes seconds, and who only asks for the file needs none of it

    try:
        path = shipped(name)
    except KeyError:
        return False
    trained = keras.saving.load_model(path, compile=False, safe_mode=True)
    shapes = ([tuple(w.shape) for w in one.weights] for one in (trained, network))
    if len({tuple(each) for each in shapes}) > 1:
        return False
    network.set_weights(trained.get_weights())
    return True
