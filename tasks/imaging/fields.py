"""The metadata fields of an image of libvips, and the rotation that its orientation asks for."""

from typing import Any

import pyvips


def field_of(image: pyvips.Image, name: str, default: Any = b"") -> Any:
    """The value of the field `name`; `default` if the image does not have it."""
    return image.get(name) if image.get_typeof(name) else default


def without(image: pyvips.Image, name: str) -> pyvips.Image:
    """A copy of the image without the field `name`."""
    bare = image.copy()
    if bare.get_typeof(name):
        bare.remove(name)
    return bare


def orientation_of(image: pyvips.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 if there is none, or an invalid one."""
    tag = int(field_of(image, "orientation", 1))
    return tag if 1 <= tag <= 8 else 1


def rotated(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """The image rotated by this EXIF orientation, 1 to 8, as a viewer shows it."""
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image.autorot()
