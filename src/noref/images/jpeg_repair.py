"""Harmless irregularities that real cameras write into JPEG files, mended so that a strict decoder accepts the rest.

Each is known by the decoder's message (libjpeg's jerror.h). What is not here counts as damage.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from noref.images.jpeg_structure import APP0, APP2, APP14, COEFFICIENTS, EOI, ICC, SOS, Structure

MOST_REPAIRS = 6  # each costs another decoding
_READ_AHEAD = 7  # bytes that a decoder may have read but not used, and does not report
_END = b"\xff\xd9"


class Mended(NamedTuple):
    """Data without an irregularity, and the warning that names it."""

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
    """Drop bytes between two segments, or padding after a scan.

    Entropy-coded data that a decoder left over look the same, as do zeros in the place of lost data. So padding has to be one
    byte repeated, no more often than the decoder reports: else it took some of them for data.
    """
    count, kind = int(message[1]), int(message[2], 16)
    structure = Structure.of(data)
    markers = [(segment.kind, segment.marker) for segment in structure.segments]
    if structure.end is not None:
        markers.append((EOI, structure.end))
    for before, (following, marker) in zip(structure.segments, markers[1:], strict=False):
        if following != kind:
            continue
        gap = data[before.stop : marker].rstrip(b"\xff")  # fill bytes, which may precede any marker and do not count
        rest, padding = gap[:-count], gap[-count:]
        if before.kind == SOS:
            superfluous = len(gap) - len(gap.rstrip(padding[:1])) in range(count, count + _READ_AHEAD + 1)
        else:
            superfluous = len(gap) == count
        if superfluous:
            mended = data[: before.stop] + rest + data[marker:]
            return Mended(mended, "superfluous bytes before one of its markers were ignored")
    return None


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
    return _patched(data, APP2, ICC, 0, b"-", "its colour profile is corrupt")


def _patched(data: bytes, kind: int, signature: bytes, offset: int, new: bytes, warning: str) -> Mended:
    mended = bytearray(data)
    for segment in Structure.of(data).segments:
        if segment.kind == kind and data.startswith(signature, segment.start):
            mended[segment.start + offset : segment.start + offset + len(new)] = new
    return Mended(bytes(mended), warning)


_REPAIRS: list[tuple[str, Callable[[bytes, re.Match[str]], Mended | None]]] = [
    (r"Premature end of JPEG file", _add_end),
    (r"(\d+) extraneous bytes before marker 0x(\w\w)", _drop_padding),
    (r"Invalid SOS parameters for sequential JPEG", _whole_spectrum),
    (r"unknown JFIF revision", _known_jfif),
    (r"Unknown Adobe color transform", _known_transform),
    (r"bad ICC marker", _no_profile),
]
