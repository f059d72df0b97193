"""AVIF, decoded by Pillow; see `heif` for its colours."""

import io

from noref.images import heif, pillow
from noref.images.isobmff import code_points
from noref.images.photo import File, Photo, Size


def read(file: File) -> Photo:
    """Read AVIF; sources of more than 8 bits are decoded to 8.

    Raises:
        ImageError: One of its kinds.
    """
    data = file.compressed()
    return heif.read(file._replace(stream=io.BytesIO(data)), "AVIF", code_points(data))


def size(file: File) -> Size:
    """Width and height of upright AVIF; raises as `read`."""
    return pillow.size(file._replace(stream=io.BytesIO(file.compressed())), "AVIF")
