"""A lock file for the processes of this machine; it is released when its process ends."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Try to lock the file `path` for this block; yield whether that succeeded.

    The file is removed afterwards. A lock file of a killed process is taken over. Raises OSError if
    the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        # Removed before the release: a process that waits for it finds it gone and makes a new one
        with suppress(OSError):
            path.unlink()
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file; False if it is missing or belongs to another user."""
    if not path.exists():
        return False
    from filelock import FileLock, Timeout

    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False
