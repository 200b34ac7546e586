"""EXIF, IPTC and the ordinary tags of a TIFF, carried into TIFFs.

There libvips 8.18 writes no EXIF, the first quarter of IPTC, and of other tags the description.
EXIF is laid out as a TIFF in all kinds of files, so that one reader does for all.
Source: TIFF 6.0, the BigTIFF extension, EXIF 2.32.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyvips

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
LONG = {16: 8, 17: 8, 18: 8}  # of BigTIFF
SWAPPED = {5: 4, 10: 4}  # bytes of a number, where a value is made of several
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
# Names of document, page and makers, description, software, time, artist, computer, copyright
ORDINARY = frozenset({269, 270, 271, 272, 285, 305, 306, 315, 316, 33432})
IPTC, PHOTOSHOP = 33723, 34377
CARRIED = ORDINARY | {EXIF, GPS, IPTC, PHOTOSHOP}
PHOTOMETRIC, EXTRA = 262, 338  # what pixels mean, and what their further bands are
ASSOCIATED = b"\1\0"  # an alpha by which colours are multiplied
OF_TIFF = frozenset({PHOTOMETRIC, EXTRA})
BYTES = 7  # the type of any
MOST = 4096  # tags of a directory
LARGEST = 1 << 22  # bytes of a value

Entries = dict[int, tuple[int, int, bytes]]  # tag -> type, count, value with low bytes first


@dataclass(frozen=True)
class Tags:
    """What is carried of a file: its own tags, and those of its EXIF and GPS directories."""

    own: Entries = field(default_factory=dict)
    inner: dict[int, Entries] = field(default_factory=dict)
    photometric: int | None = None  # of a TIFF
    premultiplied: bool = False  # as it is filed; libvips divides by the alpha


@dataclass(frozen=True)
class _Layout:
    order: str
    big: bool

    @property
    def offset(self) -> str:
        """How an offset, and the number of a tag's values, is written."""
        return f"{self.order}{'Q' if self.big else 'I'}"

    @property
    def count(self) -> str:
        """How the number of tags is written."""
        return f"{self.order}{'Q' if self.big else 'H'}"

    @property
    def inline(self) -> int:
        """Bytes of an offset, and of a value that stands in its place."""
        return 8 if self.big else 4


def tags_of(source: Path, image: pyvips.Image) -> Tags:
    """What the file at `source`, and its not yet decoded `image`, have; what is malformed not."""
    with source.open("rb") as file:
        tiff = file.read(2) in (b"II", b"MM")
        if tiff:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return _read(content, CARRIED | OF_TIFF)
    exif, iptc = (
        image.get(name) if image.get_typeof(name) else b"" for name in ("exif-data", "iptc-data")
    )
    tags = _read(exif.removeprefix(b"Exif\0\0"))
    return Tags(tags.own | dict(_photoshop(iptc)), tags.inner)


def _photoshop(block: bytes) -> Iterator[tuple[int, tuple[int, int, bytes]]]:
    """Photoshop's resources, as a JPEG has them, and IPTC among them."""
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


def _read(data: bytes | mmap.mmap, wanted: frozenset[int] = CARRIED) -> Tags:
    try:
        layout = _layout(data[:4])
        [first] = struct.unpack_from(layout.offset, data, 8 if layout.big else 4)
        own = dict(_entries(data, layout, first, wanted))
        inner = {
            tag: dict(_entries(data, layout, int.from_bytes(own.pop(tag)[2], "little")))
            for tag in (EXIF, GPS)
            if tag in own
        }
    except struct.error:
        return Tags()
    meant = own.pop(PHOTOMETRIC, (0, 0, b""))[2]
    inner = {tag: entries for tag, entries in inner.items() if entries}
    photometric = int.from_bytes(meant, "little") if meant else None
    if premultiplied := own.get(EXTRA, (0, 0, b""))[2][:2] == ASSOCIATED:
        del own[EXTRA]
    return Tags(own, inner, photometric, premultiplied)


def _layout(head: bytes) -> _Layout:
    order = ">" if head[:2] == b"MM" else "<"
    return _Layout(order, struct.unpack(f"{order}2xH", head)[0] == 43)


