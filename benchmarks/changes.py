"""Changes of photos that `hard_cases.py` tries: cut-outs, bars, collages, missing data, darkness, casts, blur, enlargement."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from common import Mask, Pixels, as_jpeg, blob, blurred, composed, distorted, generator, resized, softened
from PIL import Image

from noref.lab import distortions

Change = Callable[[str, Pixels], Pixels]  # name and pixels of a photo -> changed pixels


def on_white(name: str, photo: Pixels) -> Pixels:
    """A part of a photo, cut out along a smooth line, before white."""
    return composed(photo, np.full_like(photo, 255), _outline(name, photo))


def on_transparency(name: str, photo: Pixels) -> Image.Image:
    """The same with an alpha channel."""
    alpha = (255 * _outline(name, photo)).astype(np.uint8)
    return Image.fromarray(np.dstack([photo, alpha]), "RGBA")


def _outline(name: str, photo: Pixels) -> Mask:
    return softened(blob((photo.shape[0], photo.shape[1]), 0.4, generator(name, "product")), 1)


@cache
def with_bars(rows: float, columns: float) -> Change:
    """Black bars over two sides of a photo, each that share of its height or width."""

    def change(name: str, photo: Pixels) -> Pixels:
        height, width = photo.shape[:2]
        top, left = round(height * rows), round(width * columns)
        found = np.zeros_like(photo)
        found[top : height - top, left : width - left] = photo[top : height - top, left : width - left]
        return found

    return change


def collage(photos: Sequence[Pixels]) -> Pixels:
    """Four photos on a white sheet."""
    side, gap = 380, 12
    sheet = np.full((2 * side + 3 * gap, 2 * side + 3 * gap, 3), 255, np.uint8)
    for place, photo in enumerate(photos):
        top, left = gap + place // 2 * (side + gap), gap + place % 2 * (side + gap)
        sheet[top : top + side, left : left + side] = resized(photo, side, side)
    return sheet


@cache
def missing(color: tuple[int, int, int]) -> Change:
    """The lower half in one colour, as after an interrupted download."""

    def change(name: str, photo: Pixels) -> Pixels:
        found = photo.copy()
        found[len(photo) // 2 :] = color
        return found

    return change


@cache
def with_parameter(kind: str, parameter: float) -> Change:
    """A distortion with a parameter of its own."""
    return lambda name, photo: distortions.get(kind).function(photo, parameter, generator(name, kind))


@cache
def at_level(kind: str, level: int) -> Change:
    """A distortion at a level."""
    return lambda name, photo: distorted(name, photo, kind, level)


@cache
def enlarged(factor: int) -> Change:
    """A photo reduced by a factor and enlarged again."""

    def change(name: str, photo: Pixels) -> Pixels:
        height, width = photo.shape[:2]
        return resized(resized(photo, width // factor, height // factor), width, height, Image.Resampling.BICUBIC)

    return change


def out_of_focus(name: str, photo: Pixels) -> Pixels:
    """Gaussian blur at level 4."""
    return distorted(name, photo, "gaussian_blur", 4)


def half_blurred(name: str, photo: Pixels) -> Pixels:
    """The same in the right half only."""
    half = photo.shape[1] // 2
    return np.concatenate([photo[:, :half], out_of_focus(name, photo)[:, half:]], axis=1)


def green_cast(name: str, photo: Pixels) -> Pixels:
    """A strong cast of green, as under fluorescent light."""
    return np.rint((photo * np.array([0.7, 1.15, 0.7])).clip(0, 255)).astype(np.uint8)


def grey(name: str, photo: Pixels) -> Pixels:
    """The photo without colour."""
    return np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))


def soft_grey(name: str, photo: Pixels) -> Pixels:
    """The photo without colour, blurred at level 3."""
    return distorted(name, grey(name, photo), "gaussian_blur", 3)


def soft(page: Pixels) -> Pixels:
    """Slight blur."""
    return blurred(page, 1.5)


def jpeg_5(page: Pixels) -> Pixels:
    """JPEG compression of quality 5."""
    return as_jpeg(page, 5)
