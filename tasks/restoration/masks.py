"""Reads the masks of a user."""

from pathlib import Path

import pyvips

from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.messages import one_at_a_time
from patina.tasks.imaging.scans import Scan

INVERSE_ORIENTATION = {6: 8, 8: 6}  # inverse EXIF orientations; the others are their own inverse


@one_at_a_time
def mask_for(path: Path, scan: Scan) -> pyvips.Image:
    """The mask at `path` for an open scan: one band in the stored orientation, above 0 where
    marked.

    The mask has the size of the scan as a viewer shows it, after EXIF rotation. Raises ImageError
    if the mask cannot be read or has another size.
    """
    try:
        read_kind(path)
        mask = pyvips.Image.new_from_file(str(path)).autorot()
        if mask.hasalpha():
            mask = mask.flatten()
        if mask.interpretation not in ("srgb", "rgb16", "b-w", "grey16"):
            mask = mask.colourspace("rgb16")
        mask = (mask > 0).bandor()
        inverse = INVERSE_ORIENTATION.get(scan.orientation, scan.orientation)
        mask.set_type(pyvips.GValue.gint_type, "orientation", inverse)
        mask = mask.autorot().copy_memory()
    except pyvips.Error as error:
        raise ImageError(f"{path}: the mask cannot be read; give it as PNG or TIFF") from error
    if (mask.width, mask.height) != (scan.width, scan.height):
        raise ImageError(
            f"{path}: the mask has {mask.width} × {mask.height} pixels, but the scan has "
            f"{scan.width} × {scan.height}; draw the mask at the size of the scan in a viewer"
        )
    return mask
