"""JPEG: decoded strictly by libjpeg-turbo (simplejpeg), so that lost and corrupt data are errors.

Where the decoder objects to something that real cameras write, the data are mended and decoded strictly again, and the photo
gets a warning: a harmless irregularity never hides lost data behind it. Pillow decodes the rare kinds that simplejpeg does not.
"""

import io

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from noref.errors import DamagedImage, UnsupportedImage
from noref.images import convert, orientation
from noref.images.decoding import COPY_AGAIN, SAVE_AS, decoding
from noref.images.jpeg_repair import MOST_REPAIRS, mend
from noref.images.jpeg_structure import Frame, Structure
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size

_HEAD = 1 << 17  # bytes that hold the headers of most files
_EXCESSIVE = "JPEG of more markers or scans than a photo has"
_FACTORS = (8, 4, 2)  # by which libjpeg decodes smaller, and faster
_RARE = "its chroma subsampling is rare; corrupt data would go unnoticed"
_ARITHMETIC = "it is coded arithmetically; lost data would go unnoticed"


def read(file: File) -> Photo:
    """Read a JPEG; where `file.enough` allows it, at a half, a quarter or an eighth of its size.

    Raises:
        DamagedImage: Data are lost or corrupt, whole scans of a progressive file among them.
        UnsupportedImage: Lossless, hierarchical, not of 8 bits, or of another kind that no decoder here reads.
        ImageError: Another of its kinds.
    """
    data = file.compressed()
    structure = Structure.of(data)
    frame = _frame(file, structure)
    factor = _factor(frame, file.enough)
    profile = structure.profile(data)
    colors = "CMYK" if frame.components == 4 else "GRAY" if frame.components == 1 and profile else "RGB"
    pixels, warnings = _decode(file.name, data, frame, factor, colors)
    if frame.arithmetic:
        if structure.end is None:  # libjpeg reads lost data as zeros, without a warning
            raise DamagedImage(file.name, "damaged or truncated: no end marker", COPY_AGAIN)
        warnings = (*warnings, _ARITHMETIC)
    if not structure.complete:
        raise DamagedImage(file.name, "damaged or truncated: scans are missing", COPY_AGAIN)
    return convert.finish(
        file.name,
        pixels,
        exif_orientation=orientation.of_exif(structure.exif(data)),
        colors=profile,
        warnings=warnings,
        size=(frame.width, frame.height),
        reduced=factor,
    )


def size(file: File) -> Size:
    """Width and height of the upright photo; raises as `read`, as far as the header goes."""
    data = file.stream.read(_HEAD)
    structure = Structure.of(data)
    if not structure.header_is_whole:
        data = file.compressed()
        structure = Structure.of(data)
    frame = _frame(file, structure)
    return orientation.upright((frame.width, frame.height), orientation.of_exif(structure.exif(data)))


def _frame(file: File, structure: Structure) -> Frame:
    if structure.endless:
        raise UnsupportedImage(file.name, _EXCESSIVE, SAVE_AS)
    if (frame := structure.frame) is None:
        raise DamagedImage(file.name, "damaged or truncated: no frame header", COPY_AGAIN)
    if reason := frame.unsupported:
        raise UnsupportedImage(file.name, reason, SAVE_AS)
    check_size(file.name, frame.width, frame.height, file.max_pixels)
    if structure.excessive(frame.width * frame.height):
        raise UnsupportedImage(file.name, _EXCESSIVE, SAVE_AS)
    return frame


def _factor(frame: Frame, enough: int | None) -> int:
    """The largest factor that leaves enough pixels."""
    if enough is None:
        return 1
    return next((by for by in _FACTORS if _part(frame.width, by) * _part(frame.height, by) >= enough), 1)


def _part(side: int, factor: int) -> int:
    return -(-side // factor)


def _decode(name: str, data: bytes, frame: Frame, factor: int, colors: str) -> tuple[convert.Decoded, tuple[str, ...]]:
    """Pixels in `colors` (GRAY, RGB or CMYK) and warnings."""
    warnings: dict[str, None] = {}  # in their order, each once
    for _ in range(MOST_REPAIRS):
        try:
            return _strictly(data, frame, factor, colors), tuple(warnings)
        except ValueError as error:
            message = str(error)
            if "subsampling level" in message:
                return _by_pillow(name, data, frame, factor), (*warnings, _RARE)
            mended = mend(message, data)
            if mended is None:
                raise DamagedImage(name, f"damaged or truncated ({message})", COPY_AGAIN) from error
            data, warnings[mended.warning] = mended.data, None
    raise DamagedImage(name, f"damaged or truncated ({', '.join(warnings)})", COPY_AGAIN)


def _strictly(data: bytes, frame: Frame, factor: int, colors: str) -> npt.NDArray[np.uint8]:
    height, width = _part(frame.height, factor), _part(frame.width, factor)
    pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colors, min_height=height, min_width=width, strict=True)
    if colors == "CMYK":
        np.invert(pixels, out=pixels)  # stored inverted, as Adobe does, and whoever else writes CMYK
    return pixels[..., 0] if colors == "GRAY" else pixels


def _by_pillow(name: str, data: bytes, frame: Frame, factor: int) -> npt.NDArray[np.uint8]:
    with decoding(name):
        image = JpegImageFile(io.BytesIO(data))
        image.draft(image.mode, (frame.width // factor, frame.height // factor))
        return np.asarray(image)
