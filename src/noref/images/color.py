"""Colours to sRGB by an ICC profile."""

import io
from collections.abc import Callable
from typing import TypeAlias

from PIL import Image, ImageCms

ToSRGB: TypeAlias = Callable[[Image.Image], Image.Image]
"""A strip in its own colours (mode L, RGB, RGBA, CMYK or LAB) to the same strip in sRGB (mode RGB, or RGBA for RGBA)."""

IGNORED = "its colour profile does not fit and was ignored"

_SRGB = ImageCms.createProfile("sRGB")
_FAILURES = (ImageCms.PyCMSError, OSError, ValueError, TypeError)  # of a profile that is broken, or not for this kind of pixels


def by_profile(profile: bytes, mode: str) -> ToSRGB | None:
    """The conversion of strips of `mode` (L, RGB, RGBA, CMYK or LAB) by an ICC profile; None where the profile does not fit."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(source, _SRGB, mode, target, ImageCms.Intent.PERCEPTUAL)
    except _FAILURES:
        return None

    def to_srgb(strip: Image.Image) -> Image.Image:
        return transform.apply(strip)

    return to_srgb
