"""A restored work for IIIF viewers, on a plain web server."""

import json
from pathlib import Path

import cv2
import iiif_prezi3
import numpy as np
import pytest
import pyvips
from pydantic import ValidationError
from restorers import restorer, scan

from patina.tasks.imaging.faults import ImageError
from patina.tasks.io.atomic import Record
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.condition import HYPOTHESIS
from patina.tasks.restoration.iiif import LOCAL, address_of, folder_of, served, write_iiif
from patina.tasks.restoration.inbox import plan
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.sidecars import OutputOptions, map_of

BASE = "https://museum.example/iiif"


def picture(path: Path, height: int, width: int, **metadata: object) -> None:
    """A 16-bit picture with a gradient in each channel."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows / height, columns / width, rows * 0 + 0.5], axis=2) * 65535
    image = pyvips.Image.new_from_array(pixels.astype(np.uint16)).copy(interpretation="rgb16")
    image.write_to_file(str(path), **metadata)


def published(tmp_path: Path, height: int = 700, width: int = 1300, **metadata: object) -> Path:
    """The IIIF folder of a work of that size."""
    source, result = tmp_path / "scan one.tif", tmp_path / "out" / "näher" / "scan one.tif"
    picture(source, height, width, **metadata)
    return again(source, result)


def again(source: Path, result: Path, base: str = BASE) -> Path:
    sidecar = restore_file(source, result, restorer(0.1), OutputOptions(maps=True))
    address = address_of(result, result.parents[1], base)
    damage = map_of(result, "damage")
    return write_iiif(source, result, damage, address, sidecar).parent


def read(path: Path) -> Record:
    record: Record = json.loads(path.read_text())
    return record


def size_of(path: Path) -> tuple[int, int]:
    height, width = cv2.imread(str(path)).shape[:2]
    return width, height


def test_the_manifest_is_valid_by_the_published_schema_and_offers_a_choice_of_three(
    tmp_path: Path,
) -> None:
    folder = published(tmp_path)
    record = read(folder / "manifest.json")
    iiif_prezi3.Manifest(**record)
    with pytest.raises(ValidationError):  # the check does find errors
        iiif_prezi3.Manifest(**record | {"id": "scan.tif.iiif/manifest.json"})
    assert record["id"] == f"{BASE}/n%C3%A4her/scan%20one.tif.iiif/manifest.json"
    assert HYPOTHESIS in record["requiredStatement"]["value"]["en"][0]
    (canvas,) = record["items"]
    assert (canvas["width"], canvas["height"]) == (1300, 700)
    body = canvas["items"][0]["items"][0]["body"]
    assert body["type"] == "Choice"
    labels = [picture["label"]["en"] for picture in body["items"]]
    assert labels == [["Before"], ["After"], ["Damage map"]]
    for picture in (*body["items"], *record["thumbnail"]):
        file = folder / picture["id"].removeprefix(f"{BASE}/n%C3%A4her/scan%20one.tif.iiif/")
        assert size_of(file) == (picture["width"], picture["height"])
    for picture in body["items"]:
        (service,) = picture["service"]
        name = service["id"].rsplit("/", 1)[1]
        assert read(folder / name / "info.json")["id"] == service["id"]


@pytest.mark.parametrize(("height", "width"), [(700, 1300), (300, 200), (512, 512), (2100, 900)])
def test_every_tile_and_size_that_a_viewer_requests_exists(
    tmp_path: Path, height: int, width: int
) -> None:
    folder = published(tmp_path, height, width)
    for name in ("before", "after", "damage"):
        info = read(folder / name / "info.json")
        assert info["@context"] == "http://iiif.io/api/image/3/context.json"
        assert info["protocol"] == "http://iiif.io/api/image"
        assert (info["type"], info["profile"]) == ("ImageService3", "level0")
        assert (info["width"], info["height"]) == (width, height)
        largest = info["sizes"][-1]
        whole = size_of(folder / name / "full" / "max" / "0" / "default.jpg")
        assert whole == (largest["width"], largest["height"])
        assert whole == (info.get("maxWidth", width), info.get("maxHeight", height))
        for size in info["sizes"]:
            wanted = size["width"], size["height"]
            assert size_of(
                folder / name / "full" / f"{wanted[0]},{wanted[1]}" / "0/default.jpg"
            ) == (wanted)
        (tiles,) = info["tiles"]
        for factor in tiles["scaleFactors"]:
            for region, wanted in regions(width, height, tiles["width"], factor):
                tile = folder / name / region / f"{wanted[0]},{wanted[1]}" / "0" / "default.jpg"
                assert size_of(tile) == wanted


def regions(
    width: int, height: int, tile_px: int, factor: int
) -> list[tuple[str, tuple[int, int]]]:
    """The regions and tile sizes that a viewer requests, by section 4.8 of the Image API."""
    side, asked = tile_px * factor, []
    for y in range(0, height, side):
        for x in range(0, width, side):
            w, h = min(side, width - x), min(side, height - y)
            region = "full" if (w, h) == (width, height) else f"{x},{y},{w},{h}"
            asked.append((region, (-(-w // factor), -(-h // factor))))
    return asked


def test_tiles_of_a_16_bit_scan_with_a_profile_have_the_right_colours(
    tmp_path: Path,
) -> None:
    folder = published(tmp_path, 300, 400, profile="p3")
    tile = cv2.imread(str(folder / "before" / "full" / "max" / "0" / "default.jpg"))
    wanted = pyvips.Image.new_from_file(str(tmp_path / "scan one.tif"))
    wanted = wanted.icc_transform("srgb", embedded=True, depth=8).numpy()
    assert np.abs(tile[..., ::-1].astype(float) - wanted).mean() < 1.5
    assert pyvips.Image.new_from_file(str(folder / "before/full/max/0/default.jpg")).bands == 3


def test_tiles_are_rotated_by_the_exif_orientation(tmp_path: Path) -> None:
    source = tmp_path / "scan.tif"
    picture(source, 300, 500)
    image = pyvips.Image.new_from_file(str(source)).copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(source))
    folder = again(source, tmp_path / "out" / "x" / "scan.tif")
    for name in ("before", "after", "damage"):
        info = read(folder / name / "info.json")
        assert (info["width"], info["height"]) == (300, 500)
    assert read(folder / "manifest.json")["items"][0]["height"] == 500


def test_a_new_base_address_changes_the_addresses_but_no_tile(tmp_path: Path) -> None:
    folder = published(tmp_path)
    tile = folder / "before" / "0,0,512,512" / "512,512" / "0" / "default.jpg"
    filed = tile.stat().st_ino, tile.stat().st_mtime_ns
    source, result = tmp_path / "scan one.tif", tmp_path / "out" / "näher" / "scan one.tif"
    assert again(source, result, LOCAL) == folder
    text = (folder / "manifest.json").read_text() + (folder / "damage" / "info.json").read_text()
    assert BASE not in text
    assert f'"{LOCAL}/n%C3%A4her/scan%20one.tif.iiif/manifest.json"' in text
    assert (tile.stat().st_ino, tile.stat().st_mtime_ns) == filed
    iiif_prezi3.Manifest(**read(folder / "manifest.json"))


def test_tiles_are_written_again_for_another_result(tmp_path: Path) -> None:
    folder = published(tmp_path)
    source, result = tmp_path / "scan one.tif", tmp_path / "out" / "näher" / "scan one.tif"
    picture(source, 200, 100)
    again(source, result)
    assert read(folder / "before" / "info.json")["width"] == 100
    assert not (folder / "before" / "0,0,512,512").exists()
    assert sorted(path.name for path in folder.iterdir()) == [
        *("after", "before", "damage", "manifest.json")
    ]


def test_a_folder_that_patina_did_not_write_is_kept(tmp_path: Path) -> None:
    source, result = tmp_path / "scan.tif", tmp_path / "out" / "x" / "scan.tif"
    scan(source)
    folder_of(result).mkdir(parents=True)
    (folder_of(result) / "manifest.json").write_text('{"metadata": []}')
    with pytest.raises(ImageError, match=r"scan\.tif\.iiif: Patina did not write"):
        again(source, result)
    assert (folder_of(result) / "manifest.json").read_text() == '{"metadata": []}'


@pytest.mark.parametrize("base", ["museum.org/iiif", "/iiif", "ftp://museum.org", "https://a/#b"])
def test_invalid_base_addresses_are_refused(base: str) -> None:
    with pytest.raises(ValueError, match="--iiif-base"):
        served([Path("scans")], Path("out"), base)


def test_a_batch_is_published_and_its_tiles_are_not_taken_for_scans(tmp_path: Path) -> None:
    inbox, outbox = tmp_path / "in", tmp_path / "out"
    (inbox / "deep").mkdir(parents=True)
    scan(inbox / "deep" / "a.tif")
    output = OutputOptions(maps=True, iiif=served([inbox], outbox, ""))
    (outcome,) = restore_scans(plan([inbox], outbox), restorer(0.1), output)
    assert outcome["outcome"] == "restored"
    record = read(outbox / "deep" / "a.tif.iiif" / "manifest.json")
    assert record["id"] == f"{LOCAL}/deep/a.tif.iiif/manifest.json"
    sources = {source.name for source, _ in plan([outbox], tmp_path / "again")}
    assert "default.jpg" not in sources
    assert "a.tif" in sources
