"""Files here, or in a storage that fsspec knows, such as s3://bucket/prefix.

A place is a Path, or a Remote, which has of a Path's names and methods those that are used here.
fsspec is imported only for a Remote.
"""

import errno
import hashlib
import json
import os
import posixpath
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from patina.errors import InputError, PatinaError
from patina.tasks.io.atomic import Record, sha256_of, write_bytes
from patina.tasks.io.locks import only_one

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

LOCK = ".patina-lock"
MARKS = ("ETag", "etag", "mtime", "created")  # by which a storage tells versions apart


SECRETS = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*@|(?<=\?)[^\s\"'<>]*")


def without_secrets(text: str) -> str:
    """The text with user and password, and what follows a question mark, left out of addresses."""
    return SECRETS.sub("…", text) if "://" in text else text


class StorageError(PatinaError, OSError):
    """A storage cannot be used; the message names the place."""


@dataclass(frozen=True)
class Remote:
    """A file or folder of a storage."""

    files: "AbstractFileSystem"
    path: str

    def __str__(self) -> str:
        return without_secrets(str(self.files.unstrip_protocol(self.path)))

    def __truediv__(self, name: str | Path) -> "Remote":
        return Remote(self.files, f"{self.path.rstrip('/')}/{Path(name).as_posix()}")

    @property
    def name(self) -> str:
        """The last part."""
        return posixpath.basename(self.path)

    @property
    def suffix(self) -> str:
        """As of a Path."""
        return posixpath.splitext(self.path)[1]

    def with_name(self, name: str) -> "Remote":
        """Its neighbour of that name."""
        return Remote(self.files, posixpath.join(posixpath.dirname(self.path), name))

    def is_within(self, folder: "Remote") -> bool:
        """Whether it lies in that folder, at any depth."""
        return self.files == folder.files and self.path.startswith(f"{folder.path.rstrip('/')}/")


Place: TypeAlias = Path | Remote
OnePlace = TypeVar("OnePlace", Path, Remote, Path | Remote)


def place_of(address: str | Path) -> Place:
    """The place that is meant. Raises StorageError when its storage cannot be used."""
    if "://" not in str(address):
        return Path(address)
    from fsspec.core import url_to_fs

    with named(address):
        files, path = url_to_fs(str(address))
    return Path(path) if "file" in files.protocol else Remote(files, path)


@contextmanager
def named(place: Place | str) -> Iterator[None]:
    """Have what goes wrong with a place say so, as a StorageError.

    But FileNotFoundError, PermissionError and FileExistsError stay what they are. No password is
    told.
    """
    place = without_secrets(str(place))
    try:
        yield
    except ImportError as error:
        raise StorageError(
            f"restore: {place}: {error}; s3:// needs `pip install s3fs`, or Patina's extra s3"
        ) from error
    except (FileNotFoundError, PermissionError, FileExistsError) as error:
        raise type(error)(f"restore: {place}: {without_secrets(str(error))}") from error
    except Exception as error:  # the clients' own, of which many are not OSErrors
        raise StorageError(f"restore: {place}: {without_secrets(str(error))}") from error


def images_under(
    root: Remote, extensions: frozenset[str], *, recursive: bool, but: Remote | None = None
) -> list[Remote]:
    """The image files of a folder, or the one that is named, sorted; what lies in `but` is none.

    Raises FileNotFoundError when there is none.
    """
    files = root.files
    with named(root):
        files.invalidate_cache()
        found = sorted(files.find(root.path, maxdepth=None if recursive else 1))
        there = found or files.exists(root.path)
    places = (Remote(files, path) for path in found)
    images = [
        place
        for place in places
        if place.suffix.lower() in extensions and not (but and place.is_within(but))
    ]
    if not images:
        what = "no image in this folder" if there else "no such file or folder"
        raise FileNotFoundError(f"restore: {root}: {what}")
    return images


