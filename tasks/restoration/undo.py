"""The change package: recovers the original file, byte for byte, from the result.

It is a ZIP file with `change.json`. If the original has uncompressed pixels, as some TIFFs have,
the package holds their `difference` from the result, and the other bytes of the original (`head`,
`tail`). Otherwise it holds the `original` itself, because its own compression can hardly be
improved.
"""

import errno
import hashlib
import json
import mmap
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from patina.errors import InputError
from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.io.atomic import Record, draft_folder, sha256_of, whole_file
from patina.tasks.io.storage import OnePlace

SUFFIX = ".change.zip"
BYTE_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")  # byte orders of a 16-bit sample
CHUNK = 1 << 20  # bytes that are copied at a time
OLD_ROWS = 256  # rows of a strip in packages without this number
STRIP_PIXELS = 1 << 21
MAX_FACTS_BYTES = 1 << 20  # maximum bytes of `change.json`
MAX_STRIP_BYTES = 1 << 30  # maximum bytes of a strip
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
REQUIRED_KEYS = {"source": str, "source_sha256": str, "result_sha256": str}
# Errors of the libraries for damaged packages
DAMAGE_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ImageError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, RecursionError),
)


class UndoError(InputError):
    """The original cannot be recovered; the message names the file and the reason."""


def package_of(result: OnePlace) -> OnePlace:
    """The path of the change package for that result."""
    return result.with_name(f"{result.name}{SUFFIX}")


def is_package(path: Path) -> bool:
    """Whether a file is a change package, of any result."""
    if not path.is_file():  # reading a pipe could wait forever
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            _facts(archive)
    except (OSError, *DAMAGE_ERRORS):
        return False
    return True


