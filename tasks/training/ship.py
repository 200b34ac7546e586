"""`python -m patina.tasks.training.ship FOLDER`: make the shipped model from trained networks.

The shipped model is a graph (.xml and .bin), see `patina.models.graphs`: its large kernels are in 8
bits, everything else is in half precision.
"""

import argparse
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import keras
import numpy as np

from patina.models import ROLES, graphs, registry
from patina.tasks.io.atomic import Record, draft_folder, move_whole, sha256_of, write_json
from patina.tasks.restoration import inference, weights
from patina.tasks.training.training import last_state


def ship(folder: Path, target: Path) -> Path:
    """Write the networks that were trained in `folder` as one graph to `target`.

    Networks that are not in `folder` are taken from the model in `target`. Returns the path of the
    graph. Raises ValueError if the networks in the written graph differ from the rounded ones; then
    the files in `target` are unchanged.
    """
    file = target / f"{weights.DEFAULT}.xml"
    networks = registry.networks_of(registry.load(file)) if file.exists() else {}
    networks |= trained_networks(folder)
    for network in networks.values():
        round_weights(network, eight_bits=True)
    write_graph(networks, file)
    files = [file, file.with_suffix(".bin")]
    former = weights.shipped_facts(target)
    facts: Record = {
        "version": date.today().isoformat(),
        "files": {each.name: sha256_of(each) for each in files},
        "networks": {role: weights_sha256(networks[role]) for role in ROLES if role in networks},
        "training": former.get("training", {}) | states(folder),
    }
    write_json(target / weights.INDEX, {weights.DEFAULT: facts})
    return file


def trained_networks(folder: Path) -> dict[str, keras.Model]:
    """The networks that were trained in `folder`, by role, in float32."""
    found = {}
    for role in ROLES:
        file = folder / f"{role}.keras"
        if file.exists():
            trained = keras.saving.load_model(file, compile=False, safe_mode=True)
            found[role] = registry.in_float32(trained.get_weights(), role)
    return found


def states(folder: Path) -> Record:
    """The state of each training in `folder` that improved its network, by role: steps, seconds."""
    states = {role: last_state(folder, role) for role in ROLES}
    return {role: state for role, state in states.items() if state.get("steps")}


def weights_sha256(network: keras.Model) -> str:
    """The SHA-256 of the weights of a network, as float32, in the order of the layers."""
    from hashlib import sha256

    hashed = sha256()
    for weight in network.get_weights():
        hashed.update(np.ascontiguousarray(weight, np.float32).tobytes())
    return hashed.hexdigest()


def write_model(networks: Mapping[str, keras.Model], file: Path) -> None:
    """Write networks, by role, as one compressed .keras file, and its graph beside it.

    The weights of `networks` are rounded to half precision, those that were shipped in 8 bits are
    not changed. Each file is replaced in one step.
    """
    for network in networks.values():
        round_weights(network)
    file.parent.mkdir(parents=True, exist_ok=True)
    model = registry.restorer_model(networks)
    draft = file.with_name(f".draft-{file.name}")
    model.save(draft)
    _pack(draft)
    move_whole(draft, file)
    inference.export(model, file)


def round_weights(network: keras.Model, *, eight_bits: bool = False) -> None:
    """Round the weights of a network, see `graphs.nearest`.

    eight_bits: of all weights that are trained; the transforms in `noise` are not.
    """
    for weight in network.weights:
        value = keras.ops.convert_to_numpy(weight)
        weight.assign(graphs.nearest(value, eight_bits=eight_bits and weight.trainable))


def write_graph(networks: Mapping[str, keras.Model], file: Path) -> None:
    """Write rounded networks, by role, as a graph without another file. file: .xml.

    Raises ValueError if the networks that are read from the graph differ; then nothing is written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft_folder(file.parent) as folder:
        draft = inference.export(registry.restorer_model(networks), folder / file.name)
        read = registry.networks_of(registry.load(draft))
        hashes = [
            {role: weights_sha256(network) for role, network in each.items()}
            for each in (networks, read)
        ]
        if hashes[0] != hashes[1]:
            raise ValueError(f"{file}: the networks in the graph differ from those to be written")
        for suffix in (".bin", ".xml"):
            move_whole(draft.with_suffix(suffix), file.with_suffix(suffix))


def _pack(path: Path) -> None:
    """Compress the files inside a .keras file, which Keras stores uncompressed."""
    draft = path.with_suffix(".packed")
    with ZipFile(path) as loose, ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=9) as packed:
        for name in loose.namelist():
            packed.writestr(ZipInfo(name), loose.read(name), ZIP_DEFLATED, 9)
    move_whole(draft, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command. arguments: of the command line; None: sys.argv."""
    description = "Make one model from the networks that were trained in a folder."
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path, help="folder of the trainings")
    parser.add_argument("--into", type=Path, default=weights.FOLDER, help="folder of the model")
    asked = parser.parse_args(arguments)
    print(ship(asked.folder, asked.into))  # noqa: T201


if __name__ == "__main__":
    main()
