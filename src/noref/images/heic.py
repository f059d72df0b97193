"""HEIC, through pillow-heif where it is installed; see `heif` for its colours."""

import io
from typing import Any

import numpy as np

from noref.images import convert, heif, orientation, pillow
from noref.images.cicp import Conversion, conversion
from noref.images.decoding import decoding, importing
from noref.images.isobmff import code_points
from noref.images.limits import check_size
from noref.images.photo import File, Photo, Size


def read(file: File) -> Photo:
    """Read HEIC; HDR of more than 8 bits is converted with all of them.

    Raises:
        UnsupportedImage: pillow-heif is not installed, or cannot be loaded.
        ImageError: Another of its kinds.
    """
    pillow_heif = _decoder(file.name)
    data = file.compressed()
    code = code_points(data)
    file = file._replace(stream=io.BytesIO(data))
    if code is not None and code.is_hdr:
        return _read_deep(file, conversion(code), pillow_heif)
    return heif.read(file, "HEIF", code)


def size(file: File) -> Size:
    """Width and height of upright HEIC; raises as `read`."""
    _decoder(file.name)
    return pillow.size(file._replace(stream=io.BytesIO(file.compressed())), "HEIF")


def _decoder(name: str) -> Any:
    with importing(name, "HEIC needs a decoder", "heic"):
        import pillow_heif
    pillow_heif.register_heif_opener()
    return pillow_heif


def _read_deep(file: File, colors: Conversion, pillow_heif: Any) -> Photo:
    """Read HDR HEIC without reducing it to 8 bits first; with alpha, which no strip of 16 bits carries, in 8 bits."""
    with pillow.open_(file, "HEIF") as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        with decoding(file.name):
            container = pillow_heif.open_heif(file.stream, convert_hdr_to_8bit=False)
            opened = container[container.primary_index]
            deep = np.asarray(opened) if opened.mode == "RGB;16" else None
        if deep is None or colors.to_srgb is None:
            photo = pillow.finish(file.name, image, colors=colors.to_srgb, warnings=colors.warnings)
        else:
            pixels = colors.to_srgb.pixels(deep)
            photo = convert.finish(file.name, pixels, exif_orientation=orientation.of(image), warnings=colors.warnings)
        return photo._replace(warnings=(*pillow.frames_note(image), *photo.warnings))
