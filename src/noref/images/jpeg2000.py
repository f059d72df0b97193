"""JPEG 2000, decoded by OpenJPEG (Pillow), which reports truncated tiles; missing ones are found here.

The loss of the end marker alone costs no pixels.
"""

import io
import struct

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import pillow
from noref.images.decoding import COPY_AGAIN, SAVE_AS
from noref.images.isobmff import boxes, find
from noref.images.photo import File, Photo, Size
from noref.images.signatures import JPEG_2000_CODESTREAM, JPEG_2000_CONTAINER

_END = b"\xff\xd9"
_MOST_COMPONENTS = 4
_SIZ = struct.Struct(">8x8IH")  # right, bottom, left and top of the image; width, height, left and top of the tiles; components
_TILE_PART, _SOT = b"\xff\x90", struct.Struct(">HIBB")  # tile, size, index of the part, number of parts (0: not stated)
_MOST_TILES = 65_535
_MOST_MARKERS = 1 << 18  # with those of tile parts; 200 megapixels in tiles of 64 x 64 have 50,000, or a few times more
_ICC = (b"\2", b"\3")  # methods of colr: a restricted and any ICC profile


def read(file: File) -> Photo:
    """Read JPEG 2000, a codestream or a file with boxes.

    Raises:
        DamagedImage: Tiles, or parts of them, are missing.
        UnsupportedImage: More than 4 components, or more markers than a photo has.
        ImageError: Another of its kinds.
    """
    data = file.compressed()
    start = _start(file.name, data)
    photo = _decode(file, data)
    if not _complete(file.name, data, start):
        raise DamagedImage(file.name, "damaged or truncated: tiles are missing", COPY_AGAIN)
    return photo


def size(file: File) -> Size:
    """Width and height; raises as `read`, as far as the header goes."""
    data = file.compressed()
    _start(file.name, data)
    return pillow.size(file._replace(stream=io.BytesIO(data)), "JPEG2000")


def _start(name: str, data: bytes) -> int:
    """Where the codestream begins."""
    start = data.find(JPEG_2000_CODESTREAM)
    if start < 0 or len(data) < start + _SIZ.size:
        raise DamagedImage(name, "damaged or truncated: no codestream", COPY_AGAIN)
    count = _SIZ.unpack_from(data, start)[-1]
    if count > _MOST_COMPONENTS:
        raise UnsupportedImage(name, f"JPEG 2000 of {count} components", SAVE_AS)
    return start


def _decode(file: File, data: bytes) -> Photo:
    profile = _profile(data)
    try:
        return pillow.read(file._replace(stream=io.BytesIO(data)), "JPEG2000", colors=profile)
    except DamagedImage:
        if data.endswith(_END):
            raise
    stream = io.BytesIO(data + _END)
    return pillow.read(file._replace(stream=stream), "JPEG2000", colors=profile, warnings=("its end marker is missing",))


def _complete(name: str, data: bytes, start: int) -> bool:
    """Whether every part of every tile is there; OpenJPEG leaves a missing tile blank."""
    right, bottom, _, _, width, height, left, top, _ = _SIZ.unpack_from(data, start)
    if not (width and height):
        return False
    needed = [1] * min(-(-(right - left) // width) * -(-(bottom - top) // height), _MOST_TILES)  # parts of each tile
    found = [0] * len(needed)
    at, markers = start + 2, 0
    while data[at : at + 1] == b"\xff" and data[at : at + 2] != _END:
        markers += 1
        if markers > _MOST_MARKERS:
            raise UnsupportedImage(name, f"JPEG 2000 of over {_MOST_MARKERS:,} markers, more than a photo has", SAVE_AS)
        if data[at : at + 2] != _TILE_PART:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            continue
        tile, size, _, parts = _SOT.unpack(data[at + 4 : at + 12].ljust(_SOT.size, b"\0"))
        if tile < len(needed):
            found[tile], needed[tile] = found[tile] + 1, max(needed[tile], parts)
        if not size:  # as long as the data
            break
        at += size
    return all(here >= there for here, there in zip(found, needed, strict=True))


def _profile(data: bytes) -> bytes | None:
    """The ICC profile, which Pillow does not read."""
    if not data.startswith(JPEG_2000_CONTAINER) or (header := find(data, b"jp2h")) is None:
        return None
    for box in boxes(data, header.start, header.stop):
        if box.kind == b"colr" and data[box.start : box.start + 1] in _ICC:
            return data[box.start + 3 : box.stop]
    return None
