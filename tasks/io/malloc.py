"""Reduces memory: glibc makes a heap for each thread, and returns free memory late."""

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress

M_ARENA_MAX = -8  # constant of malloc.h
HEAPS = 2


def few_heaps() -> None:
    """Let glibc make only HEAPS heaps, which all threads share, instead of one for each thread."""
    _glibc(lambda library: library.mallopt(M_ARENA_MAX, HEAPS))


def free_memory() -> None:
    """Return free memory to the system."""
    _glibc(lambda library: library.malloc_trim(0))


def _glibc(call: Callable[[ctypes.CDLL], object]) -> None:
    """Call a function of glibc; do nothing on systems without glibc."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            call(ctypes.CDLL(None))
