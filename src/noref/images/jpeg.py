"""JPEG: decoded strictly by libjpeg-turbo (simplejpeg), so that lost and corrupt data are errors; Pillow reads the metadata.

Where the decoder objects to something that real cameras write, the data are mended and decoded strictly again, and the photo
gets a warning: a harmless irregularity never hides lost data behind it.
"""

import io

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import convert, orientation
from noref.images.decoding import COPY_AGAIN, SAVE_AS, decoding
from noref.images.jpeg_repair import mend
from noref.images.jpeg_structure import Frame, Structure
from noref.images.limits import check_size
from noref.images.photo import File, Photo

_FACTORS = (8, 4, 2)  # by which libjpeg decodes smaller, and faster
_COLORS = {1: "GRAY", 3: "RGB", 4: "CMYK"}


def read(file: File) -> Photo:
    """Read a JPEG; where `file.enough` allows it, at a half, a quarter or an eighth of its size.

    Raises:
        DamagedImage: Data are lost or corrupt, whole scans of a progressive file among them.
        UnsupportedImage: Lossless, hierarchical, or not of 8 bits.
        ImageError: Another of its kinds.
    """
    data = file.compressed()
    structure = Structure.of(data)
    if (frame := structure.frame) is None:
        raise DamagedImage(file.name, "damaged or truncated: no frame header", COPY_AGAIN)
    if reason := frame.unsupported:
        raise UnsupportedImage(file.name, reason, SAVE_AS)
    check_size(file.name, frame.width, frame.height, file.max_pixels)
    factor = _factor(frame, file.enough)
    pixels, notes = _decode(file.name, data, frame, factor)
    if not structure.complete:
        raise DamagedImage(file.name, "damaged or truncated: scans are missing", COPY_AGAIN)
    turn, profile, unread = _metadata(data)
    return convert.finish(
        file.name,
        pixels,
        turn=turn,
        colors=profile,
        warnings=(*notes, *unread),
        size=(frame.width, frame.height),
        reduced=factor,
    )


def _factor(frame: Frame, enough: int | None) -> int:
    """The largest factor that leaves enough pixels."""
    if enough is None:
        return 1
    return next((by for by in _FACTORS if _part(frame.width, by) * _part(frame.height, by) >= enough), 1)


def _part(side: int, factor: int) -> int:
    return -(-side // factor)


def _decode(name: str, data: bytes, frame: Frame, factor: int) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Pixels (as `convert.Decoded` holds them) and warnings."""
    height, width = _part(frame.height, factor), _part(frame.width, factor)
    notes: tuple[str, ...] = ()
    while True:
        try:
            pixels = simplejpeg.decode_jpeg(data, _COLORS[frame.components], min_height=height, min_width=width, strict=True)
            break
        except ValueError as error:
            message = str(error)
            if "subsampling level" in message:
                return _by_pillow(name, data), (*notes, "its chroma subsampling is rare; corrupt data would go unnoticed")
            mended = mend(message, data)
            if mended is None or mended.warning in notes:
                raise DamagedImage(name, f"damaged or truncated ({message})", COPY_AGAIN) from error
            data, notes = mended.data, (*notes, mended.warning)
    if frame.components == 4:
        pixels = 255 - pixels  # stored inverted, as Adobe does, and whoever else writes CMYK
    return (pixels[..., 0] if frame.components == 1 else pixels), notes


def _by_pillow(name: str, data: bytes) -> npt.NDArray[np.uint8]:
    with decoding(name):
        return np.asarray(JpegImageFile(io.BytesIO(data)))


def _metadata(data: bytes) -> tuple[int, bytes | None, tuple[str, ...]]:
    """Orientation, ICC profile and a warning where metadata are corrupt; they never cost the photo."""
    try:
        header = JpegImageFile(io.BytesIO(data))
        return orientation.of(header), header.info.get("icc_profile"), ()
    except Exception:  # on corrupt metadata Pillow raises many types
        return orientation.UPRIGHT, None, ("its metadata are corrupt and were ignored",)
