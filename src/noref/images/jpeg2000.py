"""JPEG 2000, decoded by OpenJPEG (Pillow), strictly: truncated tile-parts are errors; a missing end marker alone is not."""

import io

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import pillow
from noref.images.decoding import SAVE_AS
from noref.images.isobmff import boxes, find
from noref.images.photo import File, Photo

CODESTREAM = b"\xff\x4f\xff\x51"  # SOC, SIZ
CONTAINER = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_END = b"\xff\xd9"
_MOST_COMPONENTS = 4
_SIZ_COMPONENTS = 40  # where SIZ holds their number, from the start of the codestream
_ICC = (2, 3)  # methods of colr: a restricted and any ICC profile


def read(file: File) -> Photo:
    """Read JPEG 2000, a codestream or a file with boxes.

    Raises:
        UnsupportedImage: More than 4 components.
        ImageError: Another of its kinds.
    """
    data = file.compressed()
    codestream = data.find(CODESTREAM)
    count = (
        int.from_bytes(data[codestream + _SIZ_COMPONENTS : codestream + _SIZ_COMPONENTS + 2], "big") if codestream >= 0 else 0
    )
    if count > _MOST_COMPONENTS:
        raise UnsupportedImage(file.name, f"JPEG 2000 of {count} components", SAVE_AS)
    profile = _profile(data)
    try:
        return pillow.read(file._replace(stream=io.BytesIO(data)), "JPEG2000", colors=profile)
    except DamagedImage:
        if data.endswith(_END):
            raise
    stream = io.BytesIO(data + _END)
    return pillow.read(file._replace(stream=stream), "JPEG2000", colors=profile, warnings=("its end marker is missing",))


def _profile(data: bytes) -> bytes | None:
    """The ICC profile, which Pillow does not read."""
    if not data.startswith(CONTAINER) or (header := find(data, b"jp2h")) is None:
        return None
    for box in boxes(data, header.start, header.stop):
        if box.kind == b"colr" and data[box.start] in _ICC:
            return data[box.start + 3 : box.stop]
    return None
