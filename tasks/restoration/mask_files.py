"""Names and reads the masks of a user."""

from pathlib import Path

import numpy as np
import pyvips

from patina.tasks.imaging.faults import ImageError
from patina.tasks.imaging.fields import rotated
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.one_at_a_time import one_at_a_time
from patina.tasks.imaging.scans import Scan

FOLDER = "marks"  # in an outbox, for the masks that the page saves
WORDS = {
    "mask": "fill",
    "protect": "leave",
    "stains": "stain",
}  # in the names of these masks, by option
UNREADABLE = "{}: the mask cannot be read; give it as PNG or TIFF"
INVERSE_ORIENTATION = {6: 8, 8: 6}  # inverse EXIF orientations; the others are their own inverse


def saved_mask(folder: Path, name: str, option: str) -> Path:
    """The file in `folder` of the mask that the page saves for the scan `name`.

    option: "mask", "protect" or "stains".
    """
    return folder / f"{name}.{WORDS[option]}.png"


def _drawn(path: Path) -> pyvips.Image:
    """The mask at `path`, one band, 255 where marked, as a viewer shows it."""
    read_kind(path)
    mask = pyvips.Image.new_from_file(str(path)).autorot()
    if mask.hasalpha():
        mask = mask.flatten()
    if mask.interpretation not in ("srgb", "rgb16", "b-w", "grey16"):
        mask = mask.colourspace("rgb16")
    return (mask > 0).bandor()


@one_at_a_time
def drawn_mask(path: Path) -> np.ndarray:
    """The marked pixels of the mask at `path` as a viewer shows it, bool (H, W).

    Raises ImageError if it cannot be read.
    """
    try:
        mask = _drawn(path)
        return np.asarray(mask.numpy().reshape(mask.height, mask.width) > 0)
    except pyvips.Error as error:
        raise ImageError(UNREADABLE.format(path)) from error


@one_at_a_time
def mask_for(path: Path, scan: Scan) -> pyvips.Image:
    """The mask at `path` for an open scan: one band in the stored orientation, above 0 where
    marked.

    The mask has the size of the scan as a viewer shows it, after EXIF rotation. Raises ImageError
    if the mask cannot be read or has another size.
    """
    try:
        mask = _drawn(path)
        back = INVERSE_ORIENTATION.get(scan.orientation, scan.orientation)
        mask = rotated(mask, back).copy_memory()
    except pyvips.Error as error:
        raise ImageError(UNREADABLE.format(path)) from error
    if (mask.width, mask.height) != (scan.width, scan.height):
        raise ImageError(
            f"{path}: the mask has {mask.width} × {mask.height} pixels, but the scan has "
            f"{scan.width} × {scan.height}; draw the mask at the size of the scan in a viewer"
        )
    return mask
