"""Files are written whole or not at all: temporary neighbour, fsync, rename."""

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

Record = dict[str, Any]

WINDOWS = sys.platform == "win32"
UNUSED_S = 24 * 3600  # a draft that nothing was written to for so long is taken for left

# What the names of files and folders begin with that a killed run may leave
DRAFT = ".patina-draft-"
DRAFTS = re.compile(re.escape(DRAFT) + r"[a-z0-9_]{8}")  # as `tempfile` makes them


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under `path` only when the block ends without an error.

    What killed processes left half written in its folder is removed, once in each process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(path.parent.resolve())
    draft, handle = _in_use(lambda: _new_file(path.parent))
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.chmod(0o644)
            if WINDOWS:  # which renames no open file
                file.close()
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # of an error, or of an interrupt


@contextmanager
def draft_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` that is gone when the block ends; `sweep` leaves it alone until then."""
    draft, handle = _in_use(lambda: _new_folder(parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(handle)


def _new_file(parent: Path) -> tuple[Path, int]:
    handle, name = tempfile.mkstemp(dir=parent, prefix=DRAFT)
    return Path(name), handle


def _new_folder(parent: Path) -> tuple[Path, int]:
    draft = Path(tempfile.mkdtemp(dir=parent, prefix=DRAFT))
    return draft, os.open(os.devnull if WINDOWS else draft, os.O_RDONLY)


def _in_use(make: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """A draft that is locked as long as it is open.

    One that was swept between its making and its locking is made again.
    """
    from filelock import lock_descriptor

    while True:
        draft, handle = make()
        with suppress(OSError):  # a file system without locks, in which nothing is swept
            if not WINDOWS:
                lock_descriptor(handle, blocking=False)
        if draft.exists():
            return draft, handle
        os.close(handle)


def sweep(draft: Path) -> None:
    """Take away what a killed run left half done, unless it is none of ours, or in use."""
    if not DRAFTS.fullmatch(draft.name) or draft.is_symlink():
        return
    if WINDOWS:  # where a draft has no lock
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > UNUSED_S:
                _remove(draft)
        return
    from filelock import lock_descriptor

    try:
        handle = os.open(draft, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # another's, or gone
        return
    try:
        if lock_descriptor(handle, blocking=False):
            _remove(draft)
    except OSError:  # a file system without locks
        pass
    finally:
        os.close(handle)


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)


@cache
def sweep_once(folder: Path) -> None:
    """`sweep` all that lies in `folder`; in this process, for the first time only."""
    for left in folder.glob(f"{DRAFT}*"):
        sweep(left)


def move_whole(draft: Path, path: Path) -> None:
    """Have the finished file `draft`, on the same disk, appear under `path`."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` whole."""
    with whole_file(path) as file:
        file.write(content)


def json_bytes(value: Any) -> bytes:
    """`value` as indented JSON, keys in the order given."""
    return as_bytes(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, keys in the order given, whole."""
    write_bytes(path, json_bytes(value))


def write_jsonl(path: Path, records: Iterable[Record]) -> None:
    """Write one JSON object a line, whole."""
    with whole_file(path) as file:
        for record in records:
            file.write(json_line(record))


def json_line(record: Record) -> bytes:
    """A line of a JSON-lines file."""
    return as_bytes(json.dumps(record, ensure_ascii=False) + "\n")


def as_bytes(text: str) -> bytes:
    """UTF-8; what a file's name has that is none becomes an escape, which JSON knows."""
    return text.encode(errors="backslashreplace")


def read_jsonl(path: Path) -> list[Record]:
    """The records of a JSON-lines file, whose lines end with a line feed alone."""
    with path.open("rb") as file:
        return [json.loads(line) for line in file]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy `source`, sharing its blocks where the file system can, with the time of now.

    Never a hard link: a write through one would reach the original.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _share(source, target)
    except (AttributeError, OSError):  # another file system or system: copy plainly
        shutil.copyfile(source, target)


def _share(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        left = os.fstat(reader.fileno()).st_size
        while left:
            copied = os.copy_file_range(reader.fileno(), writer.fileno(), left)
            if not copied:
                raise OSError(errno.EIO, "ended early", str(source))
            left -= copied
