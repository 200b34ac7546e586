"""Disk space: it is checked before the work starts, so that the work does not fail halfway."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.memory import NUMBERS

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MIN_FREE_BYTES = 1 << 26  # with less free space the disk counts as full


def refuse_unless_it_fits(source: Path, image: pyvips.Image, folder: Path, beside_px: int) -> None:
    """Raise ImageError if `folder` has not enough space for `image`, OSError if its disk is full.

    beside_px: bytes for each pixel, in addition to the pixels of the image and of its result.
    """
    own_px = np.dtype(NUMBERS[image.format]).itemsize * image.bands
    needed = image.width * image.height * (2 * own_px + beside_px)
    free = shutil.disk_usage(folder).free
    if needed <= free:
        return
    space = (
        f"it needs {needed / 1e6:,.0f} MB of temporary disk space; {free / 1e6:,.0f} MB are free"
    )
    if free < MIN_FREE_BYTES:
        said = f"{os.strerror(errno.ENOSPC)}; {space}"
        raise OSError(errno.ENOSPC, said, str(folder.parent))
    raise ImageError(f"{source.name}: {space} in {folder.parent}; restore it on a larger disk")


def refuse_if_full(error: Exception, folder: Path) -> None:
    """Raise OSError if libvips failed because the disk of `folder` is full."""
    for code in FULL:
        if os.strerror(code) in str(error):
            raise OSError(code, os.strerror(code), str(folder)) from error


def first_words(error: Exception) -> str:
    """The first line of a message of libvips, without the name of the operation; "" if empty."""
    lines = str(getattr(error, "detail", error)).splitlines()
    words = next((line.strip() for line in lines if line.strip()), "")
    return words.split(": ", 1)[-1]
