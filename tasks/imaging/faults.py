"""What is wrong with a file."""

from patina.errors import InputError


class ImageError(InputError):
    """A file that is no sound image; the message names it."""
