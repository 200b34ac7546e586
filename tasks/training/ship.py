"""`python -m patina.tasks.training.ship FOLDER`: make the shipped model from trained networks."""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import keras
import numpy as np

from patina.models import ROLES, registry
from patina.tasks.io.atomic import Record, move_whole, sha256_of, write_json
from patina.tasks.restoration import inference, weights
from patina.tasks.training.training import last_state


def ship(folder: Path, target: Path, name: str = weights.DEFAULT) -> Path:
    """Write the networks that were trained in `folder` as one model, with its graph, to `target`.

    The weights are rounded to half precision, whose rounding error is an eighth of that of
    bfloat16, and compressed. Networks that are not in `folder` are taken from the model in
    `target`. name: of the model. Returns the path of the model.
    """
    file = target / f"{name}.keras"
    networks = registry.networks_of(registry.load(file)) if file.exists() else {}
    networks |= trained_networks(folder)
    write_model(networks, file)
    files = [file, file.with_suffix(".xml"), file.with_suffix(".bin")]
    index = target / "weights.json"
    before = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
    facts: Record = {
        "version": date.today().isoformat(),
        "files": {each.name: sha256_of(each) for each in files},
        "networks": {role: weights_sha256(networks[role]) for role in ROLES if role in networks},
        "training": before.get(name, {}).get("training", {}) | states(folder),
    }
    write_json(index, {name: facts})
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
    """Write networks, by role, as one compressed model, and its graph beside it.

    The weights of `networks` are rounded to half precision. Each file is replaced in one step.
    """
    for network in networks.values():
        rounded = [w.astype("float16").astype("float32") for w in network.get_weights()]
        network.set_weights(rounded)
    file.parent.mkdir(parents=True, exist_ok=True)
    model = registry.restorer_model(networks)
    draft = file.with_name(f".draft-{file.name}")
    model.save(draft)
    _pack(draft)
    move_whole(draft, file)
    inference.export(model, file)


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
