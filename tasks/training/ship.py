"""`python -m patina.tasks.training.ship MODEL NAME`: ship a model that was trained."""

import sys
from datetime import date
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from patina.models import registry
from patina.tasks.io.atomic import move_whole, sha256_of, write_json
from patina.tasks.restoration import inference, weights
from patina.tasks.training import loop


def ship(model: Path, name: str) -> None:
    """Put a `whole` filed at `model` here, with its graph, as the weights of the network `name`.

    They are rounded to half precision, a tenth of what bfloat16 rounds, and packed.
    """

    target = weights.FOLDER / f"{name}.keras"
    network = registry.load(model)
    network.set_weights([w.astype("float16").astype("float32") for w in network.get_weights()])
    loop.save(network, target)
    _pack(target)
    xml = inference.export(network, target)
    files = {file.name: sha256_of(file) for file in (target, xml, xml.with_suffix(".bin"))}
    facts = {"version": date.today().isoformat(), "files": files}
    write_json(weights.FOLDER / "weights.json", weights.index() | {name: facts})


def _pack(path: Path) -> None:
    """Compress the files in a Keras file, which Keras itself does not."""
    draft = path.with_suffix(".packed")
    with ZipFile(path) as loose, ZipFile(draft, "w", ZIP_DEFLATED, compresslevel=9) as packed:
        for name in loose.namelist():
            packed.writestr(ZipInfo(name), loose.read(name), ZIP_DEFLATED, 9)
    move_whole(draft, path)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), sys.argv[2])
