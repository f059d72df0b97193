"""PNG: the checksum of every chunk is verified, which Pillow does not do for pixels; Pillow decodes the critical chunks alone.

So damaged metadata never make a photo fail, and lost or corrupt pixels are always detected. Colours follow the third edition of
the PNG specification: cICP takes precedence over iCCP, iCCP over sRGB, and sRGB over gAMA and cHRM.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import color, convert, orientation, pillow
from noref.images.cicp import Cicp, Conversion, conversion
from noref.images.decoding import COPY_AGAIN, SAVE_AS, decoding
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size
from noref.images.png_chunks import SIGNATURE, Chunk, blocks, chunk_of, content, excerpt, walk

_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_PIXELS = (b"PLTE", b"tRNS", b"IDAT")
_TEXTS = (b"iTXt", b"tEXt", b"zTXt")
_KEYWORDS = (b"exif", b"Raw profile type exif", b"XML:com.adobe.xmp")  # of texts in which Pillow finds an orientation
_PASSED_OVER = (b"IDAT", b"fdAT")  # pixels of the image, and of further frames
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # bits by type of colour
_PALETTE = 3  # type of colour
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # left, top, steps
_MOST_METADATA = 1 << 24  # bytes of a chunk, and of those together that may hold an orientation
_HUNDRED_THOUSANDTHS = 1e-5


def read(file: File) -> Photo:
    """Read PNG; of an animated one the image that every decoder shows.

    Raises:
        DamagedImage: Pixels are missing, or the checksum of a critical chunk is wrong.
        UnsupportedImage: A critical chunk is unknown.
        ImageError: Another of its kinds.
    """
    chunks = _chunks(file)
    if not _complete(file.stream, chunks):
        raise DamagedImage(file.name, "damaged or truncated: pixels are missing", COPY_AGAIN)
    notes = tuple(_notes(file.stream, chunks))
    intact = [chunk for chunk in chunks if chunk.intact]
    shown = [chunks[0], *(chunk for chunk in intact if chunk.kind in _PIXELS)]  # a second header would evade the size limit
    with pillow.open_(file._replace(stream=excerpt(file.stream, shown)), "PNG") as image:
        with decoding(file.name):
            image.load()
        rotation = _orientation(file.stream, intact)
        profile, colors = _colors(file.stream, {chunk.kind: chunk for chunk in reversed(intact)})
        warnings = (*notes, *colors.warnings)
        return convert.finish(file.name, image, exif_orientation=rotation, colors=profile or colors.to_srgb, warnings=warnings)


def size(file: File) -> Size:
    """Width and height of the upright image; raises as `read`, but pixels are not read."""
    chunks = _chunks(file, unread=_PASSED_OVER)
    width, height = struct.unpack(">II", content(file.stream, chunks[0])[:8])
    return orientation.upright((width, height), _orientation(file.stream, [chunk for chunk in chunks if chunk.intact]))


def _chunks(file: File, unread: tuple[bytes, ...] = ()) -> list[Chunk]:
    """The chunks of a supported PNG."""
    if file.stream.read(len(SIGNATURE)) != SIGNATURE:
        raise DamagedImage(file.name, "damaged: its signature is wrong, as after a transfer in text mode", COPY_AGAIN)
    chunks = walk(file.stream, unread)
    _check(file, chunks)
    return chunks


def _check(file: File, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        kind = chunk.kind.decode()
        if chunk.critical and chunk.kind != b"IEND" and not chunk.intact:
            raise DamagedImage(file.name, f"damaged or truncated: its {kind} chunk is corrupt", COPY_AGAIN)
        if chunk.critical and chunk.kind not in _CRITICAL:
            raise UnsupportedImage(file.name, f"PNG with the unknown critical chunk {kind}", SAVE_AS)
    if not chunks or chunks[0].kind != b"IHDR" or chunks[0].length != 13:
        raise DamagedImage(file.name, "damaged or truncated: no header", COPY_AGAIN)
    width, height, depth, kind_of_color, *methods = struct.unpack(">IIBBBBB", content(file.stream, chunks[0]))
    check_size(file.name, width, height, file.max_pixels)
    if depth not in _DEPTHS.get(kind_of_color, ()) or methods[:2] != [0, 0] or methods[2] > 1:
        raise UnsupportedImage(file.name, f"PNG of an unknown kind ({depth} bits, colour type {kind_of_color})", SAVE_AS)
    if kind_of_color == _PALETTE and not any(chunk.kind == b"PLTE" for chunk in chunks):
        raise DamagedImage(file.name, "damaged: its palette is missing", COPY_AGAIN)


def _complete(stream: BinaryIO, chunks: list[Chunk]) -> bool:
    """Whether the pixel data inflate to all rows; where the deflated stream ends early, Pillow leaves the rest black."""
    missing, inflater = _inflated_size(content(stream, chunks[0])), zlib.decompressobj()
    try:
        for chunk in chunks:
            if chunk.kind == b"IDAT":
                for block in blocks(stream, chunk):
                    missing -= len(inflater.decompress(block))
                    if missing <= 0:
                        return True
    except zlib.error:
        pass
    return False


def _inflated_size(header: bytes) -> int:
    """Bytes of all rows, each with its filter type; of all passes where they are interlaced."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    sides = ((-(-(width - left) // across), -(-(height - top) // down)) for left, top, across, down in passes)
    return sum(rows * (1 + -(-columns * depth * _CHANNELS[kind] // 8)) for columns, rows in sides if columns > 0 and rows > 0)


def _notes(stream: BinaryIO, chunks: list[Chunk]) -> Iterator[str]:
    kinds = [chunk.kind for chunk in chunks]
    broken = sorted({chunk.kind.decode() for chunk in chunks if not chunk.intact and chunk.kind != b"IEND"})
    if broken:
        yield f"corrupt chunks were ignored ({', '.join(broken)})"
    if chunks[-1].kind != b"IEND" or not chunks[-1].intact:
        yield "its end marker is missing"
    control = next((chunk for chunk in chunks if chunk.kind == b"acTL" and chunk.intact), None)
    if control is not None:
        apart = b"fcTL" not in kinds[: kinds.index(b"IDAT")]  # a still image, which is none of the frames
        count = int.from_bytes(content(stream, control)[:4], "big") + apart
        if count > 1:
            yield f"only the first of {count} frames was read"


def _orientation(stream: BinaryIO, chunks: list[Chunk]) -> int:
    """From the metadata, which Pillow reads on an image of one pixel."""
    kept = _oriented(stream, chunks)
    if not kept:
        return orientation.UPRIGHT
    pixel = [chunk_of(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), chunk_of(b"IDAT", zlib.compress(b"\0\0"))]
    data = [chunk_of(chunk.kind, content(stream, chunk)) for chunk in kept]
    try:
        with Image.open(
            io.BytesIO(b"".join((SIGNATURE, pixel[0], *data, pixel[1], chunk_of(b"IEND", b"")))), formats=("PNG",)
        ) as image:
            return orientation.of(image)
    except Exception:  # corrupt metadata raise many types, and must not make the photo fail
        return orientation.UPRIGHT


def _oriented(stream: BinaryIO, chunks: list[Chunk]) -> list[Chunk]:
    """The chunks that may hold an orientation: the last of each keyword, which counts; none if they are too large."""
    found: dict[bytes, Chunk] = {}
    for chunk in chunks:
        keyword = b"exif" if chunk.kind == b"eXIf" else _keyword(stream, chunk) if chunk.kind in _TEXTS else b""
        if keyword in _KEYWORDS and chunk.length < _MOST_METADATA:
            found[keyword] = chunk
    return list(found.values()) if sum(chunk.length for chunk in found.values()) < _MOST_METADATA else []


def _keyword(stream: BinaryIO, chunk: Chunk) -> bytes:
    """The keyword of a text chunk, with which it begins."""
    longest = max(map(len, _KEYWORDS)) + 1
    return content(stream, chunk._replace(length=min(chunk.length, longest))).partition(b"\0")[0]


def _colors(stream: BinaryIO, chunks: dict[bytes, Chunk]) -> tuple[bytes | None, Conversion]:
    """An ICC profile, or else a conversion."""

    def found(kind: bytes) -> bytes:
        chunk = chunks.get(kind)
        return content(stream, chunk) if chunk is not None and chunk.length < _MOST_METADATA else b""

    if len(code := found(b"cICP")) >= 4:
        return None, conversion(Cicp(code[0], code[1], narrow=not code[3]))
    if packed := found(b"iCCP"):
        profile = _unpacked(packed)
        return profile, Conversion() if profile else Conversion(None, (color.IGNORED,))
    gamma, primaries = found(b"gAMA"), found(b"cHRM")
    if b"sRGB" in chunks or not (gamma or primaries):
        return None, Conversion()
    exponent = int.from_bytes(gamma[:4], "big") * _HUNDRED_THOUSANDTHS if gamma else None
    corners = tuple(value * _HUNDRED_THOUSANDTHS for value in struct.unpack(">8I", primaries)) if len(primaries) == 32 else None
    return None, color.by_gamma(exponent, corners)


def _unpacked(packed: bytes) -> bytes | None:
    """The profile in an iCCP chunk: a name, a zero, the method, and the profile deflated."""
    _, _, rest = packed.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(rest[1:], _MOST_METADATA) or None
    except zlib.error:
        return None
