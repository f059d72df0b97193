"""WebP, decoded by Pillow. Truncated metadata after the pixels are ignored."""

import io

from noref.images import pillow
from noref.images.photo import File, Photo, Size

_HEADER = 12  # bytes
_METADATA = (b"EXIF", b"XMP ")


def read(file: File) -> Photo:
    """Read WebP.

    Raises:
        ImageError: One of its kinds.
    """
    data = file.compressed()
    whole = _without_cut_metadata(data)
    notes = () if whole is data else ("its end is missing, with metadata, which were ignored",)
    return pillow.read(file._replace(stream=io.BytesIO(whole)), "WEBP", warnings=notes)


def size(file: File) -> Size:
    """Width and height of upright WebP; raises as `read`."""
    whole = _without_cut_metadata(file.compressed())
    return pillow.size(file._replace(stream=io.BytesIO(whole)), "WEBP")


def _without_cut_metadata(data: bytes) -> bytes:
    """The data, without a last chunk that is cut where it is metadata."""
    at, stop = _HEADER, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= stop:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if end > len(data) and data[at : at + 4] in _METADATA:
            return data[:4] + (at - 8).to_bytes(4, "little") + data[8:at]
        at = end
    return data
