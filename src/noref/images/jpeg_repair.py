"""Harmless irregularities that real cameras write into JPEG files, mended so that a strict decoder accepts the rest.

Each is known by the decoder's message (libjpeg's jerror.h). What is not here counts as damage.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from noref.images.jpeg_structure import APP0, APP2, APP14, COEFFICIENTS, SOS, Structure

_END = b"\xff\xd9"
_FEW = 2  # bytes that a camera may leave before the end marker, whatever they are; more only where they are all alike


class Mended(NamedTuple):
    """Data without an irregularity, and the warning that tells of it."""

    data: bytes
    warning: str


def mend(message: str, data: bytes) -> Mended | None:
    """Data without what the decoder's message objects to; None where that is damage."""
    for pattern, repair in _REPAIRS:
        if found := re.search(pattern, message):
            return repair(data, found)
    return None


def _add_end(data: bytes, _: re.Match[str]) -> Mended:
    return Mended(data + _END, "its end marker is missing")


def _drop_padding(data: bytes, message: re.Match[str]) -> Mended | None:
    end, count = Structure.of(data).end, int(message[1])
    if end is None or count > end:
        return None
    padding = data[end - count : end]
    if count > _FEW and len(set(padding)) > 1:  # of data that went astray, rather
        return None
    return Mended(data[: end - count] + data[end:], f"{count} superfluous bytes before its end marker were ignored")


def _whole_spectrum(data: bytes, _: re.Match[str]) -> Mended:
    mended = bytearray(data)
    for segment in Structure.of(data).segments:
        if segment.kind == SOS:
            mended[segment.stop - 3 : segment.stop] = bytes((0, COEFFICIENTS - 1, 0))
    return Mended(bytes(mended), "odd parameters of its scans were ignored, as they mean nothing in a sequential JPEG")


def _known_jfif(data: bytes, _: re.Match[str]) -> Mended:
    return _patched(data, APP0, b"JFIF\0", 5, b"\x01\x02", "its JFIF version is unknown")


def _known_transform(data: bytes, _: re.Match[str]) -> Mended:
    frame = Structure.of(data).frame
    transform = b"\x02" if frame is not None and frame.components == 4 else b"\x01"  # YCCK, YCbCr: what libjpeg assumes
    return _patched(data, APP14, b"Adobe", 11, transform, "its Adobe colour transform is unknown; taken for luma and chroma")


def _no_profile(data: bytes, _: re.Match[str]) -> Mended:
    return _patched(data, APP2, b"ICC_PROFILE\0", 0, b"-", "its colour profile is corrupt")


def _patched(data: bytes, kind: int, signature: bytes, offset: int, new: bytes, warning: str) -> Mended:
    mended = bytearray(data)
    for segment in Structure.of(data).segments:
        if segment.kind == kind and data.startswith(signature, segment.start):
            mended[segment.start + offset : segment.start + offset + len(new)] = new
    return Mended(bytes(mended), warning)


_REPAIRS: list[tuple[str, Callable[[bytes, re.Match[str]], Mended | None]]] = [
    (r"Premature end of JPEG file", _add_end),
    (r"(\d+) extraneous bytes before marker 0xd9", _drop_padding),
    (r"Invalid SOS parameters for sequential JPEG", _whole_spectrum),
    (r"unknown JFIF revision", _known_jfif),
    (r"Unknown Adobe color transform", _known_transform),
    (r"bad ICC marker", _no_profile),
]
