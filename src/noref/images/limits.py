"""Limits on size and aspect ratio, checked before anything is decoded."""

import contextlib
from collections.abc import Iterator

from PIL import Image

from noref.errors import EmptyImage, ImageTooLarge, UnsupportedImage
from noref.images.locks import fork_safe_lock

MAX_PIXELS = 200_000_000
MAX_ASPECT = 50  # no photo is so narrow, and a strip reduced to a working size would lose its short side

_limit_lock = fork_safe_lock()  # held while Pillow's limit is off


@contextlib.contextmanager
def unlimited() -> Iterator[None]:
    """Turn off Pillow's own pixel limit, which may be below ours; for short calls, since threads wait for one another."""
    with _limit_lock:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Refuse images with too many pixels, without pixels, or too narrow.

    Raises:
        ImageError: One of its kinds.
    """
    if width * height > max_pixels:
        cause = f"{width} x {height} pixels (the limit is {max_pixels:,} pixels)"
        raise ImageTooLarge(name, cause, "shrink it first, or raise the limit (max_pixels, --max-pixels) if you trust it")
    if not (width and height):
        raise EmptyImage(name, f"{width} x {height} pixels", "there is nothing to score")
    if max(width, height) > MAX_ASPECT * min(width, height):
        cause = f"{width} x {height} pixels, more than {MAX_ASPECT} times as long as wide"
        raise UnsupportedImage(name, cause, "cut out the part that is a photo")
