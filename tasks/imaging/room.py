"""Room on the disk: what is wanted is asked for before the work, not in its midst."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.memory import NUMBERS

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM = 1 << 26  # bytes: a disk on which less is free is full


def refuse_unless_it_fits(source: Path, image: pyvips.Image, folder: Path, beside_px: int) -> None:
    """Raises ImageError, or OSError when the disk is full: before the work, not in its midst."""
    own_px = np.dtype(NUMBERS[image.format]).itemsize * image.bands
    needed = image.width * image.height * (2 * own_px + beside_px)
    free = shutil.disk_usage(folder).free
    if needed <= free:
        return
    told = f"{needed / 1e6:,.0f} MB are needed for a while, {free / 1e6:,.0f} MB are free"
    if free < NO_ROOM:
        said = f"{os.strerror(errno.ENOSPC)}; {told}"
        raise OSError(errno.ENOSPC, said, str(folder.parent))
    raise ImageError(f"{source.name}: {told} in {folder.parent}; restore it on a larger disk")


def refuse_if_full(error: Exception, folder: Path) -> None:
    """Raise OSError when libvips failed for want of room in `folder`, which no other scan heals."""
    for code in FULL:
        if os.strerror(code) in str(error):
            raise OSError(code, os.strerror(code), str(folder)) from error


def first_words(error: Exception) -> str:
    """What libvips says first, without who says it; nothing if it has no words."""
    lines = str(getattr(error, "detail", error)).splitlines()
    words = next((line.strip() for line in lines if line.strip()), "")
    return words.split(": ", 1)[-1]