def pack(scan: Scan, source: Path, pixels: Path, result: Path) -> None:
    """Write the change package of `result` in one atomic step.

    scan: open, of the file `source`. pixels: the bare pixels of the result, (H, W, bands).
    """
    facts: Record = {"schema": 2, "source": source.name, "source_sha256": sha256_of(source)}
    facts |= {"source_bytes": source.stat().st_size, "rows": _rows(scan.width)}
    facts |= {"result": result.name, "result_sha256": sha256_of(result)}
    with (
        whole_file(package_of(result)) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        source.open("rb") as original,
        mmap.mmap(original.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        raw_pixels = _raw_pixels(scan, content)
        if raw_pixels is None:
            with archive.open(zipfile.ZipInfo("original"), "w", force_zip64=True) as member:
                shutil.copyfileobj(original, member, CHUNK)
        else:
            start, end, order = raw_pixels
            facts["order"] = order
            _add(archive, "head", content[:start])
            _add(archive, "tail", content[end:])
            entry = zipfile.ZipInfo("difference")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                for original_rows, changed in _pairs(scan, pixels):
                    member.write(_planes(original_rows - changed))
        _add(archive, "change.json", json.dumps(facts, indent=2, ensure_ascii=False).encode())


def undo(result: Path, package: Path, target: Path | None = None) -> Path:
    """Write the file from which `result` was made to `target`; return its path.

    target: the default is original-NAME beside the result. The SHA-256 of the file is checked.
    Raises UndoError, and leaves no file, if `result` or `package` was changed.
    """
    for given in (package, result):
        if given.exists() and not given.is_file():  # reading a pipe could wait forever
            raise UndoError(f"undo: {given}: it is not a file")
    try:
        with zipfile.ZipFile(package) as archive:
            facts = _facts(archive)
            target = target or result.with_name(f"original-{facts['source']}")
            if target.exists():
                raise UndoError(f"undo: {target}: the file exists already; give another --out")
            if sha256_of(result) != facts["result_sha256"]:
                raise UndoError(f"undo: {result}: the result was changed after it was restored")
            _recover(archive, facts, result, target)
            return target
    except UndoError:
        raise
    except FileNotFoundError as error:
        raise UndoError(
            f"undo: {error.filename}: no such file; `patina restore --package` writes one"
        ) from error
    except (*DAMAGE_ERRORS, OSError) as error:
        # EINVAL: a place before the beginning of the file
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        reason = str(error) or type(error).__name__
        raise UndoError(f"undo: {package}: the change package cannot be read: {reason}") from error


def _recover(archive: zipfile.ZipFile, facts: Record, result: Path, target: Path) -> None:
    """Write the original to `target`, if it has the SHA-256 in `facts`."""
    digest, bytes_left = hashlib.sha256(), _max_bytes(facts, result)
    with whole_file(target) as file:
        for chunk in _original(archive, facts, result):
            bytes_left -= len(chunk)
            if bytes_left < 0:
                break  # too long; the check of the SHA-256 fails
            digest.update(chunk)
            file.write(chunk)
        if digest.hexdigest() != facts["source_sha256"]:
            raise UndoError(
                f"undo: {archive.filename}: the package is damaged: {facts['source']} cannot be "
                "recovered"
            )


def _facts(archive: zipfile.ZipFile) -> Record:
    """The contents of `change.json`, checked. Raises one of DAMAGE_ERRORS."""
    for member in archive.infolist():
        if member.compress_type not in COMPRESSIONS:
            raise ValueError(
                f"{member.filename!r} is compressed with a method that Patina does not use"
            )
    if archive.getinfo("change.json").file_size > MAX_FACTS_BYTES:
        raise ValueError("its change.json is too large")
    with archive.open("change.json") as file:
        facts = json.loads(file.read(MAX_FACTS_BYTES + 1))
    if not isinstance(facts, dict) or any(
        not isinstance(facts.get(name), kind) for name, kind in REQUIRED_KEYS.items()
    ):
        raise ValueError("its change.json is incomplete")
    name, rows = facts["source"], facts.get("rows", OLD_ROWS)
    if not name.isprintable() or Path(name).name != name:
        raise ValueError("its change.json has an invalid file name")
    if (
        not isinstance(rows, int)
        or not 0 < rows <= OLD_ROWS
        or facts.get("order", "<") not in BYTE_ORDERS
    ):
        raise ValueError("its change.json has an invalid number of rows or byte order")
    return facts


def _max_bytes(facts: Record, result: Path) -> int:
    """The largest possible size of the original: the recorded one, or else the free disk space."""
    counted = facts.get("source_bytes")
    if isinstance(counted, int):
        return counted
    return shutil.disk_usage(result.parent).free


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The packed bytes under a name, piece by piece, because they may have any size."""
    with archive.open(name) as member:
        while chunk := member.read(CHUNK):
            yield chunk


def _original(archive: zipfile.ZipFile, facts: Record, result: Path) -> Iterator[bytes]:
    if "order" not in facts:
        yield from _members(archive, "original")
        return
    yield from _members(archive, "head")
    with (
        draft_folder(result.parent) as folder,
        opened(result, folder) as scan,
        archive.open("difference") as member,
    ):
        rows = facts.get("rows", OLD_ROWS)
        if rows * scan.width * scan.image.bands * 2 > MAX_STRIP_BYTES:
            raise ValueError("its strips are too large")
        for strip in _strips(scan, rows):
            changed = scan.rows(*strip)
            planes = np.frombuffer(member.read(changed.nbytes), np.uint8)
            difference = np.ascontiguousarray(planes.reshape(changed.dtype.itemsize, -1).T)
            original_rows = changed + difference.view(changed.dtype).reshape(changed.shape)
            yield original_rows.astype(f"{facts['order']}u{original_rows.itemsize}").tobytes()
    yield from _members(archive, "tail")


def _rows(width: int) -> int:
    """Number of rows in a strip."""
    return max(1, min(OLD_ROWS, STRIP_PIXELS // width))


def _strips(scan: Scan, rows: int) -> Iterator[tuple[int, int]]:
    for top in range(0, scan.height, rows):
        yield top, min(top + rows, scan.height)


def _raw_pixels(scan: Scan, content: mmap.mmap) -> tuple[int, int, str] | None:
    """Start and end of uncompressed pixels in the file, and their byte order."""
    if scan.image.format not in ("uchar", "ushort"):
        return None
    strips = [*_strips(scan, _rows(scan.width))]
    first = scan.rows(*strips[0])
    for order in BYTE_ORDERS[: first.dtype.itemsize]:
        stored = first.dtype.newbyteorder(order)
        place = start = content.find(first.astype(stored).tobytes())
        if start < 0:
            continue
        for strip in strips:
            rows = scan.rows(*strip).astype(stored).tobytes()
            if content[place : place + len(rows)] != rows:
                break
            place += len(rows)
        else:
            return start, place, order
    return None


def _pairs(scan: Scan, pixels: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows of the scan and of its result, strip by strip; differences wrap around."""
    with pixels.open("rb") as file:
        for strip in _strips(scan, _rows(scan.width)):
            original_rows = scan.rows(*strip)
            changed = np.frombuffer(file.read(original_rows.nbytes), original_rows.dtype)
            yield original_rows, changed.reshape(original_rows.shape)


def _planes(difference: np.ndarray) -> bytes:
    """All low bytes, then all high bytes, which hardly vary and so compress well."""
    return difference.reshape(-1, 1).view(np.uint8).T.tobytes()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
