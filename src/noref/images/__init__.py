"""Reads any image file as upright sRGB pixels, or raises an error that names the exact cause.

`read` finds the format by the first bytes (`formats`); the module of the format decodes it; `convert` brings the
result to 8-bit sRGB, upright, on white where it was transparent. `size` reads headers only.
"""

import contextlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref.errors import ImageTooLarge, UnsupportedImage
from noref.images import formats, pillow
from noref.images.formats import EXTENSIONS
from noref.images.limits import MAX_ASPECT, MAX_PIXELS, check_size
from noref.images.photo import File, Photo
from noref.images.source import Source, name_of, opened

__all__ = ["EXTENSIONS", "MAX_ASPECT", "MAX_PIXELS", "Photo", "Source", "name_of", "read", "size"]


def read(source: Source, *, max_pixels: int = MAX_PIXELS, enough: int | None = None) -> Photo:
    """Read a path, bytes, a binary file object, a PIL image or an RGB array (uint8, H x W x 3; taken as sRGB).

    A file object is read from its start; a PIL image at the frame where it stands.

    Args:
        source: What to read.
        max_pixels: Larger images are refused.
        enough: Pixels that are enough: a JPEG with more may then be decoded, several times faster, at a half, a quarter or an
            eighth of its size, with at least so many pixels. None decodes everything in full.

    Returns:
        The photo, whose `pixels` are uint8, H x W x 3, sRGB and upright.

    Raises:
        ImageError: One of its kinds, naming the source, the cause and the cure.

    Examples:
        >>> import numpy as np
        >>> from noref import images
        >>> photo = images.read(np.full((48, 64, 3), 128, np.uint8))
        >>> photo.pixels.shape, photo.size
        ((48, 64, 3), (64, 48))
    """
    name = name_of(source)
    with _enough_memory(name):
        if isinstance(source, np.ndarray):
            width, height = _array_size(name, source, max_pixels)
            return Photo(name, np.ascontiguousarray(source), (width, height))
        if isinstance(source, Image.Image):
            return pillow.read_image(source, name, max_pixels)
        with opened(name, source) as stream:
            return formats.read(File(name, stream, max_pixels, enough))


def size(source: Source, *, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height of the upright image from its header: `read(source).size`, but no pixel is decoded.

    Damage behind the header is reported by `read` only.

    Args:
        source: As for `read`.
        max_pixels: Larger images are refused.

    Raises:
        ImageError: One of its kinds, naming the source, the cause and the cure.

    Examples:
        >>> import numpy as np
        >>> from noref import images
        >>> images.size(np.full((48, 64, 3), 128, np.uint8))
        (64, 48)
    """
    name = name_of(source)
    with _enough_memory(name):
        if isinstance(source, np.ndarray):
            return _array_size(name, source, max_pixels)
        if isinstance(source, Image.Image):
            return pillow.size_of_image(source, name, max_pixels)
        with opened(name, source) as stream:
            return formats.size(File(name, stream, max_pixels))


@contextlib.contextmanager
def _enough_memory(name: str) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise ImageTooLarge(name, "not enough memory to read it", "shrink it first") from error


def _array_size(name: str, array: npt.NDArray[np.uint8], max_pixels: int) -> tuple[int, int]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        cause = f"the array is {array.dtype} of shape {array.shape}"
        raise UnsupportedImage(name, cause, "pass uint8 RGB of shape (height, width, 3) with values from 0 to 255")
    height, width, _ = array.shape
    check_size(name, width, height, max_pixels)
    return width, height
