"""Colours to sRGB: by an ICC profile, or by gamma and chromaticities."""

import io
from collections.abc import Callable
from typing import TypeAlias

from PIL import Image, ImageCms

from noref.images import linear
from noref.images.cicp import Cicp, Conversion, conversion

ToSRGB: TypeAlias = Callable[[Image.Image], Image.Image]
"""A strip in its own colours (mode L, RGB, RGBA, CMYK or LAB) to the same strip in sRGB (mode RGB, or RGBA for RGBA)."""

IGNORED = "its colour profile does not fit and was ignored"

_SRGB = ImageCms.createProfile("sRGB")
_FAILURES = (ImageCms.PyCMSError, OSError, ValueError, TypeError)  # of a profile that is broken, or not for this kind of pixels
_GAMMA = 1 / 2.2  # by which PNG files mean sRGB
_GAMMA_TOLERANCE, _CHROMATICITY_TOLERANCE = 0.01, 0.001
_LEAST_GAMMA, _LARGEST_GAMMA = 0.1, 10.0
_SPACE = slice(16, 20)  # where an ICC profile names the colour space of the pixels
_RGB_MODES = ("L", "RGB", "RGBA")


def by_profile(profile: bytes, mode: str) -> tuple[ToSRGB | None, tuple[str, ...]]:
    """The conversion of strips of `mode` (L, RGB, RGBA, CMYK or LAB) by an ICC profile, and what to warn of.

    The conversion is None where the profile does not fit. A profile whose cicp tag signals PQ or HLG is converted by these.
    """
    code = cicp_of(profile)
    if code is not None and code.is_hdr and mode in _RGB_MODES:
        return conversion(code)
    if mode == "RGBA" and profile[_SPACE] == b"GRAY":  # of grey with alpha
        grey, notes = by_profile(profile, "L")
        return (_beside_alpha(grey) if grey else None), notes
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(source, _SRGB, mode, target, ImageCms.Intent.PERCEPTUAL)
    except _FAILURES:
        return None, (IGNORED,)

    def to_srgb(strip: Image.Image) -> Image.Image:
        return transform.apply(strip)

    return to_srgb, ()


def _beside_alpha(grey: ToSRGB) -> ToSRGB:
    def to_srgb(strip: Image.Image) -> Image.Image:
        converted = grey(strip.getchannel("R"))
        converted.putalpha(strip.getchannel("A"))
        return converted

    return to_srgb


def cicp_of(profile: bytes) -> Cicp | None:
    """The cicp tag of an ICC profile (ICC.1:2022, 9.2.17)."""
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(132, min(132 + 12 * count, len(profile)), 12):
        if profile[entry : entry + 4] == b"cicp":
            at = int.from_bytes(profile[entry + 4 : entry + 8], "big")
            body = profile[at : at + 12]
            if len(body) == 12 and body[:4] == b"cicp":
                return Cicp(body[8], body[9])
    return None


def by_gamma(gamma: float | None, chromaticities: linear.Chromaticities | None) -> Conversion:
    """The conversion by PNG's gAMA (exponent of the encoding, such as 0.45455) and cHRM; sRGB's where one is None."""
    notes: tuple[str, ...] = ()
    if gamma is not None and not _LEAST_GAMMA <= gamma <= _LARGEST_GAMMA:
        gamma, notes = None, (f"its gamma ({gamma:g}) is implausible and was ignored",)
    if chromaticities is None or _close(chromaticities):
        chromaticities = linear.SRGB
    try:
        matrix = linear.matrix_to_srgb(chromaticities)
    except ValueError:
        chromaticities, matrix = linear.SRGB, linear.matrix_to_srgb(linear.SRGB)
        notes = (*notes, "its chromaticities are implausible and were ignored")
    if gamma is None or abs(gamma - _GAMMA) < _GAMMA_TOLERANCE:
        if chromaticities == linear.SRGB:
            return Conversion(None, notes)
        return Conversion(linear.ToSRGB(linear.srgb, linear.by_matrix(matrix)), notes)
    return Conversion(linear.ToSRGB(linear.power(1 / gamma), linear.by_matrix(matrix)), notes)


def _close(chromaticities: linear.Chromaticities) -> bool:
    return all(abs(a - b) < _CHROMATICITY_TOLERANCE for a, b in zip(chromaticities, linear.SRGB, strict=True))
