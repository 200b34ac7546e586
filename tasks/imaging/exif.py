"""Copies EXIF, IPTC, resolution and ordinary tags into the TIFF of a result.

libvips 8.18 writes a TIFF without EXIF, with a quarter of IPTC, with no other tag than the
description, and with a resolution even if the file has none. EXIF has the structure of a TIFF in
all file formats, so one reader is enough.
Source: TIFF 6.0, the BigTIFF extension, EXIF 2.32.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyvips

from patina.tasks.imaging import tiff
from patina.tasks.imaging.fields import field_of
from patina.tasks.imaging.tiff import BYTES, IN_ALL, IPTC, LONG, Budget, Data, Entries, Layout

EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
# Names of document, page and makers, description, software, time, artist, computer, copyright
ORDINARY = frozenset({269, 270, 271, 272, 285, 297, 305, 306, 315, 316, 33432})
WINDOWS = frozenset({18246, 18249, *range(40091, 40096)})  # rating, title, comment, author, …
COLOUR = frozenset({301, 318, 319})  # transfer function, white, primaries
PHOTOSHOP = 34377
CARRIED = ORDINARY | WINDOWS | COLOUR | {EXIF, GPS, IPTC, PHOTOSHOP}
RESOLUTION = ACROSS, DOWN, UNIT = 282, 283, 296
INCH, CENTIMETRE = 2, 3
PHOTOMETRIC, EXTRA = 262, 338  # meaning of the pixels, and of their extra bands
ASSOCIATED, UNASSOCIATED = 1, 2  # premultiplied alpha, and plain alpha
OF_TIFF = frozenset({PHOTOMETRIC, EXTRA})
# Tags about the storage of pixels, and tags that libvips copies: XMP and the ICC profile
STORED = frozenset({*range(254, 269), *range(273, 285), *range(288, 294), 317, *range(320, 326)})
STORED |= {332, 333, 334, *range(336, 348), *range(512, 533), 700, 34675, 50838, 50839}
LAYERS, WITHIN = 37724, 330
NAMED = {LAYERS: "Photoshop layers", WITHIN: "pages inside the page (SubIFDs)"}


@dataclass(frozen=True)
class Tags:
    """The tags of a file that are copied to a result."""

    own: Entries = field(default_factory=dict)  # of the page
    inner: dict[int, Entries] = field(default_factory=dict)  # of the EXIF and GPS directories
    photometric: int | None = None  # of a TIFF
    premultiplied: bool = False  # colours in the file are multiplied by alpha; libvips divides
    resolution: Entries | None = None  # empty: the file has none; None: libvips decides
    left_out: tuple[str, ...] = ()  # what is not copied, in words
    alpha: bool = True  # whether an extra band is an alpha channel


def tags_of(source: Path, image: pyvips.Image, page: int = 0) -> Tags:
    """The tags of the file at `source`; malformed ones are omitted.

    image: the opened, not yet decoded image of the file. page: number of the page of a TIFF.
    """
    with source.open("rb") as file:
        if file.read(2) in (b"II", b"MM"):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _of_tiff(content, page)
    exif, iptc = (field_of(image, name) for name in ("exif-data", "iptc-data"))
    tags = of_block(exif)
    return Tags(tags.own | dict(_photoshop(iptc)), tags.inner, resolution=tags.resolution or {})


def of_block(exif: bytes) -> Tags:
    """The tags of an EXIF block; malformed ones are omitted."""
    return _read(exif.removeprefix(b"Exif\0\0"))


def resolution(across: float, down: float, unit: int = CENTIMETRE) -> Entries:
    """Resolution tags for `across` and `down` pixels a unit (INCH or CENTIMETRE)."""
    pair = {tag: round(per * 10_000) for tag, per in ((ACROSS, across), (DOWN, down))}
    if not all(0 < number < 2**32 for number in pair.values()):
        return {}
    entries: Entries = {n: (5, 1, struct.pack("<2I", p, 10_000)) for n, p in pair.items()}
    return entries | {UNIT: (3, 1, struct.pack("<H", unit))}


def _photoshop(block: bytes) -> Iterator[tuple[int, tuple[int, int, bytes]]]:
    """The tags of a JPEG's Photoshop resources, and of the IPTC block in them."""
    resources = block.removeprefix(b"Photoshop 3.0\0")
    if resources != block:
        yield PHOTOSHOP, (BYTES, len(resources), resources)
    while len(resources) > 12 and resources[:4] == b"8BIM":
        start = 6 + (resources[6] // 2 + 1) * 2  # after a name, which is padded
        size = int.from_bytes(resources[start : start + 4], "big")
        value = resources[start + 4 : start + 4 + size]
        if resources[4:6] == b"\4\4" and value and len(value) == size:
            yield IPTC, (BYTES, size, value)
        resources = resources[start + 4 + size + size % 2 :]


def _of_tiff(data: mmap.mmap, page: int) -> Tags:
    try:
        place = tiff.places(data, tiff.layout_of(data[:4]))[page]
    except (struct.error, IndexError):
        return Tags()
    return _read(data, CARRIED | OF_TIFF | {*RESOLUTION}, place)


def _read(data: Data, wanted: frozenset[int] | None = None, place: int | None = None) -> Tags:
    """The directory at `place` (default: the first), and the directories to which it points."""
    budget = Budget()
    try:
        layout = tiff.layout_of(data[:4])
        first = tiff.first_place(data, layout) if place is None else place
        taken = wanted or CARRIED | {*RESOLUTION}
        own = dict(tiff.directory(data, layout, first, taken, budget))
        inner = {
            tag: dict(tiff.directory(data, layout, tiff.number_of(own, tag), None, budget))
            for tag in (EXIF, GPS)
            if own.get(tag)
        }
        if INTEROPERABILITY in inner.get(EXIF, {}):
            there = tiff.number_of(inner[EXIF], INTEROPERABILITY)
            inner[INTEROPERABILITY] = dict(tiff.directory(data, layout, there, None, budget))
        left_out = _left_out(data, layout, first, budget) if wanted else ()
    except struct.error:
        return Tags()
    return _sorted(own, inner, left_out)


def _sorted(own: Entries, inner: dict[int, Entries], left_out: tuple[str, ...]) -> Tags:
    """The tags of a page, sorted into the fields of Tags."""
    for pointer in (EXIF, GPS):
        own.pop(pointer, None)
    inner.get(EXIF, {}).pop(INTEROPERABILITY, None)
    inner = {tag: entries for tag, entries in inner.items() if entries}
    given = {tag: own.pop(tag) for tag in RESOLUTION if tag in own}
    density = given if {ACROSS, DOWN} <= {*given} else {}
    photometric = tiff.number_of(own, PHOTOMETRIC) if PHOTOMETRIC in own else None
    own.pop(PHOTOMETRIC, None)
    meaning = tiff.number_of(own, EXTRA, UNASSOCIATED)
    if meaning == ASSOCIATED:
        del own[EXTRA]
    alpha = meaning in (ASSOCIATED, UNASSOCIATED)
    return Tags(own, inner, photometric, meaning == ASSOCIATED, density, left_out, alpha)


def _left_out(data: Data, layout: Layout, place: int, budget: Budget) -> tuple[str, ...]:
    """What is not copied of a page, in words."""
    there = {
        struct.unpack_from(f"{layout.order}H", entry)[0] for entry in tiff.bare(data, layout, place)
    }
    others = sorted(there - CARRIED - STORED - OF_TIFF - {*RESOLUTION})
    names = [NAMED[tag] for tag in others if tag in NAMED]
    if numbers := [str(tag) for tag in others if tag not in NAMED]:
        names.append(f"tags {', '.join(numbers[:20])}")
    if budget.left < 0:
        names.append(f"tags beyond {IN_ALL >> 20} MiB in all")
    return tuple(names)


def write_into(path: Path, tags: Tags) -> None:
    """Add those of `tags` that are missing to the TIFF at `path`, which libvips has written.

    The meaning of extra bands and the resolution are replaced by those of `tags`: libvips declares
    every extra band as plain alpha.
    """
    if not (tags.own or tags.inner or tags.resolution is not None):
        return
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            layout = tiff.layout_of(data[:4])
            place = tiff.first_place(data, layout)
            there = {
                struct.unpack_from("<H", entry)[0]: entry
                for entry in tiff.bare(data, layout, place)
            }
            length, after = len(data), tiff.next_place(data, layout, place)
        if layout.order == ">" or (not layout.big and length > 2**32 - 4 * IN_ALL):
            return  # big-endian, which libvips hardly ever writes; or too large
        own = _with_tags(file, layout, there, tags)
        place = _write(file, layout, own, after)
        file.seek(layout.first)
        file.write(struct.pack(layout.offset, place))


def _with_tags(
    file: BinaryIO, layout: Layout, there: dict[int, bytes], tags: Tags
) -> dict[int, bytes]:
    """The entries of the page; the values to which they point are appended to the file."""
    inner = {tag: dict(entries) for tag, entries in tags.inner.items()}
    if INTEROPERABILITY in inner:
        place = _write(file, layout, _laid_out(file, layout, inner.pop(INTEROPERABILITY)))
        inner.setdefault(EXIF, {})[INTEROPERABILITY] = _pointer(place, layout)
    pointers = {
        tag: _pointer(_write(file, layout, _laid_out(file, layout, entries)), layout)
        for tag, entries in inner.items()
    }
    given = _laid_out(file, layout, tags.own | pointers)
    own = given | there
    if _counts(given, there, EXTRA):
        own[EXTRA] = given[EXTRA]
    if tags.resolution is not None:
        own = {tag: entry for tag, entry in own.items() if tag not in RESOLUTION}
        own |= _laid_out(file, layout, tags.resolution)
    return own


def _counts(given: dict[int, bytes], there: dict[int, bytes], tag: int) -> bool:
    """Whether both have the tag, with the same type and number of values."""
    return tag in given and given[tag][:8] == there.get(tag, b"")[:8]


def _pointer(place: int, layout: Layout) -> tuple[int, int, bytes]:
    return (16 if layout.big else 4, 1, struct.pack(layout.offset, place))


def _laid_out(file: BinaryIO, layout: Layout, entries: Entries) -> dict[int, bytes]:
    """The entries as they will stand, once long values are at the end of the file."""
    laid_out = {}
    for tag, (kind, count, value) in entries.items():
        if kind in LONG and not layout.big:
            continue
        if len(value) > layout.inline:
            value = struct.pack(layout.offset, _append(file, value))
        head = struct.pack("<2H", tag, kind) + struct.pack(layout.offset, count)
        laid_out[tag] = head + value.ljust(layout.inline, b"\0")
    return laid_out


def _write(file: BinaryIO, layout: Layout, entries: dict[int, bytes], after: int = 0) -> int:
    """Append a directory to the file, with the place `after` of the next one; return its place."""
    content = b"".join(entries[tag] for tag in sorted(entries))
    number, last = struct.pack(layout.count, len(entries)), struct.pack(layout.offset, after)
    return _append(file, number + content + last)


def _append(file: BinaryIO, content: bytes) -> int:
    place = file.seek(0, 2)
    place += file.write(bytes(place % 2))  # directories lie at even places
    file.write(content)
    return place
