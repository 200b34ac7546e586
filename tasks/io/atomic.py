"""Atomic files: written under a temporary name beside the target, synced, then renamed."""

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
UNUSED_S = 24 * 3600  # on Windows, a draft that is unchanged for so long counts as abandoned

# Names of drafts (temporary files and folders), which a killed run may leave
DRAFT = ".patina-draft-"
DRAFTS = re.compile(re.escape(DRAFT) + r"[a-z0-9_]{8}")  # as `tempfile` makes them


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under `path` only if the block ends without an error.

    The first call in a process also removes the drafts that killed processes left in the folder.
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
            if WINDOWS:  # it cannot rename an open file
                file.close()
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # after an error or an interrupt


@contextmanager
def draft_folder(parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder in `parent`, by default in that of the system.

    It is removed at the end of the block; `sweep` skips it until then.
    """
    draft, handle = _in_use(lambda: _new_folder(parent or Path(tempfile.gettempdir())))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(handle)


def _new_file(parent: Path) -> tuple[Path, int]:
    handle, name = tempfile.mkstemp(dir=parent, prefix=DRAFT)
    return Path(name), handle


def _new_folder(parent: Path) -> tuple[Path, int]:
    while True:
        draft = Path(tempfile.mkdtemp(dir=parent, prefix=DRAFT))
        with suppress(FileNotFoundError):  # another process has swept it already
            return draft, os.open(os.devnull if WINDOWS else draft, os.O_RDONLY)


def _in_use(make: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """Make a draft and lock it as long as it is open.

    If another process sweeps it before it is locked, it is made again.
    """
    from filelock import lock_descriptor

    while True:
        draft, handle = make()
        locked = True
        with suppress(OSError):  # a file system without locks; `sweep` removes nothing there
            locked = WINDOWS or lock_descriptor(handle, blocking=False)
        if locked and draft.exists():
            return draft, handle
        os.close(handle)


def sweep(draft: Path) -> None:
    """Remove `draft` if it is a draft of Patina that no process uses."""
    if not DRAFTS.fullmatch(draft.name) or draft.is_symlink():
        return
    if WINDOWS:  # drafts have no locks there
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > UNUSED_S:
                _remove(draft)
        return
    from filelock import lock_descriptor

    try:
        handle = os.open(draft, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # it belongs to another user, or is gone
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
    """`sweep` all drafts in `folder`, but only at the first call in this process."""
    for draft in folder.glob(f"{DRAFT}*"):
        sweep(draft)


def move_whole(draft: Path, path: Path) -> None:
    """Sync the finished file `draft` and rename it to `path`, on the same disk."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically."""
    with whole_file(path) as file:
        file.write(content)


def json_bytes(value: Any) -> bytes:
    """`value` as indented JSON, keys in the order given."""
    return as_bytes(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, keys in the order given, atomically."""
    write_bytes(path, json_bytes(value))


def write_jsonl(path: Path, records: Iterable[Record]) -> None:
    """Write one JSON object on each line, atomically."""
    with whole_file(path) as file:
        for record in records:
            file.write(json_line(record))


def json_line(record: Record) -> bytes:
    """A line of a JSON-lines file."""
    return as_bytes(json.dumps(record, ensure_ascii=False) + "\n")


def as_bytes(text: str) -> bytes:
    """`text` in UTF-8; bytes of a file name that are not UTF-8 become escapes."""
    return text.encode(errors="backslashreplace")


def read_jsonl(path: Path) -> list[Record]:
    """The records of a JSON-lines file; only a line feed ends a line."""
    with path.open("rb") as file:
        return [json.loads(line) for line in file]


def json_object(content: str | bytes) -> Record:
    """The JSON object in `content`; empty if there is none, or it is damaged. NaN becomes None."""
    with suppress(ValueError, RecursionError):
        value = json.loads(content, parse_constant=lambda _: None)
        return value if isinstance(value, dict) else {}
    return {}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy `source` to `target`, as a reflink if the file system supports it.

    It is never a hard link, because a write through a hard link would change the original.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _share(source, target)
    except (AttributeError, OSError):  # not supported by this system or file system
        shutil.copyfile(source, target)


def _share(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        left = os.fstat(reader.fileno()).st_size
        while left:
            copied = os.copy_file_range(reader.fileno(), writer.fileno(), left)
            if not copied:
                raise OSError(errno.EIO, "the file became shorter while it was copied", str(source))
            left -= copied
