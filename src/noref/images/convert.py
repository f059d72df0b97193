"""Decoded pixels of any kind to upright sRGB of 8 bits, a strip of rows at a time, so that a large photo is held at most twice.

In this order: 16-bit grey scaled to 8 bits; colours brought to sRGB; transparency composited on white, as a web page shows it;
grey, palette and CMYK to RGB; rotated upright.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from noref.errors import UnsupportedImage
from noref.images import color, orientation
from noref.images.limits import unlimited
from noref.images.photo import Photo

Decoded: TypeAlias = Image.Image | npt.NDArray[np.uint8]
"""A loaded PIL image, or an array: H x W is grey, H x W x 3 RGB, H x W x 4 CMYK."""

_STRIP = 1024  # rows
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
_ARRAYS = {1: "L", 3: "RGB", 4: "CMYK"}


def finish(
    name: str,
    decoded: Decoded,
    *,
    exif_orientation: int = orientation.UPRIGHT,
    colors: color.ToSRGB | bytes | None = None,
    warnings: tuple[str, ...] = (),
    size: tuple[int, int] | None = None,
    reduced: int = 1,
) -> Photo:
    """Convert decoded pixels to a photo.

    Args:
        name: Name of the photo.
        decoded: Its pixels.
        exif_orientation: 1 to 8.
        colors: A conversion of its colours to sRGB, or an ICC profile; None if they are sRGB.
        warnings: Warnings so far.
        size: Width and height at full resolution, before rotation, if they differ from those of the pixels.
        reduced: Factor by which the pixels are smaller than that.

    Raises:
        UnsupportedImage: The pixels have no agreed meaning as a photo.
    """
    mode, width, height = _layout(decoded)
    if not (mode == "RGB" and colors is None and isinstance(decoded, np.ndarray)):
        pixels = np.empty((height, width, 3), np.uint8)
        notes, visible = list(warnings), False
        for top in range(0, height, _STRIP):
            strip = _plain(name, _rows(decoded, mode, top, min(top + _STRIP, height)))
            visible = visible or strip.mode != "RGBA" or strip.getchannel("A").getextrema() != (0, 0)
            if isinstance(colors, bytes):  # the conversion depends on the mode of the pixels
                colors, found = color.by_profile(colors, strip.mode)
                notes += found
            pixels[top : top + _STRIP] = np.asarray(_on_white(colors(strip) if colors else strip))
        if not visible:
            notes.append("entirely transparent: a white frame was scored")
        decoded, warnings = pixels, tuple(notes)
    return Photo(
        name,
        orientation.apply(decoded, exif_orientation),
        orientation.upright(size or (width, height), exif_orientation),
        warnings,
        reduced,
    )


def _layout(decoded: Decoded) -> tuple[str, int, int]:
    if isinstance(decoded, Image.Image):
        return decoded.mode, decoded.width, decoded.height
    return _ARRAYS[decoded.shape[2] if decoded.ndim == 3 else 1], decoded.shape[1], decoded.shape[0]


def _rows(decoded: Decoded, mode: str, top: int, bottom: int) -> Image.Image:
    if isinstance(decoded, Image.Image):
        with unlimited():
            return decoded.crop((0, top, decoded.width, bottom))
    return Image.fromarray(decoded[top:bottom], mode)


def _plain(name: str, strip: Image.Image) -> Image.Image:
    """Convert a strip of any mode to L, RGB, CMYK or LAB, or to RGBA if it has transparency."""
    if strip.mode in _SIXTEEN_BITS:
        strip = _eight_bits(name, strip)
    if strip.mode not in _MODES:
        raise UnsupportedImage(name, f"pixels of mode {strip.mode}", "save it as 8- or 16-bit grey or RGB")
    if strip.mode == "La":
        strip = strip.convert("LA")  # the only mode that Pillow converts it to
    if strip.has_transparency_data:
        return strip.convert("RGBA")
    return strip if strip.mode in ("L", "RGB", "CMYK", "LAB") else strip.convert("RGB")


def _eight_bits(name: str, strip: Image.Image) -> Image.Image:
    """16-bit grey (which Pillow may hold in 32 bits) to 8-bit grey, 65535 becoming 255; one value may be transparent."""
    values = np.asarray(strip)
    if values.min() < 0 or values.max() > 65535:
        raise UnsupportedImage(name, "32-bit pixels beyond 16 bits", "save it as 8- or 16-bit grey or RGB")
    eight = Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))
    if (clear := strip.info.get("transparency")) is not None:  # a 16-bit value, which has no equivalent in 8 bits
        eight.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return eight


def _on_white(strip: Image.Image) -> Image.Image:
    if strip.mode == "RGBA":
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
    return strip if strip.mode == "RGB" else strip.convert("RGB")
