"""EXIF orientation: the one place where a photo is turned upright."""

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

UPRIGHT = 1


def of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it cannot be read, whatever else the EXIF holds."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # metadata never cost the photo; corrupt ones raise many types
        return UPRIGHT
    return found if isinstance(found, int) and 1 <= found <= 8 else UPRIGHT


def turns(orientation: int) -> bool:
    """Whether width and height change places."""
    return orientation >= 5


def apply(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Pixels (H x W x 3) as a viewer shows them; contiguous."""
    if turns(orientation):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
