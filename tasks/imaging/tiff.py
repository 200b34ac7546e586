"""Reads the directories of a TIFF, or of EXIF, within limits of memory; no pixels are read.

Source: TIFF 6.0, the BigTIFF extension.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
LONG = {16: 8, 17: 8, 18: 8}  # types of BigTIFF
SWAPPED = {5: 4, 10: 4}  # bytes of each number of a rational value
BYTES = 7  # the type for arbitrary bytes
IPTC = 33723
MOST = 1024  # maximum number of tags in a directory
LARGEST = 1 << 22  # maximum bytes of a value
IN_ALL = 1 << 24  # maximum bytes of all values of a file
PAGES = 4096  # maximum number of directories that are read
SUBFILE, OLD_SUBFILE, SUB_DIRECTORIES = 254, 255, 330
REDUCED, MASK = 1, 4  # bits of SUBFILE
OLD_REDUCED = 2

Data = bytes | mmap.mmap
Entries = dict[int, tuple[int, int, bytes]]  # tag -> type, count, value with low bytes first


@dataclass(frozen=True)
class Layout:
    """Byte order, "<" or ">", and whether it is a BigTIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        """struct format of an offset, and of the number of a tag's values."""
        return f"{self.order}{'Q' if self.big else 'I'}"

    @property
    def count(self) -> str:
        """struct format of the number of tags."""
        return f"{self.order}{'Q' if self.big else 'H'}"

    @property
    def inline(self) -> int:
        """Bytes of an offset, and of a value that is stored in its place."""
        return 8 if self.big else 4

    @property
    def first(self) -> int:
        """Place of the offset of the first directory, in bytes."""
        return 8 if self.big else 4


class Budget:
    """The number of bytes of values that may still be read from a file."""

    def __init__(self, left: int = IN_ALL) -> None:
        self.left = left

    def spend(self, size: int) -> bool:
        """Count `size` more bytes; whether they may be read."""
        self.left -= size
        return self.left >= 0


def layout_of(head: bytes) -> Layout:
    """The layout by the first four bytes. Raises struct.error if there are fewer."""
    order = ">" if head[:2] == b"MM" else "<"
    return Layout(order, struct.unpack(f"{order}2xH", head)[0] == 43)


def first_place(data: Data, layout: Layout) -> int:
    """Place of the first directory, in bytes. Raises struct.error if `data` is too short."""
    return int(struct.unpack_from(layout.offset, data, layout.first)[0])


def directory(
    data: Data,
    layout: Layout,
    place: int,
    wanted: frozenset[int] | None = None,
    budget: Budget | None = None,
) -> Iterator[tuple[int, tuple[int, int, bytes]]]:
    """The well-formed tags of the directory at `place`; only those in `wanted`, if given.

    Tags that exceed the budget, or are longer than LARGEST, are omitted.
    """
    budget = budget or Budget()
    sizes = SIZES | LONG
    for entry in bare(data, layout, place):
        tag, kind = struct.unpack_from(f"{layout.order}2H", entry)
        [count] = struct.unpack_from(layout.offset, entry, 4)
        size = sizes.get(kind, 0) * count
        if not 0 < size <= LARGEST or (wanted is not None and tag not in wanted):
            continue
        at = 4 + layout.inline
        value = entry[at : at + size]
        if size > layout.inline:
            if not budget.spend(size):
                continue
            [start] = struct.unpack_from(layout.offset, entry, at)
            value = data[start : start + size]
        if len(value) == size and tag == IPTC:  # bytes, even if their type says numbers
            yield tag, (BYTES, size, value)
        elif len(value) == size:
            number = np.dtype(f"{layout.order}u{SWAPPED.get(kind, sizes[kind])}")
            value = np.frombuffer(value, number).astype(number.newbyteorder("<")).tobytes()
            yield tag, (kind, count, value)


def tags_of_page(source: Path, page: int, wanted: frozenset[int]) -> Entries:
    """Those tags in `wanted` that the page of the file `source` has.

    Raises struct.error or IndexError if there is no such page.
    """
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        layout = layout_of(data[:4])
        return dict(directory(data, layout, places(data, layout)[page], wanted))


def bare(data: Data, layout: Layout, place: int) -> list[bytes]:
    """The raw entries of a directory, at most MOST."""
    if place > len(data):
        return []
    [number] = struct.unpack_from(layout.count, data, place)
    start, size = place + struct.calcsize(layout.count), 4 + 2 * layout.inline
    each = range(start, start + min(number, MOST) * size, size)
    return [data[at : at + size] for at in each if at + size <= len(data)]


def next_place(data: Data, layout: Layout, place: int) -> int:
    """Place of the directory after the one at `place`; 0 if there is none."""
    [number] = struct.unpack_from(layout.count, data, place)
    end = place + struct.calcsize(layout.count) + number * (4 + 2 * layout.inline)
    return int(struct.unpack_from(layout.offset, data, end)[0])


def places(data: Data, layout: Layout) -> list[int]:
    """Places of the directories of a file's pages, in their order, each once."""
    found: list[int] = []
    place = first_place(data, layout)
    while 0 < place < len(data) and place not in found and len(found) < PAGES:
        found.append(place)
        try:
            place = next_place(data, layout, place)
        except struct.error:
            break
    return found


def whole_page(data: Data, layout: Layout) -> int:
    """The number of the first page that is neither a thumbnail nor a mask; 0 if there is none.

    Raises ValueError if there is none and the picture is in a sub-directory.
    """
    within = False
    for number, place in enumerate(places(data, layout)):
        tags = dict(directory(data, layout, place, frozenset({SUBFILE, OLD_SUBFILE})))
        if not (number_of(tags, SUBFILE) & (REDUCED | MASK)) and (
            number_of(tags, OLD_SUBFILE) != OLD_REDUCED
        ):
            return number
        within |= any(
            struct.unpack_from(f"{layout.order}H", entry)[0] == SUB_DIRECTORIES
            for entry in bare(data, layout, place)
        )
    if within:
        raise ValueError("all its pages are thumbnails; export the picture inside them as a TIFF")
    return 0


def number_of(tags: Entries, tag: int, default: int = 0) -> int:
    """The first value of a tag that contains integers; `default` if it is missing."""
    if tag not in tags:
        return default
    kind, _, value = tags[tag]
    return int.from_bytes(value[: (SIZES | LONG)[kind]], "little")