def relative(place: Remote, root: Remote) -> Path:
    """Its path in `root`, which leads out of no folder, whatever a storage calls its files."""
    inner = place.path.removeprefix(root.path) or place.name
    return Path(posixpath.normpath(f"/{inner}").lstrip("/"))


def exists(place: Place) -> bool:
    """Whether there is such a file."""
    if isinstance(place, Path):
        return place.exists()
    with named(place):
        return bool(place.files.exists(place.path))


def read(place: Place) -> bytes | None:
    """What is filed there, if there is such a file.

    Raises IsADirectoryError or OSError for what is no ordinary file: a pipe would be waited for.
    """
    if isinstance(place, Path):
        if not (place.exists() or place.is_symlink()):
            return None
        if not place.is_file():
            what = "a folder" if place.is_dir() else "a pipe, a device, or a link to nothing"
            raise OSError(errno.EINVAL, f"it is {what}, no file", str(place))
        return place.read_bytes()
    with suppress(FileNotFoundError), named(place):
        return bytes(place.files.cat_file(place.path))
    return None


def write(place: Place, content: bytes) -> None:
    """Write `content` whole."""
    if isinstance(place, Path):
        write_bytes(place, content)
        return
    with named(place):
        place.files.pipe_file(place.path, content)


def fetch(place: Remote, target: Path) -> None:
    """Copy the file to `target`, here."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with named(place):
        place.files.get_file(place.path, str(target))


def send(source: Path, place: Remote) -> None:
    """Copy `source` there; it appears whole."""
    with named(place):
        place.files.put_file(str(source), place.path)


def mark_of(place: Place) -> Record:
    """What tells the bytes of a file from others: a sum here, the storage's word for it there."""
    if isinstance(place, Path):
        return {"sha256": sha256_of(place)}
    with named(place):
        facts = place.files.info(place.path)
    told = next((str(facts[mark]) for mark in MARKS if facts.get(mark)), "")
    return {"version": f"{told.strip(chr(34))} of {facts['size']} bytes"}


@contextmanager
def locked(outbox: Remote) -> Iterator[None]:
    """Keep other runs out of a folder of a storage by a file in it.

    Where the storage makes a file only if there is none in one step, as S3 does, no two runs get
    in. What a run of this machine left that is gone is taken over, by one alone: among themselves
    the runs of a machine have a lock here.

    Raises ValueError when another run holds it.
    """
    lock = outbox / LOCK
    us: Record = {"host": socket.gethostname(), "pid": os.getpid()}
    with only_one(_here(lock)) as alone:
        other = _holder(lock)
        if alone and other.get("host") == us["host"] and not _runs(other.get("pid")):
            remove(lock)
        try:
            if not alone:
                raise FileExistsError
            with named(lock):
                lock.files.pipe_file(lock.path, json.dumps(us).encode(), mode="create")
        except FileExistsError as error:
            raise InputError(
                f"restore: {outbox}: another run is filling it{_who(other)}; wait for it, or give "
                f"another --out; if it was killed, remove {lock}"
            ) from error
        try:
            yield
        finally:
            remove(lock)


def _here(lock: Remote) -> Path:
    """The lock file that stands for it among the runs of this user on this machine."""
    mark = hashlib.sha256(f"{lock} of {Path.home()}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f".patina-lock-{mark}"


def _holder(lock: Remote) -> Record:
    """What the file of a lock says; nothing if it is damaged."""
    try:
        held = json.loads(read(lock) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _who(other: Record) -> str:
    pid, host = other.get("pid"), other.get("host")
    known = isinstance(pid, int) and isinstance(host, str) and host.isprintable()
    return f" (process {pid} on {host})" if known else ""


def remove(place: Remote) -> None:
    """Take the file away, if there is one."""
    with suppress(FileNotFoundError), named(place):
        place.files.rm_file(place.path)


def _runs(pid: object) -> bool:
    """Whether there is such a process on this machine; also for what is no number of one."""
    if not isinstance(pid, int) or not 0 < pid < 2**31:
        return True
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another's
        return True
    return True
