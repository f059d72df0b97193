"""What the markers of a JPEG file declare: its frame, and whether its scans carry every coefficient (ITU-T T.81, annex B)."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # also ends entropy-coded data, which hold only FF00 and restart markers
APP0, APP1, APP2, APP14, SOS, EOI = 0xE0, 0xE1, 0xE2, 0xEE, 0xDA, 0xD9
ICC, _EXIF = b"ICC_PROFILE\0", b"Exif\0"
COEFFICIENTS = 64
_SOI, _TEM, _DHP = 0xD8, 0x01, 0xDE
_FRAMES = frozenset((*range(0xC0, 0xD0), _DHP)) - {0xC4, 0xC8, 0xCC}  # these three are DHT, JPG and DAC; DHP opens a hierarchy
_PROGRESSIVE = frozenset((0xC2, 0xCA))
_DECODABLE = frozenset((0xC0, 0xC1, 0xC2, 0xC9, 0xCA))  # baseline, extended, progressive; the last two arithmetic-coded
_ARITHMETIC = frozenset((0xC9, 0xCA))
_LOSSLESS = frozenset((0xC3, 0xCB))
_UNSEEN = 16  # more bits than any scan leaves out
_MOST_MARKERS = 10_000  # and scans: bounds on what a small hostile file can cost; 16 scans and some hundred markers are many
_MOST_SCANS = 100
_MOST_SCANNED = 4_000_000_000  # pixels times scans: 20 scans of 200 megapixels, some three seconds
_LONGEST_SIDE = 65_500  # of libjpeg


class Frame(NamedTuple):
    """A frame header.

    Attributes:
        kind: Its marker's second byte.
        precision: Bits of a sample.
        width: In pixels.
        height: In pixels; 0 where a later marker holds it.
        sampling: Horizontal and vertical sampling factor of each component; 1 component is grey, 3 are colour, 4 are CMYK.
    """

    kind: int
    precision: int
    width: int
    height: int
    sampling: tuple[tuple[int, int], ...]

    @property
    def components(self) -> int:
        """Number of components."""
        return len(self.sampling)

    @property
    def progressive(self) -> bool:
        """Whether a scan carries only some coefficients, or some of their bits."""
        return self.kind in _PROGRESSIVE

    @property
    def arithmetic(self) -> bool:
        """Whether it is coded arithmetically, else by Huffman's codes."""
        return self.kind in _ARITHMETIC

    @property
    def unsupported(self) -> str:
        """Why no decoder here reads it; empty where one does."""
        reasons = (
            (self.kind in _LOSSLESS, "lossless JPEG"),
            (self.kind not in _DECODABLE, "hierarchical JPEG"),
            (self.precision != 8, f"JPEG of {self.precision} bits"),
            (self.components not in (1, 3, 4), f"JPEG of {self.components} components"),
            (max(self.width, self.height) > _LONGEST_SIDE, f"JPEG of more than {_LONGEST_SIDE:,} pixels on one side"),
            (self._fractional, "JPEG with fractional chroma subsampling"),
            (self.height == 0, "JPEG whose height is not in its frame header"),
        )
        return next((reason for applies, reason in reasons if applies), "")

    @property
    def _fractional(self) -> bool:
        """Whether a component has to be enlarged by a factor such as 3/2. Factors of 0 are left to the decoder, as damage."""
        columns = [factors for factors in zip(*self.sampling, strict=True) if all(factors)]
        return any(max(factors) % factor for factors in columns for factor in factors)


class Segment(NamedTuple):
    """A marker with parameters: its second byte, its position in the data, and start and end of its parameters."""

    kind: int
    marker: int
    start: int
    stop: int


@dataclass
class Structure:
    """The markers of a JPEG file, up to its end marker, the end of the data, or more markers than a photo has.

    Attributes:
        segments: In their order.
        end: Position of the end marker; None if it is missing.
        frame: The frame header; None where the data end before it.
        missing_bits: Component -> for each of its 64 coefficients, how many low bits no scan has carried yet; 0 is complete.
        scans: Their number.
        endless: Whether there are more markers or scans than any photo has; the rest was not walked.
    """

    segments: list[Segment] = field(default_factory=list)
    end: int | None = None
    frame: Frame | None = None
    missing_bits: dict[int, list[int]] = field(default_factory=dict)
    scans: int = 0
    endless: bool = False

    @property
    def complete(self) -> bool:
        """Whether the scans carry every bit of every coefficient; a progressive file may lack whole scans and still decode."""
        return bool(self.missing_bits) and not any(any(bits) for bits in self.missing_bits.values())

    @property
    def header_is_whole(self) -> bool:
        """Whether the data reach the first scan."""
        return any(segment.kind == SOS for segment in self.segments)

    def excessive(self, pixels: int) -> bool:
        """Whether an image of so many pixels would take long to decode, unlike any photo."""
        return self.endless or self.scans * pixels > _MOST_SCANNED

    def exif(self, data: bytes) -> bytes:
        """The EXIF block before the first scan; of several the first; empty where there is none."""
        return next(self._parameters(data, APP1, _EXIF), b"")

    def profile(self, data: bytes) -> bytes | None:
        """The ICC profile before the first scan; None where there is none, or a part of it is missing."""
        chunks = sorted(self._parameters(data, APP2, ICC))  # each begins with its number and the number of chunks
        if [tuple(chunk[:2]) for chunk in chunks] != [(number, len(chunks)) for number in range(1, len(chunks) + 1)]:
            return None
        return b"".join(chunk[2:] for chunk in chunks) or None

    def _parameters(self, data: bytes, kind: int, signature: bytes) -> Iterator[bytes]:
        for segment in itertools.takewhile(lambda one: one.kind != SOS, self.segments):
            if segment.kind == kind and data.startswith(signature, segment.start, segment.stop):
                yield data[segment.start + len(signature) : segment.stop]

    @classmethod
    def of(cls, data: bytes) -> "Structure":
        """Walk the markers. Never fails: corrupt data give a structure that is not complete."""
        found, position = cls(), 2
        for _ in range(_MOST_MARKERS):
            marker = _MARKER.search(data, position)
            if marker is None:
                return found
            kind, position = marker[1][0], marker.end()
            if kind == EOI:
                found.end = marker.start()
                return found
            if kind in (_SOI, _TEM):
                continue
            length = int.from_bytes(data[position : position + 2], "big")
            stop = min(position + max(length, 2), len(data))
            segment = Segment(kind, marker.start(), min(position + 2, stop), stop)
            found.segments.append(segment)
            body, position = data[segment.start : segment.stop], segment.stop
            if kind in _FRAMES and found.frame is None:
                found._start_frame(kind, body)
            elif kind == SOS:
                found._scan(body)
                found.scans += 1
                if found.scans > _MOST_SCANS:
                    break
        found.endless = True
        return found

    def _start_frame(self, kind: int, body: bytes) -> None:
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            return
        height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
        sampling = tuple(divmod(factors, 16) for factors in body[7 : 7 + 3 * body[5] : 3])
        self.frame = Frame(kind, body[0], width, height, sampling)
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
