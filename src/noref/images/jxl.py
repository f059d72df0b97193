"""JPEG XL, through pillow-jxl-plugin where it is installed.

Its decoder rotates the image upright, reduces colours of more than 8 bits to 8, and states the colours as an ICC profile, which
carries a cicp tag for HDR. A JPEG that was recompressed without loss is restored and read as JPEG.
"""

import io
from typing import Any, NamedTuple

from PIL import Image

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import convert, jpeg, orientation
from noref.images.decoding import COPY_AGAIN, SAVE_AS, decoding, importing
from noref.images.isobmff import boxes
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size
from noref.images.signatures import JPEG_XL_CODESTREAM, JPEG_XL_CONTAINER

_PARTS, _INDEX = (b"jxlc", b"jxlp"), 4  # boxes of the codestream; bytes before the data of the second
_SIZE_BYTES = 16  # more than signature and size header
_RATIOS = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height
_SIZE_BITS = (9, 13, 18, 30)
_BYTES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "I;16": 2}  # of a pixel
_THREADS = 0  # the caller's thread; photos are read side by side


def read(file: File) -> Photo:
    """Read JPEG XL.

    Raises:
        UnsupportedImage: Its decoder is not installed or cannot be loaded, or the samples are floats.
        ImageError: Another of its kinds.
    """
    decoder = _decoder(file.name)
    data = file.compressed()
    check_size(file.name, *_header(_codestream(data)).size, file.max_pixels)
    try:
        with decoding(file.name):
            from_jpeg, info, samples, profile, _ = decoder(num_threads=_THREADS)(data)
    except DamagedImage as error:  # of which the decoder gives no reason
        raise DamagedImage(file.name, "damaged or truncated", COPY_AGAIN) from error
    if from_jpeg:
        return jpeg.read(file._replace(stream=io.BytesIO(samples)))
    if len(samples) != info.width * info.height * _BYTES.get(info.mode, 0):
        raise UnsupportedImage(file.name, "JPEG XL with float samples, or alpha beside 16-bit grey", SAVE_AS)
    image = Image.frombytes(info.mode, (info.width, info.height), samples)
    return convert.finish(file.name, image, colors=bytes(profile) or None)


def size(file: File) -> Size:
    """Width and height of upright JPEG XL; raises as `read`, as far as the header goes."""
    _decoder(file.name)
    header = _header(_codestream(file.compressed()))
    check_size(file.name, *header.size, file.max_pixels)
    return orientation.upright(header.size, header.orientation)


def _decoder(name: str) -> Any:
    with importing(name, "JPEG XL needs a decoder", "jxl"):
        from pillow_jxl import Decoder
    return Decoder


def _codestream(data: bytes) -> bytes:
    """The first bytes of the codestream, without the signature."""
    if data.startswith(JPEG_XL_CONTAINER):
        parts = [
            data[box.start + (_INDEX if box.kind == b"jxlp" else 0) : box.stop] for box in boxes(data) if box.kind in _PARTS
        ]
        data = b"".join(part[:_SIZE_BYTES] for part in parts)
    return data[len(JPEG_XL_CODESTREAM) : _SIZE_BYTES]


class _Header(NamedTuple):
    """Width and height before rotation, and the EXIF orientation."""

    size: Size
    orientation: int


def _header(codestream: bytes) -> _Header:
    """The size header, and the orientation in the metadata behind it (ISO/IEC 18181-1, D.2 and D.3)."""
    bits, read = int.from_bytes(codestream, "little"), 0

    def take(count: int) -> int:
        nonlocal read
        read += count
        return bits >> (read - count) & ((1 << count) - 1)

    def side(eighth: int) -> int:
        return 8 * (1 + take(5)) if eighth else 1 + take(_SIZE_BITS[take(2)])

    eighth = take(1)
    height = side(eighth)
    ratio = _RATIOS[take(3)]
    width = height * ratio[0] // ratio[1] if ratio else side(eighth)
    all_default = take(1)
    rotation = 1 + take(3) if not all_default and take(1) else orientation.UPRIGHT
    return _Header((width, height), rotation)
