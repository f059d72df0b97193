"""Decompression of the strips and tiles of TIFF.

DEFLATE and LZMA are decompressed by Python's own modules, which verify checksums; JPEG and WebP by their decoders; LZW,
PackBits, Zstandard and CCITT by libtiff through Pillow.
"""

import io
import lzma
import zlib
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image, TiffImagePlugin, TiffTags

from noref.errors import DamagedImage, UnsupportedImage
from noref.images.decoding import COPY_AGAIN, SAVE_AS, decoding
from noref.images.jpeg_structure import Structure
from noref.images.limits import unlimited
from noref.images.tiff_page import CCITT, Page
from noref.images.tiff_tags import Compression, Tag

Bytes: TypeAlias = npt.NDArray[np.uint8]

_PADDING = 1 << 24  # bytes that a last strip may have beyond its rows
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"  # a marker that lacks its last byte, the colour transform
_APPLICATION = [bytes((kind,)) for kind in range(0xE0, 0xF0)]
_JPEG_COLORS = {1: "GRAY", 3: "RGB", 4: "CMYK"}


class Segment(NamedTuple):
    """The data of a strip or tile, and how many rows they hold."""

    data: bytes
    rows: int


def decompress(name: str, page: Page, segments: Sequence[Segment], row_bytes: int) -> Bytes:
    """The rows of segments that follow one another, as rows x `row_bytes`.

    Raises:
        DamagedImage: A segment is truncated or corrupt, as far as its compression shows it.
        UnsupportedImage: A segment is of a kind that no decoder here supports.
    """
    if page.compression in _BYTEWISE:
        decode = _BYTEWISE[Compression(page.compression)]
        data = b"".join(decode(name, data, rows * row_bytes) for data, rows in segments)
        return np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    if page.compression == Compression.JPEG:
        return np.concatenate([_jpeg(name, page, segment) for segment in segments])
    if page.compression == Compression.WEBP:
        return np.concatenate([_webp(name, page, segment) for segment in segments])
    return _by_libtiff(name, page, segments, row_bytes)


def _plain(_: str, data: bytes, size: int) -> bytes:
    return data[:size]


def _inflated(name: str, data: bytes, size: int) -> bytes:
    stream = zlib.decompressobj()
    with decoding(name):
        found = stream.decompress(data, size)
        if not stream.eof:
            stream.decompress(stream.unconsumed_tail, _PADDING)
    if len(found) < size or not stream.eof:
        raise DamagedImage(name, "damaged or truncated: a segment does not end as it should", COPY_AGAIN)
    return found


def _lzma(name: str, data: bytes, size: int) -> bytes:
    stream = lzma.LZMADecompressor()
    with decoding(name):
        found = stream.decompress(data, size)
        if not stream.eof:
            stream.decompress(b"", _PADDING)
    if len(found) < size or not stream.eof:
        raise DamagedImage(name, "damaged or truncated: a segment does not end as it should", COPY_AGAIN)
    return found


_BYTEWISE = {
    Compression.NONE: _plain,
    Compression.DEFLATE: _inflated,
    Compression.OLD_DEFLATE: _inflated,
    Compression.LZMA: _lzma,
}


def _by_libtiff(name: str, page: Page, segments: Sequence[Segment], row_bytes: int) -> Bytes:
    """Rows of bytes as a grey image of that width, or rows of bits as a bilevel image, in a TIFF file of its own."""
    parts = [segment.data for segment in segments]
    bilevel = page.compression in CCITT
    header = TiffImagePlugin.ImageFileDirectory_v2()
    header[Tag.WIDTH] = page.segment_width if bilevel else row_bytes
    header[Tag.HEIGHT] = sum(segment.rows for segment in segments)
    header[Tag.BITS_PER_SAMPLE] = 1 if bilevel else 8
    header[Tag.COMPRESSION] = page.compression
    header[Tag.PHOTOMETRIC] = 1
    header[Tag.ROWS_PER_STRIP] = page.segment_height
    for option in (Tag.T4_OPTIONS, Tag.T6_OPTIONS):
        if option in page.directory:
            header[option] = page.directory.integer(option, 0)
    header.tagtype[Tag.STRIP_OFFSETS] = TiffTags.LONG
    header[Tag.STRIP_OFFSETS] = tuple(accumulate((len(part) for part in parts[:-1]), initial=0))
    header[Tag.STRIP_BYTE_COUNTS] = tuple(map(len, parts))
    file = io.BytesIO()
    header.save(file)
    file.write(b"".join(parts))
    file.seek(0)
    with decoding(name), TiffImagePlugin.TiffImageFile(file) as image:
        with unlimited():
            image.load_prepare()  # where Pillow would check it: bytes count as pixels here
        pixels = np.asarray(image)
    return np.packbits(pixels, axis=1) if bilevel else pixels


def _jpeg(name: str, page: Page, segment: Segment) -> Bytes:
    """A segment of JPEG. Its tables may be in the page; its colours are those that the page declares."""
    data, rows = segment
    samples = 1 if page.planar else page.samples
    tables = page.directory.data(Tag.JPEG_TABLES)
    transform = _ADOBE + (b"\x01" if page.jpeg_colors else b"\x00")
    data = b"\xff\xd8" + transform + tables[2:].removesuffix(b"\xff\xd9") + _without_application_markers(data)
    structure = Structure.of(data)
    if (frame := structure.frame) is None:
        raise DamagedImage(name, "damaged or truncated: a segment without a JPEG frame header", COPY_AGAIN)
    if reason := frame.unsupported or ("arithmetic JPEG" if frame.arithmetic else ""):
        raise UnsupportedImage(name, f"TIFF with segments of {reason}", SAVE_AS)
    if structure.excessive(page.width * page.height):
        raise UnsupportedImage(name, "TIFF with segments of JPEG of more markers or scans than a photo has", SAVE_AS)
    if frame.width != page.segment_width or frame.height < rows or frame.components != samples or not structure.complete:
        raise DamagedImage(name, "damaged: a segment of JPEG is not what the page declares", COPY_AGAIN)
    try:
        pixels = simplejpeg.decode_jpeg(data, _JPEG_COLORS[samples], strict=True)
    except ValueError as error:
        if "subsampling level" in str(error):
            raise UnsupportedImage(name, "TIFF with segments of JPEG whose chroma subsampling is rare", SAVE_AS) from error
        raise DamagedImage(name, f"damaged or truncated ({error})", COPY_AGAIN) from error
    return pixels[:rows].reshape(rows, -1)


def _without_application_markers(data: bytes) -> bytes:
    """What follows the start marker of JPEG, less those that would declare other colours than the page does."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] in _APPLICATION:
        at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)
    return data[at:]


def _webp(name: str, page: Page, segment: Segment) -> Bytes:
    data, rows = segment
    mode = {3: "RGB", 4: "RGBA"}.get(page.samples)
    if mode is None or page.planar:
        raise UnsupportedImage(name, f"TIFF of {page.samples} samples a pixel compressed with WebP", SAVE_AS)
    with decoding(name), unlimited():
        image = Image.open(io.BytesIO(data), formats=("WEBP",))
    with decoding(name), image:
        if image.width != page.segment_width or image.height < rows:
            raise DamagedImage(name, "damaged: a segment of WebP is not what the page declares", COPY_AGAIN)
        return np.asarray(image.convert(mode))[:rows].reshape(rows, -1)
