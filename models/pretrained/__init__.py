"""The weights that come with Patina.

card.md says what they were trained on and how good they are; weights.json names their version, the
day they were put here, and their files with hashes. `python -m models.pretrained MODEL NAME` puts
others here.
"""

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tasks.files import move_whole, sha256_of, write_json

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
    for file, sha256 in _index()[name]["files"].items():
        if sha256_of(FOLDER / file) != sha256:
            raise DamagedWeightsError(
                f"{FOLDER / file}: not the bytes that were shipped; install Patina anew"
            )
    return FOLDER / f"{name}.keras"


def named(model: Path) -> dict[str, str]:
    """The "network" filed at `model` and its "version": the day that it was shipped, or the MLflow
    run in which it was trained; nothing if it is not told there.
    """
    if model.parent == FOLDER:
        return {"network": model.stem, "version": _index()[model.stem]["version"]}
    with suppress(OSError, ValueError, LookupError, TypeError):
        # As the flows `train` and `promote` write it
        facts = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
        return {"network": facts["network"], "version": facts["mlflow_run"]}
    return {}


def _index() -> dict[str, Any]:
    index: dict[str, Any] = json.loads((FOLDER / "weights.json").read_text(encoding="utf-8"))
    return index


def ship(model: Path, name: str) -> None:
    """Put a `whole` filed at `model` here, with its graph, as the weights of the network `name`.

    They are rounded to half precision, a tenth of what bfloat16 rounds, and packed.
    """
    from models import graph, loop, networks  # Keras takes seconds to import

    target = FOLDER / f"{name}.keras"
    network = networks.load(model)
    network.set_weights([w.astype("float16").astype("float32") for w in network.get_weights()])
    loop.save(network, target)
    _pack(target)
    xml = graph.export(network, target)
    files = {file.name: sha256_of(file) for file in (target, xml, xml.with_suffix(".bin"))}
    facts = {"version": date.today().isoformat(), "files": files}
    write_json(FOLDER / "weights.json", _index() | {name: facts})


def _pack(path: Path) -> None:
    """Compress the files in a Keras file, which Keras itself does not."""
    draft = path.with_suffix(".packed")
    with ZipFile(path) as loose, ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=9) as packed:
        for name in loose.namelist():
            packed.writestr(ZipInfo(name), loose.read(name), ZIP_DEFLATED, 9)
    move_whole(draft, path)


def begin_from(start: str, network: "keras.Model", name: str) -> bool:
    """Set the weights that a training of `network`, a `whole` of the kind `name`, begins with.

    start: "pretrained", the shipped ones where they fit; "scratch"; or the file of a `whole`.
    Returns whether there were any: False is from scratch. Raises ValueError when they do not fit.
    """
    if start == "scratch":
        return False
    if start != "pretrained":
        if not _give(Path(start), network):
            raise ValueError(f"{start}: weights of another network than {name} of this width")
        return True
    try:
        given = _give(shipped(name), network)
    except KeyError:
        given = False
    if not given:
        print("train: no weights are shipped for this network; from scratch")  # noqa: T201
    return given


def _give(path: Path, network: "keras.Model") -> bool:
    """Set the weights filed at `path`; False if they have other shapes."""
    import keras  # takes seconds, and who only asks for the file needs none of it

    trained = keras.saving.load_model(path, compile=False, safe_mode=True)
    shapes = ([tuple(weight.shape) for weight in one.weights] for one in (trained, network))
    if len({tuple(each) for each in shapes}) > 1:
        return False
    network.set_weights(trained.get_weights())
    return True
