"""A lock that one process holds at a time, here; it is free again when that process is gone."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Whether this block alone has the lock file `path`; it is taken away afterwards.

    A file that a killed process left is taken over. Raises OSError when it cannot be made.
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
        # As it is ours: who opened it meanwhile finds that it is gone, and makes another
        with suppress(OSError):
            path.unlink()
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process has that lock file; False when it is not there or is another user's."""
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
