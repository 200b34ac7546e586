"""The directories of a TIFF, read without their pixels and within bounds; EXIF is laid out alike.

Source: TIFF 6.0, the BigTIFF extension.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
LONG = {16: 8, 17: 8, 18: 8}  # of BigTIFF
SWAPPED = {5: 4, 10: 4}  # bytes of a number, where a value is made of several
BYTES = 7  # the type of any
IPTC = 33723
MOST = 1024  # tags of a directory
LARGEST = 1 << 22  # bytes of a value
IN_ALL = 1 << 24  # bytes of all values of a file
PAGES = 4096  # directories of a file that are looked at
SUBFILE, OLD_SUBFILE, SUB_DIRECTORIES = 254, 255, 330
REDUCED, MASK = 1, 4  # bits of a subfile's type
OLD_REDUCED = 2

Data = bytes | mmap.mmap
Entries = dict[int, tuple[int, int, bytes]]  # tag -> type, count, value with low bytes first


@dataclass(frozen=True)
class Layout:
    """Order of bytes, "<" or ">", and whether it is a BigTIFF."""

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

    @property
    def first(self) -> int:
        """Where the offset of the first directory stands."""
        return 8 if self.big else 4


class Budget:
    """How many bytes of values may still be read of a file."""

    def __init__(self, left: int = IN_ALL) -> None:
        self.left = left

    def spend(self, size: int) -> bool:
        """Whether `size` more may be read."""
        self.left -= size
        return self.left >= 0


def layout_of(head: bytes) -> Layout:
    """Of the first four bytes. Raises struct.error when there are fewer."""
    order = ">" if head[:2] == b"MM" else "<"
    return Layout(order, struct.unpack(f"{order}2xH", head)[0] == 43)


def first_place(data: Data, layout: Layout) -> int:
    """Where the first directory lies. Raises struct.error when that is not told."""
    return int(struct.unpack_from(layout.offset, data, layout.first)[0])


def directory(
    data: Data,
    layout: Layout,
    place: int,
    wanted: frozenset[int] | None = None,
    budget: Budget | None = None,
) -> Iterator[tuple[int, tuple[int, int, bytes]]]:
    """The whole and well-formed tags of the directory at `place`, of `wanted` if given.

    A tag that would exceed the budget is left out, as is one longer than LARGEST.
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
        if len(value) == size and tag == IPTC:  # bytes, even where they are said to be numbers
            yield tag, (BYTES, size, value)
        elif len(value) == size:
            number = np.dtype(f"{layout.order}u{SWAPPED.get(kind, sizes[kind])}")
            value = np.frombuffer(value, number).astype(number.newbyteorder("<")).tobytes()
            yield tag, (kind, count, value)


def bare(data: Data, layout: Layout, place: int) -> list[bytes]:
    """The entries of a directory as they stand, MOST of them at most."""
    if place > len(data):
        return []
    [number] = struct.unpack_from(layout.count, data, place)
    start, size = place + struct.calcsize(layout.count), 4 + 2 * layout.inline
    each = range(start, start + min(number, MOST) * size, size)
    return [data[at : at + size] for at in each if at + size <= len(data)]


def next_place(data: Data, layout: Layout, place: int) -> int:
    """Where the directory after the one at `place` lies; 0 if there is none."""
    [number] = struct.unpack_from(layout.count, data, place)
    end = place + struct.calcsize(layout.count) + number * (4 + 2 * layout.inline)
    return int(struct.unpack_from(layout.offset, data, end)[0])


def places(data: Data, layout: Layout) -> list[int]:
    """Where the directories of a file's pages lie, in their order, each once."""
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
    """The number of the first page that is no thumbnail and no mask.

    Raises ValueError when all are: what is whole may lie in a directory within.
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
        raise ValueError("its pages are thumbnails, and the picture lies within one; export it")
    return 0


def number_of(tags: Entries, tag: int, default: int = 0) -> int:
    """The first value of a tag of whole numbers."""
    if tag not in tags:
        return default
    kind, _, value = tags[tag]
    return int.from_bytes(value[: (SIZES | LONG)[kind]], "little")
