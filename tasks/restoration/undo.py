"""The change package: what gives the original file back, byte for byte, from its restored one.

A ZIP: `change.json`, and where the original holds its pixels bare, as an uncompressed TIFF does,
their `difference` from the result's with the original's other bytes (`head`, `tail`); or else the
`original`, whose own compression can hardly be outdone.
"""

import hashlib
import json
import mmap
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from patina.errors import InputError
from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.scans import Scan, opened
from patina.tasks.io.atomic import DRAFT, Record, sha256_of, whole_file
from patina.tasks.io.storage import OnePlace
from patina.tasks.restoration.restorer import strips_of

SUFFIX = ".change.zip"
ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")  # of the bytes of a 16-bit sample
CHUNK = 1 << 20


class UndoError(InputError):
    """The original cannot be given back; the message names the file and says why."""


def package_of(result: OnePlace) -> OnePlace:
    """Where the change package of that result lies."""
    return result.with_name(f"{result.name}{SUFFIX}")


def pack(scan: Scan, source: Path, pixels: Path, result: Path) -> None:
    """Write the change package of `result`, whole.

    scan: open, of the file `source`. pixels: the bare pixels of the result, (H, W, bands).
    """
    facts: Record = {"schema": 1, "source": source.name, "source_sha256": sha256_of(source)}
    facts |= {"result": result.name, "result_sha256": sha256_of(result)}
    with (
        whole_file(package_of(result)) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        source.open("rb") as original,
        mmap.mmap(original.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        bare = _bare_pixels(scan, content)
        if bare is None:
            with archive.open(zipfile.ZipInfo("original"), "w", force_zip64=True) as member:
                shutil.copyfileobj(original, member, CHUNK)
        else:
            start, end, order = bare
            facts["order"] = order
            _add(archive, "head", content[:start])
            _add(archive, "tail", content[end:])
            entry = zipfile.ZipInfo("difference")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                for own, changed in _pairs(scan, pixels):
                    member.write(_planes(own - changed))
        _add(archive, "change.json", json.dumps(facts, indent=2, ensure_ascii=False).encode())


def undo(result: Path, package: Path, target: Path | None = None) -> Path:
    """Write to `target` the file of which `result` was made, with the same SHA-256; return it.

    target: original-NAME beside the result, unless given. Raises UndoError, and leaves no file,
    when `result` or `package` is not what was filed.
    """
    try:
        with zipfile.ZipFile(package) as archive:
            facts = json.loads(archive.read("change.json"))
            target = target or result.with_name(f"original-{facts['source']}")
            if target.exists():
                raise UndoError(f"undo: {target}: is there already; give another --out")
            if sha256_of(result) != facts["result_sha256"]:
                raise UndoError(f"undo: {result}: was changed after it was restored")
            digest = hashlib.sha256()
            with whole_file(target) as file:
                for chunk in _original(archive, facts, result):
                    digest.update(chunk)
                    file.write(chunk)
                if digest.hexdigest() != facts["source_sha256"]:
                    raise UndoError(f"undo: {package}: does not give {facts['source']} back")
            return target
    except FileNotFoundError as error:
        raise UndoError(
            f"undo: {error.filename}: no such file; `patina restore --package` writes one"
        ) from error
    except (zipfile.BadZipFile, KeyError, EOFError, ImageError) as error:
        raise UndoError(f"undo: {package}: no change package that can be read: {error}") from error


def _original(archive: zipfile.ZipFile, facts: Record, result: Path) -> Iterator[bytes]:
    if "order" not in facts:
        with archive.open("original") as member:
            while chunk := member.read(CHUNK):
                yield chunk
        return
    yield archive.read("head")
    with (
        tempfile.TemporaryDirectory(dir=result.parent, prefix=DRAFT) as folder,
        opened(result, Path(folder)) as scan,
        archive.open("difference") as member,
    ):
        for strip in strips_of(scan.height, scan.width):
            changed = scan.rows(*strip)
            planes = np.frombuffer(member.read(changed.nbytes), np.uint8)
            difference = np.ascontiguousarray(planes.reshape(changed.dtype.itemsize, -1).T)
            own = changed + difference.view(changed.dtype).reshape(changed.shape)
            yield own.astype(f"{facts['order']}u{own.itemsize}").tobytes()
    yield archive.read("tail")


def _bare_pixels(scan: Scan, content: mmap.mmap) -> tuple[int, int, str] | None:
    """From where to where in the file its pixels lie as they are, row by row; their byte order."""
    if scan.image.format not in ("uchar", "ushort"):
        return None
    first = scan.rows(*next(strips_of(scan.height, scan.width)))
    for order in ORDERS[: first.dtype.itemsize]:
        stored = first.dtype.newbyteorder(order)
        place = start = content.find(first.astype(stored).tobytes())
        if start < 0:
            continue
        for strip in strips_of(scan.height, scan.width):
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
        for strip in strips_of(scan.height, scan.width):
            own = scan.rows(*strip)
            changed = np.frombuffer(file.read(own.nbytes), own.dtype)
            yield own, changed.reshape(own.shape)


def _planes(difference: np.ndarray) -> bytes:
    """All low bytes, then all high ones: the latter hardly vary."""
    return difference.reshape(-1, 1).view(np.uint8).T.tobytes()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
