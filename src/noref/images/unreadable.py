"""Unsupported formats, recognised in order to name them in the error."""

import re
from collections.abc import Callable
from typing import NoReturn

from noref.errors import UnsupportedImage
from noref.images.isobmff import brands
from noref.images.signatures import begins

_SAVE_AS = "save it as PNG or JPEG"
_CUT_OUT = "save a frame of it as PNG or JPEG"


def _is_svg(head: bytes) -> bool:
    """Whether a file is an SVG drawing; web pages that contain one, such as error pages, are not."""
    return b"<svg" in head and b"<html" not in head.lower() and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _is_netpbm(head: bytes) -> bool:
    return re.match(rb"P[1-7Ff]\s+(#|\d|WIDTH|HEIGHT)", head) is not None


def _is_avi(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _is_icon(head: bytes) -> bool:
    return head[:4] in (b"\0\0\1\0", b"\0\0\2\0") and head[4:6] != b"\0\0" and head[9:10] == b"\0"


_VIDEO = "a video, not a photo"
_FORMATS: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (begins(b"8BPS"), "a Photoshop document", _SAVE_AS),
    (_is_svg, "an SVG drawing", _SAVE_AS),
    (begins(b"%PDF-"), "a PDF document", _SAVE_AS),
    (begins(b"%!PS", b"\xc5\xd0\xd3\xc6"), "a PostScript document", _SAVE_AS),
    (begins(b"\x76\x2f\x31\x01"), "OpenEXR", _SAVE_AS),
    (begins(b"#?RADIANCE", b"#?RGBE"), "Radiance HDR", _SAVE_AS),
    (_is_netpbm, "Netpbm (PPM, PGM and the like)", _SAVE_AS),
    (begins(b"qoif"), "QOI", _SAVE_AS),
    (begins(b"SDPX", b"XPDS"), "DPX", _SAVE_AS),
    (begins(b"SIMPLE  ="), "FITS", _SAVE_AS),
    (begins(b"II\xbc\x01"), "JPEG XR", _SAVE_AS),
    (begins(b"BPG\xfb"), "BPG", _SAVE_AS),
    (begins(b"gimp xcf"), "a GIMP document", _SAVE_AS),
    (begins(b"DDS "), "a DirectDraw texture", _SAVE_AS),
    (begins(b"\x8bJNG", b"\x8aMNG"), "JNG or MNG", _SAVE_AS),
    (_is_icon, "an icon or cursor", _SAVE_AS),
    (_is_avi, f"AVI: {_VIDEO}", _CUT_OUT),
    (begins(b"\x1a\x45\xdf\xa3"), f"Matroska or WebM: {_VIDEO}", _CUT_OUT),
    (begins(b"\0\0\1\xba", b"\0\0\1\xb3"), f"MPEG: {_VIDEO}", _CUT_OUT),
    (lambda head: head[4:8] in (b"moov", b"mdat", b"wide"), f"QuickTime: {_VIDEO}", _CUT_OUT),
    (lambda head: bool(brands(head)), f"MP4, MOV or the like: {_VIDEO}", _CUT_OUT),
)


def matches(head: bytes) -> bool:
    """Whether a file that begins with these bytes is of such a format."""
    return any(match(head) for match, _, _ in _FORMATS)


def refuse(name: str, head: bytes) -> NoReturn:
    """Raise an error that names the format.

    Raises:
        UnsupportedImage: Always.
    """
    _, what, cure = next(form for form in _FORMATS if form[0](head))
    raise UnsupportedImage(name, f"noref does not read this format ({what})", cure)
