"""An image file as a viewer shows it: upright, sRGB, alpha on white, reduced to a given size."""

from pathlib import Path

import pyvips

from patina.tasks.imaging import png
from patina.tasks.imaging.memory import refuse_beyond
from patina.tasks.imaging.opening import Opened, in_order, open_image
from patina.tasks.imaging.profiles import fault_of

MOST_PIXELS = 400_000_000  # maximum of a result: two copies in 8 bit take 2.4 GB


def shown_image(path: Path, side_px: int) -> pyvips.Image:
    """The image with three bands and no side longer than `side_px` pixels; never enlarged.

    Raises ImageError, pyvips.Error or ValueError if it cannot be read or is truncated.
    """
    opened = open_image(path)
    width, height = opened.image.width, opened.image.height
    share = min(1.0, side_px / max(width, height))
    shown = (round(width * share), round(height * share))
    refuse_beyond(6 * MOST_PIXELS, 6 * shown[0] * shown[1], path.name, (width, height))
    if _is_odd(path, opened):
        image = _by_itself(path, opened, side_px)
    else:
        image = _by_libvips(path, opened, side_px)
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    return image.flatten(background=255) if image.hasalpha() else image


def _by_libvips(path: Path, opened: Opened, side_px: int) -> pyvips.Image:
    """Let libvips decode it at about the wanted size, which takes a fraction of the time."""
    options = {"height": side_px, "size": "down"}
    options |= {} if _is_plain(opened.image) else {"export_profile": "srgb"}
    if opened.kind != "JPEG":
        return pyvips.Image.thumbnail(str(path), side_px, fail_on="error", **options)
    try:  # for libvips, missing rows are only a warning
        image = pyvips.Image.thumbnail(str(path), side_px, fail_on="warning", **options)
        return image.copy_memory()
    except pyvips.Error:
        return in_order(path).thumbnail_image(side_px, **options)


def _is_odd(path: Path, opened: Opened) -> bool:
    """Whether libvips alone would show wrong colours or the wrong page."""
    if opened.kind in ("JPEG 2000", "BMP") or opened.page or "YCbCr" in "".join(opened.notes):
        return True
    if opened.kind == "PNG" and png.profile_of([*png.chunks(path)])[0]:
        return True
    return bool(_fault(opened.image))


def _fault(image: pyvips.Image) -> str:
    colours = image.bands - (1 if image.hasalpha() else 0)
    if not image.get_typeof("icc-profile-data") or image.interpretation in ("lab", "labs"):
        return ""
    return fault_of(image.get("icc-profile-data"), colours)


def _by_itself(path: Path, opened: Opened, side_px: int) -> pyvips.Image:
    """Reduce the opened image, with the right profile."""
    image = opened.image.copy()
    if _fault(image):
        image.remove("icc-profile-data")
    profile = png.profile_of([*png.chunks(path)])[0] if opened.kind == "PNG" else b""
    if profile and not image.get_typeof("icc-profile-data"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    image = image.copy_memory()
    return image.thumbnail_image(side_px, height=side_px, size="down", export_profile="srgb")


def _is_plain(head: pyvips.Image) -> bool:
    """Whether it is already 8-bit sRGB.

    A conversion would not change any colour, but take four times as long as the rest.
    """
    kind = (head.interpretation, head.format, head.bands)
    return kind == ("srgb", "uchar", 3) and not head.get_typeof("icc-profile-data")
