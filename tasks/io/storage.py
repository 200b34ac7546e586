"""Local files, and files in a storage that fsspec supports, such as s3://bucket/prefix.

A place is a Path or a Remote. A Remote has those methods of a Path that Patina uses. fsspec is
imported only for a Remote.
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
from patina.tasks.io.atomic import Record, json_object, sha256_of, write_bytes
from patina.tasks.io.locks import only_one

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

LOCK = ".patina-lock"
LARGEST = 10**9  # maximum bytes of a file that is read as a whole
MARKS = ("ETag", "etag", "mtime", "created")  # facts that identify the version of a file


USER = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)")  # user and password
SECRETS = re.compile(rf"{USER.pattern}@|(?<=\?)[^\s\"'<>]*")


def without_secrets(text: str) -> str:
    """`text` without user, password and query of the addresses in it."""
    return SECRETS.sub("…", text) if "://" in text else text


class StorageError(PatinaError, OSError):
    """A storage cannot be used; the message names the address."""


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
        """The last part of the path."""
        return posixpath.basename(self.path)

    @property
    def suffix(self) -> str:
        """The suffix, with its dot."""
        return posixpath.splitext(self.path)[1]

    def with_name(self, name: str) -> "Remote":
        """The file of that name in the same folder."""
        return Remote(self.files, posixpath.join(posixpath.dirname(self.path), name))

    def is_within(self, folder: "Remote") -> bool:
        """Whether it is in that folder, at any depth."""
        return self.files == folder.files and self.path.startswith(f"{folder.path.rstrip('/')}/")


Place: TypeAlias = Path | Remote
OnePlace = TypeVar("OnePlace", Path, Remote, Path | Remote)


def place_of(address: str | Path) -> Place:
    """The place of an address or path. Raises StorageError if its storage cannot be used."""
    if "://" not in str(address):
        return Path(address)
    from fsspec.core import url_to_fs

    with named(address):
        files, path = url_to_fs(str(address))
    return Path(path) if "file" in files.protocol else Remote(files, path)


@contextmanager
def named(place: Place | str) -> Iterator[None]:
    """Turn errors in the block into a StorageError that names the place, without its password.

    FileNotFoundError, PermissionError and FileExistsError keep their type.
    """
    user = USER.search(str(place))
    place = without_secrets(str(place))

    def message(error: Exception) -> str:
        text = without_secrets(str(error))  # some clients repeat the address in parts
        return f"restore: {place}: {text.replace(user[0], '…') if user else text}"

    try:
        yield
    except ImportError as error:
        raise StorageError(
            f"restore: {place}: {error}; for s3:// run `pip install s3fs`, or install the extra s3"
        ) from error
    except (FileNotFoundError, PermissionError, FileExistsError) as error:
        raise type(error)(message(error)) from error
    except Exception as error:  # clients raise errors of many types
        raise StorageError(message(error)) from error


def images_under(
    root: Remote, extensions: frozenset[str], *, recursive: bool, but: Remote | None = None
) -> list[Remote]:
    """The image files in the folder `root`, sorted, or the single file `root`.

    but: a folder whose files are left out. Raises FileNotFoundError if there is no image.
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
        what = "there is no image in this folder" if there else "no such file or folder"
        raise FileNotFoundError(f"restore: {root}: {what}")
    return images


def relative(place: Remote, root: Remote) -> Path:
    """The path of `place` relative to `root`; it never leads out of `root`."""
    return inside(place.path.removeprefix(root.path) or place.name)


def inside(name: str) -> Path:
    """The name as a relative path that stays inside its folder, whatever the name of the object."""
    return Path(posixpath.normpath(f"/{name}").lstrip("/"))


def exists(place: Place) -> bool:
    """Whether the file exists."""
    if isinstance(place, Path):
        return place.exists()
    with named(place):
        return bool(place.files.exists(place.path))


def read(place: Place, largest: int = LARGEST) -> bytes | None:
    """The content of the file; None if it does not exist.

    Raises OSError if it is not a regular file, because reading a pipe could wait forever; or if a
    local file has more than `largest` bytes.
    """
    if isinstance(place, Path):
        if not (place.exists() or place.is_symlink()):
            return None
        if not place.is_file():
            what = "a folder" if place.is_dir() else "a pipe, a device, or a link to a missing file"
            raise OSError(errno.EINVAL, f"it is {what}, not a file", str(place))
        if place.stat().st_size > largest:
            raise OSError(errno.EINVAL, f"it is larger than {largest // 10**6} MB", str(place))
        return place.read_bytes()
    with suppress(FileNotFoundError), named(place):
        return bytes(place.files.cat_file(place.path))
    return None


def write(place: Place, content: bytes) -> None:
    """Write `content` to the place, atomically."""
    if isinstance(place, Path):
        write_bytes(place, content)
        return
    with named(place):
        place.files.pipe_file(place.path, content)


def fetch(place: Remote, target: Path) -> None:
    """Download the file to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with named(place):
        place.files.get_file(place.path, str(target))


def send(source: Path, place: Remote) -> None:
    """Upload `source`; the file appears only when it is complete."""
    with named(place):
        place.files.put_file(str(source), place.path)


def mark_of(place: Place) -> Record:
    """What identifies the content of a file: its SHA-256, or the version in the storage."""
    if isinstance(place, Path):
        return {"sha256": sha256_of(place)}
    with named(place):
        facts = place.files.info(place.path)
    version = next((str(facts[mark]) for mark in MARKS if facts.get(mark)), "")
    return {"version": f"{version.strip(chr(34))} of {facts['size']} bytes"}


@contextmanager
def locked(outbox: Remote) -> Iterator[None]:
    """Lock a folder of a storage for this block, with a lock file in it.

    If the storage can refuse to overwrite a file, as S3 can, two runs never hold the lock at once.
    A lock that a dead run of this machine left is removed; a local lock file ensures that only one
    run does so.
    Raises InputError if another run holds the lock.
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
                f"restore: {outbox}: another run is writing to it{_who(other)}; wait until it "
                f"ends, or give another --out; if it was killed, remove {lock}"
            ) from error
        try:
            yield
        finally:
            remove(lock)


def _here(lock: Remote) -> Path:
    """The local lock file for the runs of this user on this machine."""
    mark = hashlib.sha256(f"{lock} of {Path.home()}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f".patina-lock-{mark}"


def _holder(lock: Remote) -> Record:
    """The content of a lock file; empty if it is missing or damaged."""
    return json_object(read(lock) or b"")


def _who(other: Record) -> str:
    pid, host = other.get("pid"), other.get("host")
    known = isinstance(pid, int) and isinstance(host, str) and host.isprintable()
    return f" (process {pid} on {host})" if known else ""


def remove(place: Remote) -> None:
    """Remove the file, if it exists."""
    with suppress(FileNotFoundError), named(place):
        place.files.rm_file(place.path)


def _runs(pid: object) -> bool:
    """Whether the process exists on this machine; True if that cannot be known."""
    if not isinstance(pid, int) or not 0 < pid < 2**31:
        return True
    if sys.platform == "win32":  # os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        return True
    return True
