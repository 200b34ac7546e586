"""Writes a restored work for IIIF viewers: static tiles, and a manifest with three pictures.

IIIF Image API 3, level 0, and Presentation API 3. Any web server can serve the folder.

NAME.iiif/manifest.json              the manifest, one canvas with before, after and damage map
NAME.iiif/{before,after,damage}/     tiles of 512 px in sRGB JPEG, and info.json
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyvips

from patina.errors import InputError
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import rotated
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.io.atomic import Record, draft_folder, write_json
from patina.tasks.io.storage import Place
from patina.tasks.restoration.condition import HYPOTHESIS, STATEMENT
from patina.tasks.restoration.sidecars import Served, map_of
from patina.tasks.restoration.work_record import FIELDS, record_of

PRESENTATION = "http://iiif.io/api/presentation/3/context.json"
LOCAL = "http://localhost:8000"  # address of `python -m http.server` in the outbox
PICTURES = {"before": "Before", "after": "After", "damage": "Damage map"}
SUFFIX = ".iiif"
TILE_PX = 512
WHOLE_PX = 2048  # long side of the largest picture in one file
OPTIONS = "[Q=88,keep=none]"  # JPEG without a profile, because the pixels are sRGB
STAMP = "Result SHA-256"  # label in the manifest
RIGHTS = {"CC0": "http://creativecommons.org/publicdomain/zero/1.0/"}  # by the licence


def folder_of(result: Path) -> Path:
    """The folder with tiles and manifest of a result."""
    return result.with_name(f"{result.name}{SUFFIX}")


def address_of(result: Path, outbox: Path, base: str) -> str:
    """The address of `folder_of(result)`, if `outbox` is served at `base`."""
    inner = folder_of(result).relative_to(outbox).as_posix()
    return f"{base.rstrip('/')}/{quote(inner)}"


def is_published(path: Path) -> bool:
    """Whether a file is in a folder of tiles, and so is not a scan."""
    return any(parent.suffix == SUFFIX for parent in path.parents)


def served(places: Sequence[Place], outbox: Place, base: str) -> Served:
    """The address for IIIF: `outbox` is served at `base`, or at LOCAL if `base` is "".

    places: the scans. Raises InputError if the address is invalid, or a place is not on this
    machine.
    """
    if not isinstance(outbox, Path) or not all(isinstance(place, Path) for place in places):
        raise InputError(
            "--iiif: scans and outbox must be on this machine; copy the folders afterwards"
        )
    base = base or LOCAL
    if not base.startswith(("http://", "https://")) or "#" in base or "?" in base:
        raise InputError(
            f"--iiif-base: {base!r} is not a web address; give one such as https://museum.org/iiif"
        )
    return Served(outbox, base)


def publish(scan: Path, result: Path, where: Served, sidecar: Record) -> None:
    """`write_iiif` for a result with its damage map in the served outbox."""
    address = address_of(result, where.outbox, where.base)
    write_iiif(scan, result, map_of(result, "damage"), address, sidecar)


@dataclass(frozen=True)
class Tiled:
    """Three pictures of one work, each `width` × `height` pixels, as a viewer shows them."""

    width: int
    height: int
    sizes: list[tuple[int, int]]


def write_iiif(scan: Path, result: Path, damage: Path, address: str, sidecar: Record) -> Path:
    """Write the IIIF folder of `result`, and return the path of the manifest.

    Existing tiles of the same result stay. damage: the damage map, a PNG in the size of the stored
    scan. address: where the folder will be served. sidecar: of the result. Raises ImageError if a
    picture cannot be read, or Patina did not write the existing folder.
    """
    folder = folder_of(result)
    manifest = folder / "manifest.json"
    if folder.exists():
        stamp = _stamp_of(manifest)
        if stamp is None:
            raise ImageError(f"{folder}: Patina did not write this folder; move it elsewhere")
        if stamp == sidecar["result"]["sha256"]:
            readdress(folder, address)
            return manifest
    work = record_of(scan, sidecar["source"]["sha256"], {})
    with draft_folder(result.parent) as drafts:
        draft = drafts / "iiif"
        draft.mkdir()
        tiled = _pictures(scan, result, damage, draft)
        write_json(draft / "manifest.json", manifest_of(address, tiled, sidecar, work))
        readdress(draft, address)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    return manifest


def readdress(folder: Path, address: str) -> None:
    """Change the address in the manifest and the three info.json of `folder`."""
    manifest = folder / "manifest.json"
    record = json.loads(manifest.read_bytes())
    old = record["id"].removesuffix("/manifest.json")
    for name in PICTURES:
        info = json.loads((folder / name / "info.json").read_bytes())
        if info["id"] != f"{address}/{name}":
            write_json(folder / name / "info.json", info | {"id": f"{address}/{name}"})
    if old != address:
        write_json(manifest, _moved(record, old, address))


def _moved(value: object, old: str, new: str) -> object:
    """`value`, with `old` replaced by `new` at the beginning of every address."""
    if isinstance(value, dict):
        return {key: _moved(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, old, new) for inner in value]
    if isinstance(value, str) and value.startswith(f"{old}/"):
        return f"{new}{value.removeprefix(old)}"
    return value


def _stamp_of(manifest: Path) -> str | None:
    """The SHA-256 of the result in `manifest`; None if Patina did not write it."""
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        for entry in json.loads(manifest.read_bytes())["metadata"]:
            if entry["label"]["en"] == [STAMP]:
                return str(entry["value"]["none"][0])
    return None


def _pictures(scan: Path, result: Path, damage: Path, folder: Path) -> Tiled:
    """Write the tiles of the three pictures to `folder`."""
    with draft_folder(folder.parent) as work, opened(scan, work) as before:
        orientation = before.orientation
        tiled = _tiles(rotated(shown(before), orientation), folder / "before")
    with draft_folder(folder.parent) as work, opened(result, work) as after:
        _tiles(rotated(shown(after), orientation), folder / "after")
    drawn = pyvips.Image.new_from_file(str(damage)).extract_band(0).copy(interpretation="b-w")
    _tiles(rotated(drawn, orientation), folder / "damage")
    return tiled


def shown(scan: Scan) -> pyvips.Image:
    """An open scan as 8-bit sRGB with alpha on white, computed lazily."""
    image = scan.image
    if image.hasalpha():
        image = image.flatten(background=65535 if image.format == "ushort" else 255)
    if scan.profile:
        return image.icc_transform("srgb", input_profile=str(scan.profile), depth=8)
    if image.interpretation == "cmyk":
        return image.icc_transform("srgb", input_profile="cmyk", depth=8)
    return image.colourspace("srgb").cast("uchar")


def _tiles(image: pyvips.Image, folder: Path) -> Tiled:
    """Write the tiles of `image` to `folder`, and the whole picture in the sizes that viewers
    request.
    """
    image.dzsave(str(folder), layout="iiif3", tile_size=TILE_PX, suffix=f".jpg{OPTIONS}")
    folder.with_name("vips-properties.xml").unlink(missing_ok=True)
    info = json.loads((folder / "info.json").read_bytes())
    sizes = _whole_sizes(image, info["tiles"][0]["scaleFactors"])
    for width, height in sizes:
        whole = _file(folder, f"{width},{height}")
        if not whole.exists():
            small = image.thumbnail_image(width, height=height, size="force")
            small.write_to_file(f"{whole}{OPTIONS}")
    shutil.copyfile(whole, _file(folder, "max"))
    info["sizes"] = [{"width": width, "height": height} for width, height in sizes]
    if sizes[-1] != (image.width, image.height):
        info |= {"maxWidth": sizes[-1][0], "maxHeight": sizes[-1][1]}
    write_json(folder / "info.json", info)
    return Tiled(image.width, image.height, sizes)


def _file(folder: Path, size: str) -> Path:
    """The path of the whole picture in this size; its folder is made."""
    path = folder / "full" / size / "0" / "default.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _whole_sizes(image: pyvips.Image, factors: list[int]) -> list[tuple[int, int]]:
    """The sizes of the pyramid with a long side of at most WHOLE_PX, in order."""
    sizes = [(-(-image.width // factor), -(-image.height // factor)) for factor in factors]
    fitting = [size for size in sizes if max(size) <= WHOLE_PX]
    return sorted(fitting or [min(sizes)])


def manifest_of(address: str, tiled: Tiled, sidecar: Record, work: Mapping[str, str]) -> Record:
    """The Presentation 3 manifest of a work whose three pictures are at `address`.

    sidecar: of the result. work: its record, by `work_record.FIELDS`.
    """
    canvas, name = f"{address}/canvas", sidecar["source"]["file"]
    statement = {"en": [f"{HYPOTHESIS}. {STATEMENT}"]}
    small = _picture(address, "after", tiled.sizes[0])
    annotation = {
        "id": f"{canvas}/page/pictures",
        "type": "Annotation",
        "motivation": "painting",
        "body": {"type": "Choice", "items": [_body(address, key, tiled) for key in PICTURES]},
        "target": canvas,
    }
    page = {"id": f"{canvas}/page", "type": "AnnotationPage", "items": [annotation]}
    return {
        "@context": PRESENTATION,
        "id": f"{address}/manifest.json",
        "type": "Manifest",
        "label": {"none": [work.get("title", name)]},
        "summary": statement,
        "metadata": _metadata(work, sidecar),
        "requiredStatement": {"label": {"en": ["Status"]}, "value": statement},
        **({"rights": RIGHTS[work["licence"]]} if work.get("licence") in RIGHTS else {}),
        "thumbnail": [small],
        "items": [
            {
                "id": canvas,
                "type": "Canvas",
                "label": {"none": [name]},
                "width": tiled.width,
                "height": tiled.height,
                "items": [page],
            }
        ],
    }


def _body(address: str, name: str, tiled: Tiled) -> Record:
    """A picture as one item of the choice."""
    service = {"id": f"{address}/{name}", "type": "ImageService3", "profile": "level0"}
    picture = _picture(address, name, tiled.sizes[-1])
    return picture | {"label": {"en": [PICTURES[name]]}, "service": [service]}


def _picture(address: str, name: str, size: tuple[int, int]) -> Record:
    """A picture in one file."""
    width, height = size
    return {
        "id": f"{address}/{name}/full/{width},{height}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": width,
        "height": height,
    }


def _metadata(work: Mapping[str, str], sidecar: Record) -> list[Record]:
    """The metadata that viewers show beside the picture."""
    model = sidecar["model"]
    metadata = {FIELDS[key]: value for key, value in work.items()} | {
        "Scan SHA-256": sidecar["source"]["sha256"],
        STAMP: sidecar["result"]["sha256"],
        "Weights": f"{model.get('network', model.get('file', ''))}, SHA-256 {model['sha256']}",
        "Restored": sidecar["restored"],
    }
    return [
        {"label": {"en": [label]}, "value": {"none": [value]}} for label, value in metadata.items()
    ]
