"""The samples of a TIFF page, band after band of rows, so that a large page is never held decompressed as a whole."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from noref.errors import DamagedImage, ImageTooLarge, UnsupportedImage
from noref.images.decoding import COPY_AGAIN, SAVE_AS
from noref.images.tiff_decoders import Bytes, Segment, decompress
from noref.images.tiff_directory import Directory
from noref.images.tiff_page import Page
from noref.images.tiff_tags import Compression, Tag

Samples: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""uint8 or uint16, rows x width x samples of a pixel, as stored."""

_BAND = 1 << 22  # samples that are decoded at a time, unless a single segment holds more
_UNPACKED = 1 << 20  # samples whose bits are unpacked at a time
_LONGEST, _LEAST_LIMIT = 2, 1 << 16  # bytes of a compressed segment: a multiple of those of its samples, and some more
_MOST_SEGMENTS = 1 << 18  # each takes some ten microseconds; 200 megapixels in tiles of 64 x 64 have 50,000
_LOW_BIT_FIRST = 2  # fill order
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class _Segments:
    """The positions of the strips or tiles of a page, plane by plane, in rows of segments."""

    name: str
    stream: BinaryIO
    page: Page
    offsets: list[int]
    sizes: list[int]

    @property
    def across(self) -> int:
        return -(-self.page.width // self.page.segment_width)

    @property
    def down(self) -> int:
        return -(-self.page.height // self.page.segment_height)

    @property
    def planes(self) -> int:
        return self.page.samples if self.page.planar else 1

    @property
    def row_samples(self) -> int:
        """Samples of a row of a segment."""
        return self.page.segment_width * self.page.samples // self.planes

    @property
    def row_bytes(self) -> int:
        return -(-self.row_samples * self.page.bits[0] // 8)

    def rows(self, index: int) -> int:
        """Rows of a segment; the last strip of a plane may have fewer than the others, tiles are padded."""
        page, row = self.page, index // self.across % self.down
        return page.segment_height if page.tiled else min(page.segment_height, page.height - row * page.segment_height)

    def read(self, index: int) -> Segment:
        """A segment, cut where it is longer than any compression makes it; segments may overlap, so the file is no bound."""
        rows = self.rows(index)
        self.stream.seek(self.offsets[index])
        data = self.stream.read(min(self.sizes[index], _LONGEST * rows * self.row_bytes + _LEAST_LIMIT))
        reverse = self.page.fill_order == _LOW_BIT_FIRST and self.page.compression != Compression.JPEG
        return Segment(data.translate(_REVERSED) if reverse else data, rows)


def bands(name: str, stream: BinaryIO, page: Page, max_pixels: int) -> Iterator[Samples]:
    """The samples of a page, from its top.

    Raises:
        ImageTooLarge: Its tiles have more than `max_pixels` pixels.
        DamagedImage: Segments are missing, truncated or corrupt.
        UnsupportedImage: A segment is of a kind that no decoder here supports.
    """
    if page.tiled and page.segment_width * page.segment_height > max_pixels:
        cause = f"tiles of {page.segment_width} x {page.segment_height} pixels"
        raise ImageTooLarge(name, cause, "save it again without tiles")
    segments = _find(name, stream, page)
    rows = max(1, _BAND // (segments.across * segments.row_samples * segments.page.segment_height * segments.planes))
    for row in range(0, segments.down, rows):
        last = min(row + rows, segments.down)
        planes = [_plane(segments, plane, row, last) for plane in range(segments.planes)]
        yield planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def places(directory: Directory) -> tuple[list[int], list[int]]:
    """Offsets and sizes of the strips or tiles of a page; some writers use the tags of strips for tiles too."""
    offsets = directory.integers(Tag.TILE_OFFSETS) or directory.integers(Tag.STRIP_OFFSETS)
    return offsets, directory.integers(Tag.TILE_BYTE_COUNTS) or directory.integers(Tag.STRIP_BYTE_COUNTS)


def count_beyond(stream: BinaryIO, offsets: list[int], sizes: list[int]) -> int:
    """How many segments are not within the file."""
    end = stream.seek(0, io.SEEK_END)
    return sum(offset < 0 or size < 0 or offset + size > end for offset, size in zip(offsets, sizes, strict=False))


def _find(name: str, stream: BinaryIO, page: Page) -> _Segments:
    """The segments, all within the file."""
    if page.segment_width < 1 or page.segment_height < 1:
        raise DamagedImage(name, "damaged: its strips have no rows", COPY_AGAIN)
    found = _Segments(name, stream, page, *places(page.directory))
    kind, count = "tiles" if page.tiled else "strips", found.across * found.down * found.planes
    if count > _MOST_SEGMENTS:
        raise UnsupportedImage(name, f"TIFF of {count:,} {kind}, more than a photo has", SAVE_AS)
    plain = page.compression == Compression.NONE
    if plain and not found.sizes:  # old writers leave them out
        found = replace(found, sizes=[found.rows(index) * found.row_bytes for index in range(count)])
    present = min(len(found.offsets), len(found.sizes), count)
    absent = count - present + found.sizes[:present].count(0)
    if absent:
        raise DamagedImage(name, f"damaged: {absent} of its {count} {kind} are missing", COPY_AGAIN)
    if beyond := count_beyond(stream, found.offsets[:count], found.sizes[:count]):
        raise DamagedImage(name, f"truncated: {beyond} of its {count} {kind} are not within the file", COPY_AGAIN)
    if plain and any(size < found.rows(index) * found.row_bytes for index, size in enumerate(found.sizes[:count])):
        raise DamagedImage(name, f"damaged: {kind} are shorter than their rows", COPY_AGAIN)
    return _cut(found) if plain and not page.tiled and found.down == 1 else found


def _cut(whole: _Segments) -> _Segments:
    """The same rows in several strips, where all of a plane are in a single uncompressed one."""
    page = replace(whole.page, segment_height=min(max(1, _BAND // (whole.row_samples * whole.planes)), whole.page.height))
    tops = range(0, page.height, page.segment_height)
    offsets = [offset + top * whole.row_bytes for offset in whole.offsets[: whole.planes] for top in tops]
    cut = replace(whole, page=page, offsets=offsets)
    return replace(cut, sizes=[cut.rows(index) * cut.row_bytes for index in range(len(offsets))])


def _plane(segments: _Segments, plane: int, first: int, last: int) -> Samples:
    """The samples that some rows of segments hold of one plane."""
    page, across = segments.page, segments.across
    start = plane * across * segments.down
    indices = range(start + first * across, start + last * across)
    rows = decompress(segments.name, page, [*map(segments.read, indices)], segments.row_bytes)
    samples = _unpredicted(page, _unpacked(page, rows, segments.row_samples))
    if page.tiled:
        samples = samples.reshape(last - first, across, page.segment_height, page.segment_width, -1).swapaxes(1, 2)
        samples = samples.reshape((last - first) * page.segment_height, across * page.segment_width, -1)
    return samples[: page.height - first * page.segment_height, : page.width]


def _unpacked(page: Page, rows: Bytes, row_samples: int) -> Samples:
    """Samples of 1 to 16 bits out of rows of bytes; rows x width of a segment x samples of a pixel."""
    bits = page.bits[0]
    if bits == 8:
        values: Samples = rows
    elif bits == 16:
        values = rows.view(page.directory.order + "u2").astype(np.uint16)
    else:
        values = np.empty((len(rows), row_samples), np.uint8 if bits < 8 else np.uint16)
        step = max(1, _UNPACKED // row_samples)
        for top in range(0, len(rows), step):
            digits = np.unpackbits(rows[top : top + step], axis=1, count=row_samples * bits).reshape(-1, row_samples, bits)
            whole = np.zeros((*digits.shape[:2], values.itemsize * 8), np.uint8)
            whole[..., -bits:] = digits
            values[top : top + step] = np.packbits(whole, axis=2).view(values.dtype.newbyteorder(">"))[..., 0]
    return values.reshape(len(rows), page.segment_width, -1)


def _unpredicted(page: Page, samples: Samples) -> Samples:
    return samples if page.predictor == 1 else np.add.accumulate(samples, axis=1, dtype=samples.dtype)
