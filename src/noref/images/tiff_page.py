"""The properties that a page of a TIFF file declares, and the reason if it cannot be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from noref.images.tiff_directory import Directory
from noref.images.tiff_tags import Compression, Photometric, Tag

_MOST_SAMPLES = 8
_MOST_BITS = 16
_LEAST_TILE = 16  # pixels on a side, as TIFF 6.0 has it
_UNSIGNED = 1
_SAMPLE_FORMATS = {2: "signed integer", 3: "float", 4: "undefined", 5: "complex integer", 6: "complex"}
ASSOCIATED = 1
_ALPHA = (ASSOCIATED, 2, 999, None)  # unassociated; as Corel writes it; not declared
_CMYK_INKS = 1
_YCBCR_WEIGHTS, _YCBCR_RANGE = [0.299, 0.587, 0.114], [0, 255, 128, 255, 128, 255]
LAB = (Photometric.CIELAB, Photometric.ICCLAB)
CCITT = frozenset((Compression.CCITT_RLE, Compression.CCITT_G3, Compression.CCITT_G4, Compression.CCITT_RLE_WORDS))
_PREDICTED = frozenset((Compression.LZW, Compression.DEFLATE, Compression.OLD_DEFLATE, Compression.LZMA, Compression.ZSTD))
_JPEG = frozenset((Compression.JPEG, Compression.OLD_JPEG))
_OF_EIGHT_BITS = _JPEG | {Compression.WEBP}
_COLORS = {
    Photometric.WHITE_IS_ZERO: 1,
    Photometric.BLACK_IS_ZERO: 1,
    Photometric.RGB: 3,
    Photometric.PALETTE: 1,
    Photometric.CMYK: 4,
    Photometric.YCBCR: 3,
    Photometric.CIELAB: 3,
    Photometric.ICCLAB: 3,
}
_NOT_READ = {
    4: "a transparency mask",
    10: "ITU L*a*b* colours",
    32844: "high dynamic range (LogL)",
    32845: "high dynamic range (LogLuv)",
    51177: "a depth map",
}
_NOT_DECODED = {
    9: "JBIG",
    10: "JBIG",
    32766: "NeXT RLE",
    32809: "ThunderScan",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34933: "PNG",
    34934: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
}


_SINGLE = (
    Tag.WIDTH,
    Tag.HEIGHT,
    Tag.COMPRESSION,
    Tag.PHOTOMETRIC,
    Tag.SAMPLES_PER_PIXEL,
    Tag.ROWS_PER_STRIP,
    Tag.PLANAR_CONFIGURATION,
    Tag.PREDICTOR,
    Tag.TILE_WIDTH,
    Tag.TILE_LENGTH,
)


@dataclass(frozen=True)
class Page:
    """A page as its directory declares it.

    Attributes:
        directory: Where the rest stands.
        width: In pixels, before rotation.
        height: In pixels, before rotation.
        bits: Of each sample.
        sample_formats: Of each sample; 1 is an unsigned integer.
        samples: Of a pixel.
        photometric: What they mean; -1 where the page does not declare it.
        compression: Of strips and tiles.
        planar: Whether each sample has strips or tiles of its own.
        fill_order: 2 where the lowest bit of a byte comes first.
        predictor: 1 for none, 2 for differences between neighbours.
        tiled: Whether segments are tiles, else strips.
        segment_width: Of a strip or tile, in pixels.
        segment_height: Of a strip or tile, in pixels; the last strip may have fewer.
    """

    directory: Directory
    width: int
    height: int
    bits: tuple[int, ...]
    sample_formats: tuple[int, ...]
    samples: int
    photometric: int
    compression: int
    planar: bool
    fill_order: int
    predictor: int
    tiled: bool
    segment_width: int
    segment_height: int

    @classmethod
    def of(cls, directory: Directory) -> "Page":
        """The page of a directory."""
        integer = directory.integer
        width, height = integer(Tag.WIDTH, 0), integer(Tag.HEIGHT, 0)
        samples = max(integer(Tag.SAMPLES_PER_PIXEL, 1), 1)
        tiled = Tag.TILE_WIDTH in directory
        return cls(
            directory,
            width,
            height,
            tuple(directory.integers(Tag.BITS_PER_SAMPLE)[:samples]) or (1,),
            tuple(directory.integers(Tag.SAMPLE_FORMAT)[:samples]) or (_UNSIGNED,),
            samples,
            integer(Tag.PHOTOMETRIC, -1),
            integer(Tag.COMPRESSION, Compression.NONE),
            samples > 1 and integer(Tag.PLANAR_CONFIGURATION, 1) == 2,
            integer(Tag.FILL_ORDER, 1),
            integer(Tag.PREDICTOR, 1),
            tiled,
            integer(Tag.TILE_WIDTH, 0) if tiled else width,
            integer(Tag.TILE_LENGTH, 0) if tiled else min(integer(Tag.ROWS_PER_STRIP, height), height),
        )

    @property
    def corrupt_tags(self) -> tuple[str, ...]:
        """Names of the tags that describe how pixels are stored and do not hold a single number, as they must."""
        return tuple(tag.name for tag in _SINGLE if tag in self.directory and not self.directory.is_single(tag))

    @property
    def colors(self) -> int:
        """How many samples of a pixel are colours; the others are extra."""
        return _COLORS[Photometric(self.photometric)]

    @property
    def extras(self) -> tuple[int | None, ...]:
        """What each extra sample is: 0 unspecified, 1 associated alpha, 2 unassociated alpha; None where it is not declared."""
        declared: list[int | None] = [*self.directory.integers(Tag.EXTRA_SAMPLES)]
        count = self.samples - self.colors
        return tuple((declared + [None] * count)[:count])

    @property
    def alpha(self) -> int | None:
        """Which sample is transparency; None where there is none."""
        return next((self.colors + index for index, extra in enumerate(self.extras) if extra in _ALPHA), None)

    @property
    def jpeg_colors(self) -> bool:
        """Whether the decoder of its JPEG segments gives RGB for what is stored as luma and chroma."""
        return self.compression in _JPEG and self.photometric == Photometric.YCBCR and not self.planar

    @property
    def unsupported(self) -> str:
        """Why it is not read, for an error; empty where it is."""
        return next(chain(self._foreign(), self._unreadable_samples(), self._unreadable_colors()), "")

    def _foreign(self) -> Iterator[str]:
        if self.photometric < 0:
            yield "TIFF that does not declare what its samples mean"
        if self.photometric not in _COLORS:
            yield f"TIFF with {_NOT_READ.get(self.photometric, f'photometric interpretation {self.photometric}')}"
        if self.compression not in Compression.__members__.values():
            yield f"TIFF compressed with {_NOT_DECODED.get(self.compression, f'an unknown method ({self.compression})')}"
        if self.directory.integer(Tag.IMAGE_DEPTH, 1) > 1:
            yield "TIFF of a volume"
        if self.tiled and min(self.segment_width, self.segment_height) < _LEAST_TILE:
            yield f"TIFF with tiles of {self.segment_width} x {self.segment_height} pixels"

    def _unreadable_samples(self) -> Iterator[str]:
        bits, kind = self.bits[0], next((form for form in self.sample_formats if form != _UNSIGNED), _UNSIGNED)
        if kind != _UNSIGNED:
            yield f"TIFF with {bits}-bit {_SAMPLE_FORMATS.get(kind, 'unknown')} samples"
        if len(set(self.bits)) > 1 or len(self.bits) not in (1, self.samples):
            yield f"TIFF with samples of different depth ({', '.join(map(str, self.bits))} bits)"
        if not 1 <= bits <= _MOST_BITS:
            yield f"TIFF with {bits}-bit integer samples"
        if not self.colors <= self.samples <= _MOST_SAMPLES:
            yield f"TIFF with {self.samples} samples a pixel, of which {self.colors} are colours"
        if self.predictor != 1 and not (self.predictor == 2 and bits in (8, 16) and self.compression in _PREDICTED):
            yield f"TIFF with predictor {self.predictor} of {bits}-bit samples in compression {self.compression}"
        if (self.compression in CCITT and (bits, self.samples) != (1, 1)) or (self.compression in _OF_EIGHT_BITS and bits != 8):
            yield f"TIFF with {self.samples} samples of {bits} bits compressed with {Compression(self.compression).name}"

    def _unreadable_colors(self) -> Iterator[str]:
        bits, directory = self.bits[0], self.directory
        if self.photometric == Photometric.PALETTE and len(directory.integers(Tag.COLOR_MAP)) < 3 << bits:
            yield "TIFF without the colours of its palette"
        if self.photometric == Photometric.WHITE_IS_ZERO and ASSOCIATED in self.extras:
            yield "TIFF with inverted and premultiplied grey"
        if self.photometric in LAB and bits not in (8, 16):
            yield f"TIFF with {bits}-bit L*a*b* colours"
        if self.photometric == Photometric.CMYK:
            if directory.integer(Tag.INK_SET, _CMYK_INKS) != _CMYK_INKS:
                yield "TIFF of other inks than CMYK"
            if directory.integers(Tag.DOT_RANGE)[:2] not in ([], [0, (1 << bits) - 1]):
                yield "TIFF with an unusual range of inks"
            if self.alpha is not None:
                yield "TIFF of CMYK with transparency"
        if (
            self.photometric == Photometric.YCBCR
            and not self.jpeg_colors
            and not (
                bits == 8
                and directory.integers(Tag.YCBCR_SUBSAMPLING) == [1, 1]
                and directory.numbers(Tag.YCBCR_COEFFICIENTS) in ([], _YCBCR_WEIGHTS)
                and directory.numbers(Tag.REFERENCE_BLACK_WHITE) in ([], _YCBCR_RANGE)
            )
        ):
            yield "TIFF with subsampled or unusual chroma, or chroma in planes of its own, that no decoder here converts"
