"""EXIF orientation, read and applied. `tiff` reads its own tag; LibRaw and the JPEG XL decoder turn photos themselves."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

UPRIGHT = 1
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_BYTES_OF_TYPE = {1: 1, 3: 2, 4: 4}  # BYTE, SHORT, which the standard demands, and LONG
_ENTRY = 12  # bytes: tag 2, type 2, count 4, value 4


def of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it cannot be read, whatever else the EXIF holds."""
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        return of_exif(exif)
    try:
        return _checked(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # metadata never cost the photo; corrupt ones raise many types
        return UPRIGHT


def of_exif(exif: bytes) -> int:
    """The orientation in an EXIF block, with or without the header "Exif"; 1 where there is none.

    Only the one entry is parsed, since Pillow gives up on some blocks whose other entries are corrupt.
    """
    tiff = exif.removeprefix(b"Exif").lstrip(b"\0")
    order = _ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    start = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[start : start + 2], order)
    for at in range(start + 2, min(start + 2 + count * _ENTRY, len(tiff)), _ENTRY):
        tag, kind = (int.from_bytes(tiff[at + i : at + i + 2], order) for i in (0, 2))
        if tag == ExifTags.Base.Orientation:
            return _checked(int.from_bytes(tiff[at + 8 : at + 8 + _BYTES_OF_TYPE.get(kind, 0)], order))
    return UPRIGHT


def _checked(found: object) -> int:
    return found if isinstance(found, int) and 1 <= found <= 8 else UPRIGHT


def turns(orientation: int) -> bool:
    """Whether width and height change places."""
    return orientation >= 5


def upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height as a viewer shows them, of those stored."""
    return size[::-1] if turns(orientation) else size


def apply(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Pixels (H x W x 3) as a viewer shows them; contiguous."""
    if turns(orientation):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
