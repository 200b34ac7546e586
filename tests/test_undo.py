"""The original is recovered byte for byte from its result and the change package."""

import dataclasses
import os
import zipfile
from pathlib import Path

import pytest
import pyvips
from restorers import restorer, scan
from test_scans import KINDS, saved

from patina.tasks.io.atomic import sha256_of
from patina.tasks.restoration.restore_file import restore_file
from patina.tasks.restoration.sidecars import OutputOptions
from patina.tasks.restoration.undo import UndoError, package_of, undo

PACKED = OutputOptions(package=True)


def put_aside(source: Path, target: Path) -> Path:
    """Restore with a package, and move the original away."""
    changing = dataclasses.replace(restorer(0.05, noise=0.02), overlap_px=32)
    restore_file(source, target, changing, PACKED)
    source.rename(source.with_name(f"hidden-{source.name}"))
    return source.with_name(f"hidden-{source.name}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_scan_is_recovered(tmp_path: Path, kind: str) -> None:
    source = saved(kind, tmp_path)
    target = tmp_path / "out" / f"{source.name}.tif"
    hidden = put_aside(source, target)
    assert undo(target, package_of(target)) == target.with_name(f"original-{source.name}")
    assert sha256_of(target.with_name(f"original-{source.name}")) == sha256_of(hidden)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_the_package_of_an_uncompressed_scan_has_only_the_difference(
    tmp_path: Path, bits: int, bands: int
) -> None:
    scan(tmp_path / "a.tif", bits=bits, bands=bands)
    target = tmp_path / "out.tif"
    hidden = put_aside(tmp_path / "a.tif", target)
    with zipfile.ZipFile(package_of(target)) as archive:
        assert sorted(archive.namelist()) == ["change.json", "difference", "head", "tail"]
    assert package_of(target).stat().st_size < hidden.stat().st_size / 2
    undo(target, package_of(target), tmp_path / "back.tif")
    assert (tmp_path / "back.tif").read_bytes() == hidden.read_bytes()


def test_a_big_endian_scan_is_recovered(tmp_path: Path) -> None:
    import tifffile

    pixels = scan(tmp_path / "a.tif", bits=16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=">", photometric="rgb", rowsperstrip=7)
    target = tmp_path / "out.tif"
    hidden = put_aside(tmp_path / "a.tif", target)
    with zipfile.ZipFile(package_of(target)) as archive:
        assert "difference" in archive.namelist()
    undo(target, package_of(target), tmp_path / "back.tif")
    assert sha256_of(tmp_path / "back.tif") == sha256_of(hidden)


def test_no_file_is_written_if_the_original_cannot_be_recovered(tmp_path: Path) -> None:
    scan(tmp_path / "a.tif")
    target, back = tmp_path / "out.tif", tmp_path / "back.tif"
    with pytest.raises(UndoError, match=r"out\.tif\.change\.zip: no such file"):
        undo(target, package_of(target), back)
    put_aside(tmp_path / "a.tif", target)
    content = package_of(target).read_bytes()
    package_of(target).write_bytes(content[: len(content) // 2])
    with pytest.raises(UndoError, match="the change package cannot be read"):
        undo(target, package_of(target), back)
    package_of(target).write_bytes(content)
    pyvips.Image.black(10, 10).write_to_file(str(target))
    with pytest.raises(UndoError, match="the result was changed after"):
        undo(target, package_of(target), back)
    package_of(target).unlink()
    os.mkfifo(package_of(target))
    with pytest.raises(UndoError, match=r"change\.zip: it is not a file"):
        undo(target, package_of(target), back)
    package_of(target).unlink()
    package_of(target).write_bytes(content)
    assert not back.exists()
    back.write_bytes(b"mine")
    with pytest.raises(UndoError, match="exists already"):
        undo(target, package_of(target), back)
