"""Keeps the memory of the page small where it can: glibc's heaps multiply with the threads that
use them, and what is free in them goes back to the system late.
"""

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress

M_ARENA_MAX = -8  # of malloc.h
HEAPS = 2


def few_heaps() -> None:
    """Have all threads share HEAPS from now on."""
    _glibc(lambda library: library.mallopt(M_ARENA_MAX, HEAPS))


def give_back() -> None:
    """Give the system what is free."""
    _glibc(lambda library: library.malloc_trim(0))


def _glibc(call: Callable[[ctypes.CDLL], object]) -> None:
    """Other systems, and Linux with another C library, do without."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            call(ctypes.CDLL(None))
