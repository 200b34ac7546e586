"""The error for image files that cannot be used."""

from patina.errors import InputError


class ImageError(InputError):
    """A file that is not a readable image; the message names the file."""