def _entries(
    data: bytes | mmap.mmap, layout: _Layout, place: int, wanted: frozenset[int] | None = None
) -> Iterator[tuple[int, tuple[int, int, bytes]]]:
    sizes = SIZES | LONG
    for entry in _bare(data, layout, place):
        tag, kind = struct.unpack_from(f"{layout.order}2H", entry)
        [count] = struct.unpack_from(layout.offset, entry, 4)
        size = sizes.get(kind, 0) * count
        if not 0 < size <= LARGEST or tag == INTEROPERABILITY or (wanted and tag not in wanted):
            continue
        at = 4 + layout.inline
        value = entry[at : at + size]
        if size > layout.inline:
            [start] = struct.unpack_from(layout.offset, entry, at)
            value = data[start : start + size]
        if len(value) == size and tag == IPTC:  # bytes, even where they are said to be numbers
            yield tag, (BYTES, size, value)
        elif len(value) == size:
            number = np.dtype(f"{layout.order}u{SWAPPED.get(kind, sizes[kind])}")
            value = np.frombuffer(value, number).astype(number.newbyteorder("<")).tobytes()
            yield tag, (kind, count, value)


def _bare(data: bytes | mmap.mmap, layout: _Layout, place: int) -> list[bytes]:
    """The entries of a directory as they stand."""
    if place > len(data):
        return []
    [number] = struct.unpack_from(layout.count, data, place)
    start, size = place + struct.calcsize(layout.count), 4 + 2 * layout.inline
    each = range(start, start + min(number, MOST) * size, size)
    return [data[at : at + size] for at in each if at + size <= len(data)]


def write_into(path: Path, tags: Tags) -> None:
    """Add `tags` that it does not have to the TIFF at `path`, as libvips has written it.

    What its further bands are is said as in `tags`: libvips says of all that they are an alpha by
    which colours were not multiplied.
    """
    if not (tags.own or tags.inner):
        return
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            layout = _layout(data[:4])
            first = 8 if layout.big else 4
            [place] = struct.unpack_from(layout.offset, data, first)
            there = {
                struct.unpack_from("<H", entry)[0]: entry for entry in _bare(data, layout, place)
            }
            length, after = len(data), _next(data, layout, place)
        if layout.order == ">" or (not layout.big and length > 2**32 - 4 * LARGEST):
            return  # no processor that we know; no room for an offset
        pointers = {
            tag: _pointer(_write(file, layout, _laid_out(file, layout, entries)), layout)
            for tag, entries in tags.inner.items()
        }
        given = _laid_out(file, layout, tags.own | pointers)
        own = given | there
        if _counts(given, there, EXTRA):
            own[EXTRA] = given[EXTRA]
        place = _write(file, layout, own, after)
        file.seek(first)
        file.write(struct.pack(layout.offset, place))


def _counts(given: dict[int, bytes], there: dict[int, bytes], tag: int) -> bool:
    """Whether both have that tag, of one type and as many values."""
    return tag in given and given[tag][:8] == there.get(tag, b"")[:8]


def _pointer(place: int, layout: _Layout) -> tuple[int, int, bytes]:
    return (16 if layout.big else 4, 1, struct.pack(layout.offset, place))


def _laid_out(file: BinaryIO, layout: _Layout, entries: Entries) -> dict[int, bytes]:
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


def _next(data: bytes | mmap.mmap, layout: _Layout, place: int) -> int:
    """Where the directory after the one at `place` lies; 0 if there is none."""
    [number] = struct.unpack_from(layout.count, data, place)
    end = place + struct.calcsize(layout.count) + number * (4 + 2 * layout.inline)
    return int(struct.unpack_from(layout.offset, data, end)[0])


def _write(file: BinaryIO, layout: _Layout, entries: dict[int, bytes], after: int = 0) -> int:
    """A directory at the end of the file, and where the next one lies; where this one lies."""
    content = b"".join(entries[tag] for tag in sorted(entries))
    number, last = struct.pack(layout.count, len(entries)), struct.pack(layout.offset, after)
    return _append(file, number + content + last)


def _append(file: BinaryIO, content: bytes) -> int:
    place = file.seek(0, 2)
    place += file.write(bytes(place % 2))  # on an even one
    file.write(content)
    return place
