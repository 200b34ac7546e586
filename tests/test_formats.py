"""The table in docs/formats.md agrees with the results of files that this test makes.

`PYTHONPATH=. python tests/test_formats.py` writes the table.
"""

import dataclasses
import struct
import tempfile
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pyvips
from restorers import restorer
from test_exif import IPTC, TAKEN, tags, with_exif, with_iptc
from test_scans import HEIGHT, KINDS, mutated, painted, saved

from patina.tasks.imaging.exif import tags_of, write_into
from patina.tasks.imaging.scans import opened
from patina.tasks.restoration.batch import restore_scans
from patina.tasks.restoration.inbox import target_of
from patina.tasks.restoration.restore_file import restore_file

DOCS = Path(__file__).parents[1] / "docs/formats.md"
COLUMNS = ("file", "its pixels", "result", "its pixels", "unchanged pixels", "ICC, dpi, XMP")
COLUMNS += ("EXIF, IPTC", "note in the sidecar")
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
KEPT_METADATA = {".tif": "EXIF, IPTC", ".jpg": "EXIF, IPTC"}
# In the lower half of a work there is no damage
SPARING = dataclasses.replace(restorer(0, damaged=40, fill=0.05), treat=("damage",))


def files(folder: Path) -> dict[str, Path]:
    """A file of each format, with the metadata that it can have."""
    made = {}
    for number, (kind, (image, name, options)) in enumerate(KINDS.items()):
        (folder / str(number)).mkdir()
        made[kind] = folder / str(number) / name
        tagged = with_exif(image)
        (with_iptc(tagged) if name == "a.jpg" else tagged).write_to_file(str(made[kind]), **options)
    exif = pyvips.Image.new_from_file(str(made["JPEG"])).get("exif-data").removeprefix(b"Exif\0\0")
    uuid = struct.pack(">I4s16s", len(exif) + 24, b"uuid", b"JpgTiffExif->JP2") + exif
    for name, bits in (("JPEG 2000", 8), ("JPEG 2000, 16 bit", 16)):
        made[name] = folder / f"{bits}.jp2"
        pixels = painted(bits).numpy()
        plain = imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="jp2")
        made[name].write_bytes(plain + uuid)
    made["TIFF of three pages"] = folder / "pages.tif"
    pages = pyvips.Image.arrayjoin([painted()] * 3, across=1)
    pages.write_to_file(str(made["TIFF of three pages"]), page_height=HEIGHT)
    made["JPEG, EXIF orientation 6"] = folder / "turned.jpg"
    turned = with_iptc(with_exif(painted()))
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    turned.write_to_file(str(made["JPEG, EXIF orientation 6"]))
    jpeg = made["JPEG"]
    for path in made.values():
        if path.suffix == ".tif":  # libvips would write none
            write_into(path, tags_of(jpeg, pyvips.Image.new_from_file(str(jpeg))))
    return made


def table(folder: Path) -> str:
    """The outcomes of these files, and of thirty damaged ones."""
    rows = []
    for kind, source in files(folder).items():
        target = folder / "out" / kind.replace(" ", "") / target_of(Path(source.name))
        record = restore_file(source, target, SPARING)
        form = record["source"]
        kept = pyvips.Image.new_from_file(str(target))
        with opened(source, target.parent) as scan:
            lower = np.s_[scan.height - scan.height // 4 :]
            own = scan.rows(0, scan.height)
            now = kept.numpy().reshape(own.shape)
            same = "exact" if np.array_equal(own[lower], now[lower]) else "CHANGED"
            before = described(scan.image)
            metadata = "kept" if carried(scan.image, kept) else "LOST"
        assert 0 < record["change"]["share_of_pixels"] < 1, kind
        kept_kind = kept_metadata(target)
        assert kept_kind == KEPT_METADATA.get(source.suffix, "EXIF"), kind
        notes = "; ".join(form.get("notes", []))
        out = target.suffix.removeprefix(".").upper()
        rows.append(
            (kind, before, out, described(kept), same, metadata, f"{kept_kind} kept", notes)
        )
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    return HEAD + "".join(lines) + "\n" + malformed(folder)


def described(image: pyvips.Image) -> str:
    spaces = {"b-w": "grey", "grey16": "grey", "srgb": "RGB", "rgb": "RGB", "rgb16": "RGB"}
    bits = 8 if image.format in ("uchar", "float") else 16
    space = spaces.get(image.interpretation, image.interpretation.upper().rstrip("S"))
    return f"{space}{' and alpha' if image.hasalpha() else ''}, {bits} bit"


def carried(before: pyvips.Image, after: pyvips.Image) -> bool:
    """Whether profile, resolution and orientation are unchanged, and there is an XMP packet."""
    usual = {"icc-profile-data": b"", "orientation": 1}
    same = all(field(before, *each) == field(after, *each) for each in usual.items())
    return same and abs(after.xres - before.xres) < 0.01 and bool(after.get_typeof("xmp-data"))


def field(image: pyvips.Image, name: str, usual: Any) -> Any:
    """The metadata field of that name; `usual` if the image has none."""
    return image.get(name) if image.get_typeof(name) else usual


def kept_metadata(result: Path) -> str:
    """The metadata that the result has completely."""
    if result.suffix != ".tif":
        image = pyvips.Image.new_from_file(str(result))
        return "EXIF" if image.get("exif-ifd2-DateTimeOriginal").startswith(TAKEN) else ""
    found = tags(result)
    exif = found.get("ExifTag", {}).get("DateTimeOriginal") == TAKEN
    return ", ".join(["EXIF"] * exif + ["IPTC"] * (found.get("IPTCNAA") == IPTC))


def malformed(folder: Path) -> str:
    kinds = ("16-bit TIFF, wide gamut", "8-bit PNG", "JPEG", "WebP", "tiled TIFF")
    scans = []
    for number in range(30):
        place = folder / f"broken{number}"
        place.mkdir()
        source = saved(kinds[number % len(kinds)], place)
        source.write_bytes(mutated(source.read_bytes(), number))
        scans.append((source, place / "out.tif"))
    outcomes = list(restore_scans(scans, restorer(0)))
    aside = [outcome for outcome in outcomes if outcome["outcome"] == "set aside"]
    assert all("a." in outcome["reason"] for outcome in aside)
    assert all(
        target.exists() == ("reason" not in o)
        for (_, target), o in zip(scans, outcomes, strict=True)
    )
    return (
        "The test also damages 30 files: it truncates them, or changes their pixels or headers.\n"
        f"{len(aside)} of them are set aside with the reason. The other {30 - len(aside)} can "
        "still be read, and are restored.\n"
    )


def test_the_documented_table_agrees_with_restored_files(tmp_path: Path) -> None:
    found = table(tmp_path)
    assert "CHANGED" not in found
    assert "LOST" not in found
    assert found in DOCS.read_text(encoding="utf-8"), (
        "write it: PYTHONPATH=. python tests/test_formats.py"
    )


if __name__ == "__main__":
    text = DOCS.read_text(encoding="utf-8")
    start, end = text.index("| file |"), text.index("\n## ")
    with tempfile.TemporaryDirectory() as made:
        DOCS.write_text(text[:start] + table(Path(made)) + text[end:], encoding="utf-8")
