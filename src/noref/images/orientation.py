"""EXIF orientation, read and applied. `tiff` reads its own tag; LibRaw and the JPEG XL decoder rotate photos themselves."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

UPRIGHT = 1
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
_BYTES_OF_TYPE = {1: 1, 3: 2, 4: 4}  # BYTE, SHORT, which the standard demands, and LONG
_ENTRY = 12  # bytes: tag 2, type 2, count 4, value 4


def of(image: Image.Image) -> int:
    """The EXIF orientation of a PIL image, 1 to 8; 1 if there is none or it cannot be read."""
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        return of_exif(exif)
    try:
        return _checked(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:  # corrupt metadata raise many types, and must not make the photo fail
        return UPRIGHT


def of_exif(exif: bytes) -> int:
    """The orientation in an EXIF block, with or without the header "Exif"; 1 if there is none.

    Only this entry is parsed, since Pillow fails on some blocks with other corrupt entries.
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


def swaps_sides(orientation: int) -> bool:
    """Whether an orientation swaps width and height."""
    return orientation >= 5


def upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height of the upright image, from those stored."""
    return size[::-1] if swaps_sides(orientation) else size


def apply(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Rotate and flip pixels (H x W x 3) upright; contiguous."""
    if swaps_sides(orientation):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
