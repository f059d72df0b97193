"""BMP, decoded by Pillow."""

from noref.images import pillow
from noref.images.photo import File, Photo, Size


def read(file: File) -> Photo:
    """Read BMP.

    Raises:
        ImageError: One of its kinds.
    """
    return pillow.read(file, "BMP")


def size(file: File) -> Size:
    """Width and height of a BMP; raises as `read`."""
    return pillow.size(file, "BMP")
