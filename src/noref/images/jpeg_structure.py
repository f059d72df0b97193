"""What the markers of a JPEG file declare: its frame, and whether its scans carry every coefficient (ITU-T T.81, annex B)."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # also ends entropy-coded data, which hold only FF00 and restart markers
APP0, APP2, APP14, SOS = 0xE0, 0xE2, 0xEE, 0xDA
COEFFICIENTS = 64
_SOI, _EOI, _TEM = 0xD8, 0xD9, 0x01
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame; these three are DHT, JPG, DAC
_PROGRESSIVE = frozenset((0xC2, 0xCA))
_DECODABLE = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))  # baseline, extended, progressive; the last two arithmetic-coded
_LOSSLESS = frozenset((0xC3, 0xCB))
_UNSEEN = 16  # more bits than any scan leaves out


class Frame(NamedTuple):
    """A frame header.

    Attributes:
        kind: Its marker's second byte.
        precision: Bits of a sample.
        width: In pixels.
        height: In pixels; 0 where a later marker holds it.
        components: 1 grey, 3 colour, 4 CMYK.
    """

    kind: int
    precision: int
    width: int
    height: int
    components: int

    @property
    def progressive(self) -> bool:
        """Whether a scan carries only some coefficients, or some of their bits."""
        return self.kind in _PROGRESSIVE

    @property
    def unsupported(self) -> str:
        """Why no decoder here reads it; empty where one does."""
        if self.kind in _LOSSLESS:
            return "lossless JPEG"
        if self.kind not in _DECODABLE:
            return "hierarchical JPEG"
        if self.precision != 8:
            return f"JPEG of {self.precision} bits"
        if self.components not in (1, 3, 4):
            return f"JPEG of {self.components} components"
        return "" if self.height else "JPEG whose height is not in its frame header"


class Segment(NamedTuple):
    """A marker with parameters: the marker's second byte, and where its parameters begin and end in the data."""

    kind: int
    start: int
    stop: int


@dataclass
class Structure:
    """The markers of a JPEG file, up to its end marker or the end of the data.

    Attributes:
        segments: In their order.
        end: Where the end marker stands; None where it is missing.
        frame: The frame header; None where the data end before it.
        missing_bits: Component -> for each of its 64 coefficients, how many low bits no scan has carried yet; 0 is complete.
    """

    segments: list[Segment] = field(default_factory=list)
    end: int | None = None
    frame: Frame | None = None
    missing_bits: dict[int, list[int]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the scans carry every bit of every coefficient; a progressive file may lack whole scans and still decode."""
        return bool(self.missing_bits) and not any(any(bits) for bits in self.missing_bits.values())

    @classmethod
    def of(cls, data: bytes) -> "Structure":
        """Walk the markers. Never fails: corrupt data give a structure that is not complete."""
        found, position = cls(), 2
        while (marker := _MARKER.search(data, position)) is not None:
            kind, position = marker[1][0], marker.end()
            if kind == _EOI:
                found.end = marker.start()
                break
            if kind in (_SOI, _TEM):
                continue
            length = int.from_bytes(data[position : position + 2], "big")
            segment = Segment(kind, min(position + 2, len(data)), min(position + max(length, 2), len(data)))
            found.segments.append(segment)
            body, position = data[segment.start : segment.stop], segment.stop
            if kind in _FRAMES and found.frame is None:
                found._start_frame(kind, body)
            elif kind == SOS:
                found._scan(body)
        return found

    def _start_frame(self, kind: int, body: bytes) -> None:
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            return
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        self.frame = Frame(kind, body[0], width, height, body[5])
        self.missing_bits = {body[6 + 3 * i]: [_UNSEEN] * COEFFICIENTS for i in range(body[5])}

    def _scan(self, body: bytes) -> None:
        count = body[0] if body else 0
        if self.frame is None or len(body) < 4 + 2 * count:
            return
        first, last, low = body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count] & 15
        if not self.frame.progressive:
            first, last, low = 0, COEFFICIENTS - 1, 0
        for component in body[1 : 1 + 2 * count : 2]:
            for coefficient in range(first, min(last, COEFFICIENTS - 1) + 1):
                self.missing_bits.get(component, [0] * COEFFICIENTS)[coefficient] = low
