"""Masks of pixels that stay as they are."""

from pathlib import Path

import pyvips

from patina.tasks.imaging.images import ImageError
from patina.tasks.imaging.kinds import read_kind
from patina.tasks.imaging.scans import Scan

TURNED_BACK = {6: 8, 8: 6}  # EXIF orientations; each other one undoes itself


def mask_for(path: Path, scan: Scan) -> pyvips.Image:
    """One band as the scan is stored, above 0 where nothing may change.

    Both are seen as a viewer shows them, turned by EXIF. Raises ImageError when the mask does not
    fit.
    """
    try:
        read_kind(path)
        mask = pyvips.Image.new_from_file(str(path)).autorot()
        if mask.hasalpha():
            mask = mask.flatten()
        if mask.interpretation not in ("srgb", "rgb16", "b-w", "grey16"):
            mask = mask.colourspace("rgb16")
        mask = (mask > 0).bandor()
        back = TURNED_BACK.get(scan.orientation, scan.orientation)
        mask.set_type(pyvips.GValue.gint_type, "orientation", back)
        mask = mask.autorot().copy_memory()
    except pyvips.Error as error:
        raise ImageError(f"{path}: no mask that can be read") from error
    if (mask.width, mask.height) != (scan.width, scan.height):
        raise ImageError(
            f"{path}: the mask has {mask.width} × {mask.height} pixels, the scan, as it is stored, "
            f"{scan.width} × {scan.height}; draw it at the scan's size, as a viewer shows that"
        )
    return mask
