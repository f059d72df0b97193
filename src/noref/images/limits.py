"""How large and how narrow an image may be; checked before anything is decoded."""

from noref.errors import EmptyImage, ImageTooLarge, UnsupportedImage

MAX_PIXELS = 200_000_000
MAX_ASPECT = 50  # no photo is so narrow, and a strip reduced to a working size would lose its short side


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Refuse images with too many pixels, without pixels, or too narrow.

    Raises:
        ImageError: One of its kinds.
    """
    if width * height > max_pixels:
        cause = f"{width} x {height} pixels (the limit is {max_pixels / 1e6:g} megapixels)"
        raise ImageTooLarge(name, cause, "shrink it first, or raise max_pixels if you trust it")
    if not (width and height):
        raise EmptyImage(name, f"{width} x {height} pixels", "there is nothing to score")
    if max(width, height) > MAX_ASPECT * min(width, height):
        cause = f"{width} x {height} pixels, more than {MAX_ASPECT} times as long as wide"
        raise UnsupportedImage(name, cause, "cut out the part that is a photo")
